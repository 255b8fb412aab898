"""What a container is told to do in these tests, in words that every engine understands.

`in_shell` says it to a shell, for engines that run real commands; an engine without a shell brings its own translation.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gofer.models.log import Stream


class Say(NamedTuple):
    """Print exactly these bytes, at once."""

    data: bytes
    stream: Stream = "stdout"


class Lines(NamedTuple):
    """Print `number` lines as fast as possible: `line(i, stream)` for i from 1."""

    number: int
    stream: Stream = "stdout"


class LongLine(NamedTuple):
    """Print a line of `size` times the letter x, with a newline after it if `ended`."""

    size: int
    stream: Stream = "stdout"
    ended: bool = True


class Variable(NamedTuple):
    """Print an environment variable's value and a newline."""

    name: str


class Folder(NamedTuple):
    """Print the working directory and a newline."""


class Write(NamedTuple):
    """Make a file of that text, with the folders around it."""

    path: str
    text: str


class Show(NamedTuple):
    """Print a file."""

    path: str


class UntilStopped(NamedTuple):
    """Do nothing until asked to end, then go on with the next step instead of ending."""


class Hang(NamedTuple):
    """Do nothing until ended; `deaf`: being asked to end has no effect."""

    deaf: bool = False


class Flood(NamedTuple):
    """Print lines without end, as fast as possible."""


class Exit(NamedTuple):
    """End with that code."""

    code: int


class Die(NamedTuple):
    """End by that signal."""

    signal: int


Step = Say | Lines | LongLine | Variable | Folder | Write | Show | UntilStopped | Hang | Flood | Exit | Die
Translate = Callable[[Sequence[Step]], Sequence[str]]

PADDING = "." * 88


def line(number: int, stream: Stream = "stdout") -> bytes:
    """A line that `Lines` prints: 100 bytes with its newline."""
    return f"{number:08d}{stream[3]}{PADDING}!!\n".encode()


def lines(count: int, stream: Stream = "stdout") -> bytes:
    """Everything that `Lines(count, stream)` prints."""
    return b"".join(line(number, stream) for number in range(1, count + 1))


def in_shell(steps: Sequence[Step]) -> Sequence[str]:
    """A command that does it."""
    return ["sh", "-c", "\n".join([_prepare(steps), *(_shell(step) for step in steps)])]


def _prepare(steps: Sequence[Step]) -> str:
    # Before anything is printed, so that a test that has seen some output may ask it to end.
    if any(isinstance(step, Hang) and step.deaf for step in steps):
        return 'trap "" TERM'
    return 'go=; trap "go=1" TERM' if any(isinstance(step, UntilStopped) for step in steps) else ""


def _shell(step: Step) -> str:
    match step:
        case Say(data, stream):
            text = "".join(f"\\{byte:03o}" for byte in data)
            return f"printf {shlex.quote(text)}{_to(stream)}"
        case Lines(number, stream):
            loop = f'for (i = 1; i <= {number}; i++) printf "%08d{stream[3]}{PADDING}!!\\n", i'
            return f"awk 'BEGIN {{ {loop} }}'{_to(stream)}"
        case LongLine(size, stream, ended):
            newline = "; echo" if ended else ""
            return f"{{ head -c {size} /dev/zero | tr '\\0' x{newline}; }}{_to(stream)}"
        case Variable(name):
            return f'printf "%s\\n" "${name}"'
        case Folder():
            return "pwd"
        case Write(path, text):
            return f'mkdir -p "$(dirname {path})" && printf %s {shlex.quote(text)} >{path}'
        case Show(path):
            return f"cat {path}"
        case UntilStopped():
            # An engine may signal every process, not the first alone: the shell would tell of its ended sleep.
            return 'while [ -z "$go" ]; do sleep 0.02; done 2>/dev/null; trap "" TERM'
        case Hang(deaf):
            return "while :; do sleep 0.05; done" if deaf else "exec sleep 600"
        case Flood():
            return f"exec yes {PADDING}"
        case Exit(code):
            return f"exit {code}"
        case Die(signal):
            return f"kill -{signal} $$; sleep 600"


def _to(stream: Stream) -> str:
    return " >&2" if stream == "stderr" else ""
