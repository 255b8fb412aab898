"""How often Python looks for garbage: the time that takes is time in which the event loop stands still."""

from __future__ import annotations

import gc

_YOUNG = 50_000


def settle() -> None:
    """To be called once the server has started: what was made until now stays for good and is never looked at again.

    Looking at it all takes 50 ms, and would happen every few hundred runs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
