"""Lines of the server's own log, as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


class OwnLogLine(msgspec.Struct, kw_only=True, frozen=True):
    """One line. `number` grows from line to line, over restarts too. `at` in milliseconds since the Unix epoch.

    `logger` is the part of the server that speaks, `event` what it says, `fields` what it says it of.
    """

    number: int
    at: int
    level: Level
    logger: str
    event: str
    fields: dict[str, str] = {}


class OwnLogFrame(msgspec.Struct, kw_only=True, tag_field="type", tag="lines"):
    """A websocket frame with lines in order. `missed`: how many before them were forgotten before they could be sent,
    of any level."""

    lines: list[OwnLogLine]
    missed: int = 0
