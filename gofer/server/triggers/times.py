"""How long things may take. All in seconds."""

from __future__ import annotations

from typing import NamedTuple


class Times(NamedTuple):
    """`hello`, `heartbeat`: as in docs/trigger-protocol.md. `dial`: from the start of a trigger, or the loss of its
    connection, until it has dialled in; `adopt` likewise, from the start of Gofer. `pause` is that after the first
    failure, `longest_pause` that after many; `well`: who was healthy for so long has not failed before. `asking`:
    until a trigger that was started to be asked has told what it is.
    """

    hello: float = 10.0
    heartbeat: float = 15.0
    dial: float = 60.0
    adopt: float = 15.0
    pause: float = 1.0
    longest_pause: float = 60.0
    well: float = 60.0
    asking: float = 60.0
