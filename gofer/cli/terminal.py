"""What may be sent to a terminal. Logs and names come from strangers; a terminal obeys what it is sent."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import IO

RESET = "\x1b[0m"
_COLORS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
_COLORS |= {"bold": "1", "dim": "2"}


@cache
def _control() -> re.Pattern[str]:
    """Compiled when it is first needed, as most commands print nothing that needs it.

    In this order: colours (SGR), other CSI, OSC and its kin up to their end, any other escape, stray control
    characters.
    """
    return re.compile(
        r"(?P<sgr>\x1b\[[0-9;:]*m)"
        r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
        r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
        r"|\x1b[ -/]*[0-~]?"
        r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
        r"|(?P<motion>[\r\n])"
    )


def clean(text: str, *, colors: bool, motion: bool = False) -> str:
    """`text` without control sequences.

    Colours stay if `colors` (and are ended at the end), line feeds and carriage returns if `motion`. Tabs stay.
    """
    if text.isprintable():
        return text

    def keep(match: re.Match[str]) -> str:
        kind = match.lastgroup
        return match[0] if (kind == "sgr" and colors) or (kind == "motion" and motion) else ""

    cleaned = _control().sub(keep, text)
    return cleaned + RESET if colors and "\x1b" in cleaned else cleaned


def log_line(text: str, *, colors: bool) -> str:
    """One line of a log for a view that prefixes lines: of a progress bar only its last state is left."""
    if "\r" in text:
        text = text.rstrip("\r").rpartition("\r")[2]
    return clean(text, colors=colors)


def plain(text: str) -> str:
    """A name or sentence for one line of output: whatever is not printable is shown escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def paint(text: str, *looks: str) -> str:
    """`text` in a colour or in bold or dim. Only where `wants_color` said so."""
    codes = ";".join(_COLORS[look] for look in looks)
    return f"\x1b[{codes}m{text}{RESET}" if codes else text


def wants_color(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether colours may be sent to `stream`: a terminal, and nobody said no."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person watches `stream`."""
    return stream is not None and not stream.closed and stream.isatty()


def prepare_streams() -> None:
    """Make stdout and stderr ones that can always be printed to.

    One that is closed (`>&-`) becomes a hole. What cannot be encoded (`LANG=C`, a file name that is not UTF-8) is
    printed escaped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  # a device that stays open
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
