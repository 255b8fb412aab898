"""The suite's steps in the fake engine's words."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.steps import (
    PADDING,
    Die,
    Exit,
    Flood,
    Folder,
    Hang,
    Lines,
    LongLine,
    Say,
    Show,
    Step,
    UntilStopped,
    Variable,
    Write,
)


def in_words(steps: Sequence[Step]) -> Sequence[str]:
    """A command that does it."""
    return [word for step in steps for word in _words(step)]


def _words(step: Step) -> Sequence[str]:
    match step:
        case Say(data, stream):
            return ["bytes", stream, data.hex()]
        case Lines(number, stream):
            return ["lines", str(number), stream, f"%08d{stream[3]}{PADDING}!!"]
        case LongLine(size, stream, ended):
            return ["repeat", str(size), stream, "x", "bytes", stream, "0a" if ended else ""]
        case Variable(name):
            return ["variable", name]
        case Folder():
            return ["folder"]
        case Write(path, text):
            return ["write", path, text]
        case Show(path):
            return ["show", path]
        case UntilStopped():
            return ["until-stopped"]
        case Hang(deaf):
            return ["deaf" if deaf else "hang"]
        case Flood():
            return ["yes", PADDING]
        case Exit(code):
            return ["exit", str(code)]
        case Die(signal):
            return ["die", str(signal)]
