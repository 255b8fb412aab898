"""`gofer service logs`"""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Paging, fetch
from gofer.cli.terminal import paint, plain
from gofer.cli.times import clock, now
from gofer.client import paths
from gofer.errors import ClientError
from gofer.models.own_log import LEVELS, OwnLogFrame, OwnLogLine
from gofer.models.units import parse_duration

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.client.http import Query

_UNIT = "gofer"
_LOOKS = {"debug": "dim", "info": "green", "warning": "yellow", "error": "red"}
_UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# The journal's names of the levels.
_PRIORITIES = {"debug": "debug", "info": "info", "warning": "warning", "error": "err"}


class Wish(NamedTuple):
    """What of the log is wanted. `since` in milliseconds since the Unix epoch, 0: from the beginning."""

    lines: int
    level: str
    since: int
    contains: str | None


def _since(_ctx: click.Context, _param: click.Parameter, given: str | None) -> int:
    if given is None:
        return 0
    try:
        return now() - parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    "logs",
    cls=Command,
    examples=[
        "gofer service logs --follow",
        "gofer service logs --level warning --since 1h",
        "gofer service logs --contains 01978f3ce2a14b7d52c90aee",
        "gofer service logs --journal --lines 500",
    ],
)
@pass_invocation
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--lines", type=click.IntRange(0, 100_000), default=100, show_default=True, metavar="N", help="How many at most."
)
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="Only this level and graver ones.")
@click.option("--since", callback=_since, metavar="DURATION", help='Only what is not older, as in "10m" or "2h".')
@click.option("--contains", metavar="TEXT", help="Only lines with this text, such as a request's id.")
@click.option(
    "--journal", is_flag=True, help="Ask systemd's journal rather than the server: all there is, of any life."
)
def logs(
    invocation: Invocation, follow: bool, lines: int, level: str, since: int, contains: str | None, journal: bool
) -> int:
    """The server's own log: the newest lines that it has in memory.

    What the server said before it was started last is in systemd's journal, or wherever its stderr went.
    """
    wish = Wish(lines, level, since, contains)
    if journal:
        return _run_journalctl(wish, follow)
    try:
        found = _newest(invocation, wish)
    except ClientError as error:
        if error.problem_status == 0 and _has_unit():
            command = shlex.join(_journalctl(wish, follow))
            error.hint = f"Its unit's log is in the journal: {command} (or: gofer service logs --journal)."
        raise
    for line in found:
        _print(invocation.output, line)
    if not found and not follow:
        invocation.output.note("No such lines since the server was started.")
    if not follow:
        return 0
    # Without lines: from the beginning, as nothing so far was one; or only new ones, where none was asked for.
    return _follow(invocation, wish, found[-1].number if found else 0 if wish.lines else None)


def _newest(invocation: Invocation, wish: Wish) -> list[OwnLogLine]:
    query: Query = {"newest_first": True, **_filter(wish)}
    if wish.lines == 0:
        return []
    page = fetch(invocation, paths.OWN_LOG, OwnLogLine, query, Paging(wish.lines, None))
    return page.items[::-1]


def _filter(wish: Wish) -> dict[str, Any]:
    return {"level": wish.level, "since": wish.since or None, "contains": wish.contains}


def _follow(invocation: Invocation, wish: Wish, after: int | None) -> int:
    from gofer.cli.interrupts import Interrupted, run_interruptible

    try:
        run_interruptible(_stream(invocation, wish, after))
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


async def _stream(invocation: Invocation, wish: Wish, after: int | None) -> None:
    from contextlib import aclosing

    from gofer.client.patience import Link, reconnecting
    from gofer.client.websocket import own_log_frames

    output = invocation.output
    link = Link(
        float("inf"),
        lambda error: output.note(f"connection lost ({error.message}); waiting for the server"),
        lambda: output.note("connected again"),
    )

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[OwnLogFrame, None]:
        query: Query = {**_filter(wish), "after": after}
        return own_log_frames(invocation.server, paths.OWN_LOG_STREAM, query, opened)

    output.flush()
    async with aclosing(reconnecting(link, open_stream, lambda: None)) as frames:
        async for frame in frames:
            if frame.missed:
                output.note(f"… {frame.missed} lines were forgotten before they could be shown")
            for line in frame.lines:
                after = line.number
                _print(output, line)
            output.flush()


def _print(output: Output, line: OwnLogLine) -> None:
    if output.format == "json":
        output.item(line)
    elif output.format == "pretty":
        level = paint(f"{line.level:<7}", _LOOKS[line.level]) if output.color else f"{line.level:<7}"
        fields = " ".join(_field(name, value) for name, value in line.fields.items() if name != "exception")
        print(f"{clock(line.at)}  {level}  {plain(line.logger)}: {plain(line.event)}  {fields}".rstrip())
        for row in line.fields.get("exception", "").splitlines():
            print(f"    {plain(row)}")


def _field(name: str, value: str) -> str:
    shown = plain(value)
    return f'{plain(name)}="{shown}"' if " " in shown or not shown else f"{plain(name)}={shown}"


def _has_unit() -> bool:
    return any(Path(folder, f"{_UNIT}.service").exists() for folder in _UNIT_FOLDERS)


def _journalctl(wish: Wish, follow: bool) -> list[str]:
    command = ["journalctl", "-u", _UNIT, "-n", str(wish.lines)]
    if wish.level != "debug":
        command += ["-p", _PRIORITIES[wish.level]]
    if wish.since:
        command += ["--since", f"@{wish.since // 1000}"]
    if wish.contains:
        command += ["-g", _literally(wish.contains)]
    return [*command, "-f"] if follow else command


def _literally(text: str) -> str:
    """The regular expression that matches just `text`."""
    import re

    return re.escape(text)


def _run_journalctl(wish: Wish, follow: bool) -> int:
    from gofer.cli.exit_codes import ExitCode
    from gofer.cli.failure import CommandError

    command = _journalctl(wish, follow)
    try:
        os.execvp(command[0], command)  # noqa: S606  (no shell, and every argument is an option's value)
    except OSError as error:
        raise CommandError(
            f"journalctl cannot be run: {error.strerror}",
            "Without systemd the log is wherever the server's stderr went.",
            exit_code=ExitCode.NOT_FOUND,
        ) from None
