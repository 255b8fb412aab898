"""Where a browser may be sent after it has signed in: a path of this server, and nothing that could become more."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

HOME: Final = "/"
LONGEST: Final = 2000

_MOST_TURNS = 5
# What a browser takes for the beginning of another host's address, or leaves out when it reads one.
_CONFUSING = ("//", "\\")


def safe_next(text: str) -> str:
    """`text` if it is the absolute path of a page here, with its query and fragment; else `/`.

    It must hold however often it is unescaped on its way.
    """
    if len(text) > LONGEST or not text.isascii() or " " in text or _leads_to_login(text):
        return HOME
    turn = text
    for _ in range(_MOST_TURNS):
        if not _is_path(turn):
            return HOME
        further = unquote(turn, errors="replace")
        if further == turn:
            return text
        turn = further
    return HOME


def _is_path(text: str) -> bool:
    path = text.partition("?")[0].partition("#")[0]
    return (
        path.startswith("/")
        and not any(one in path for one in _CONFUSING)
        and all(character.isprintable() for character in text)
    )


def _leads_to_login(text: str) -> bool:
    """Nobody is to go round in circles."""
    return text.partition("?")[0].partition("#")[0] == "/login"
