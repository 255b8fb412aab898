"""Printing: what was asked for on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from gofer.cli.table import Cell, fields, table
from gofer.cli.terminal import paint, plain, wants_color
from gofer.errors import ClientError, GoferError, InvalidInput, Problem
from gofer.journal import is_journal, marked

Format = Literal["pretty", "json", "silent"]
_MOST_PROBLEMS = 100


class Output:
    """`pretty` for people; `json`: exactly one document (or a line for each item of a stream); `silent`: nothing."""

    def __init__(self, form: Format, *, colors: bool, environ: Mapping[str, str] = os.environ) -> None:
        """`colors` false: never any colour, whatever stdout is."""
        self.format = form
        self.color = colors and wants_color(sys.stdout, environ)
        self.error_color = colors and wants_color(sys.stderr, environ)

    def show(self, value: Any, pretty: Callable[[], Iterable[str]]) -> None:
        """Print `value` as one JSON document, or the lines of `pretty`."""
        if self.format == "json":
            self.document(value)
        elif self.format == "pretty":
            for line in pretty():
                print(line)

    def document(self, value: Any) -> None:
        """Print `value` as JSON."""
        write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")

    def item(self, value: Any) -> None:
        """Print `value` as one line of a JSON stream."""
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")

    def flush(self) -> None:
        """What was printed is wanted now: a stream makes a pause."""
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A remark to a person, such as what to do next: on stderr, in `pretty` only."""
        if self.format == "pretty":
            shown = plain(text)
            _complain(paint(shown, "dim") if self.error_color else shown, "info")

    def warn(self, text: str) -> None:
        """Something that a person should know of: on stderr in every format."""
        _complain(self._label("warning:", "yellow") + f" {plain(text)}", "warning")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
        """Lines of a table in this output's colours."""
        return table(head, rows, color=self.color)

    def fields(self, pairs: Sequence[tuple[str, Cell]]) -> list[str]:
        """Lines of `name  value` in this output's colours."""
        return fields(pairs, color=self.color)

    def error(self, error: GoferError, *, token_from: str = "") -> None:
        """Print `error` on stderr: what happened, every problem with its place, what to do next. `token_from` is said
        where it is the token that is wrong."""
        problems = error.problems if isinstance(error, (ClientError, InvalidInput)) else []
        report(error.message, error.hint, problems, color=self.error_color)
        if token_from and isinstance(error, ClientError) and error.problem_status == 401:
            print(plain(f"(the token is that of {token_from})"), file=sys.stderr)
        if isinstance(error, ClientError) and error.problem_status >= 500 and error.request_id:
            about = f"(request {error.request_id}: gofer service logs --contains {error.request_id})"
            print(plain(about), file=sys.stderr)

    def _label(self, text: str, look: str) -> str:
        return paint(text, look, "bold") if self.error_color else text


def report(message: str, hint: str = "", problems: Sequence[Problem] = (), *, color: bool) -> None:
    """Print an error on stderr: `error: …`, a line for each problem with its hint below, `hint: …`."""
    lines = [f"{_bold('error:', 'red', color)} {_block(message)}"]
    for problem in problems[:_MOST_PROBLEMS]:
        lines.append(f"  {_bold(plain(problem.place), 'yellow', color)}: {plain(problem.message)}")
        if problem.hint:
            lines.append(f"      {plain(problem.hint)}")
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"  … and {len(problems) - _MOST_PROBLEMS} more")
    shown = {problem.hint for problem in problems}
    if hint and hint not in shown:
        lines.append(f"{_bold('hint:', 'cyan', color)} {_block(hint)}")
    _complain("\n".join(lines), "error")


def write(data: bytes) -> None:
    """Write bytes to stdout, in their place among what was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def _complain(text: str, level: str) -> None:
    """Print on stderr, behind what was printed on stdout before; the journal gets to know the level."""
    sys.stdout.flush()
    print(marked(text, level) if is_journal(sys.stderr, os.environ) else text, file=sys.stderr)


def _block(text: str) -> str:
    """Several lines stay several lines; everything else that is not printable is shown escaped."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _bold(text: str, look: str, color: bool) -> str:
    return paint(text, look, "bold") if color else text
