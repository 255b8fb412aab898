"""What a container of the fake engine is told to do: its command is a sequence of these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gofer.engines.scheduler.base import ContainerSpec
from gofer.errors import StartFailed
from gofer.models.ids import shown
from gofer.models.status import Reason

# How many arguments follow each word. docs/engines/fake.md says what they do.
WORDS: Final[Mapping[str, int]] = {
    "exit": 1,
    "die": 1,
    "oom": 0,
    "vanish": 0,
    "fail-to-start": 0,
    "sleep": 1,
    "gate": 0,
    "hang": 0,
    "deaf": 0,
    "until-stopped": 0,
    "say": 1,
    "complain": 1,
    "bytes": 2,
    "repeat": 3,
    "lines": 3,
    "log": 1,
    "flood": 0,
    "yes": 1,
    "variable": 1,
    "folder": 0,
    "write": 2,
    "show": 1,
}

# Words that never pass by themselves.
ENDLESS: Final = frozenset({"gate", "hang", "deaf", "until-stopped", "flood", "yes"})
_STREAMS: Final = ("stdout", "stderr")
_REASONS: Final = (Reason.IMAGE_NOT_FOUND, Reason.PULL_FAILED, Reason.START_FAILED)


class Step(NamedTuple):
    word: str
    arguments: tuple[str, ...] = ()


def parse(spec: ContainerSpec) -> list[Step]:
    """The steps of a container; none where it has no command. Raises StartFailed for what is not one.

    `fail-to-start` may be followed by the reason that it fails with.
    """
    words = [*(spec.entrypoint or ()), *(spec.command or ())]
    steps: list[Step] = []
    position = 0
    while position < len(words):
        word = words[position]
        if word not in WORDS:
            raise _refused(f"there is no program {shown(word)}", f"The fake engine knows: {', '.join(WORDS)}.")
        if word == "fail-to-start":
            raise _asked_for(words[position + 1 :])
        arguments = tuple(words[position + 1 : position + 1 + WORDS[word]])
        if len(arguments) < WORDS[word] or not _is_valid(word, arguments):
            raise _refused(f"{shown(word)} cannot do with {shown(' '.join(arguments))}", "See docs/engines/fake.md.")
        steps.append(Step(word, arguments))
        position += 1 + len(arguments)
    return steps


def _is_valid(word: str, arguments: Sequence[str]) -> bool:
    try:
        if word in ("exit", "die"):
            return 0 <= int(arguments[0]) <= 255
        if word == "log":
            return int(arguments[0]) >= 0
        if word == "sleep":
            return float(arguments[0]) >= 0
        if word == "bytes":
            return arguments[0] in _STREAMS and bytes.fromhex(arguments[1]) is not None
        if word == "lines":
            return int(arguments[0]) >= 0 and arguments[1] in _STREAMS and arguments[2] % 1 != ""
        if word == "repeat":
            return int(arguments[0]) >= 0 and arguments[1] in _STREAMS
    except (ValueError, TypeError):
        return False
    return True


def _asked_for(rest: Sequence[str]) -> StartFailed:
    reason = Reason(rest[0]) if rest and rest[0] in _REASONS else Reason.START_FAILED
    return StartFailed("the container could not be started, as it was told", "It was told so.", reason=reason)


def _refused(message: str, hint: str) -> StartFailed:
    return StartFailed(message, hint, reason=Reason.START_FAILED)
