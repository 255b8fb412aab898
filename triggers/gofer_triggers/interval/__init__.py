"""The trigger `interval`."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Be the program: `gofer builtin trigger interval`, or `python -m gofer_triggers.interval`."""
    from gofer_triggers.interval.trigger import Interval

    Interval.main()
