"""`gofer trigger logs`"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import log_line, paint
from gofer.cli.times import clock
from gofer.cli.trigger.options import trigger_argument
from gofer.client import paths
from gofer.models.trigger import TriggerLog, TriggerLogLine

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output

_LOOKS = {"debug": "dim", "info": "green", "warning": "yellow", "error": "red"}


@click.command("logs", cls=Command, examples=["gofer trigger logs nightly", "gofer trigger logs nightly --follow"])
@pass_invocation
@trigger_argument
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--lines", type=click.IntRange(0, 10_000), default=100, show_default=True, metavar="N", help="How many at most."
)
def logs(invocation: Invocation, name: str, follow: bool, lines: int) -> int:
    """What a trigger says: its own words, its standard output and error, and what Gofer has to say about it.

    The newest two MiB are kept, over restarts of the trigger and of Gofer.
    """
    if follow:
        return _follow(invocation, name, lines)
    found = invocation.client.get(paths.trigger(name) + "/log", TriggerLog, {"lines": lines})
    if invocation.output.format == "json":
        invocation.output.document(found)
        return 0
    for line in found.lines:
        _print(invocation.output, line)
    if not found.lines:
        invocation.output.note("It has said nothing.")
    return 0


def _follow(invocation: Invocation, name: str, lines: int) -> int:
    from gofer.cli.interrupts import Interrupted, run_interruptible

    try:
        run_interruptible(_stream(invocation, paths.trigger(name) + "/log/stream", lines))
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


async def _stream(invocation: Invocation, path: str, lines: int) -> None:
    from contextlib import aclosing

    from gofer.client.patience import Link, reconnecting
    from gofer.client.websocket import trigger_log_frames

    output = invocation.output
    after = 0
    link = Link(
        float("inf"),
        lambda error: output.note(f"connection lost ({error.message}); waiting for the server"),
        lambda: output.note("connected again"),
    )

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[TriggerLog, None]:
        # After a lost connection everything that came meanwhile.
        query = {"lines": 10_000 if after else lines, "after": after}
        return trigger_log_frames(invocation.server, path, query, opened)

    output.flush()
    async with aclosing(reconnecting(link, open_stream, lambda: None)) as frames:
        async for frame in frames:
            for line in frame.lines:
                after = line.number
                _print(output, line)
            output.flush()


def _print(output: Output, line: TriggerLogLine) -> None:
    if output.format == "json":
        output.item(line)
    elif output.format == "pretty":
        said = line.level or line.source
        head = f"{line.source if line.source == 'gofer' else said:<7}"
        if output.color and said in _LOOKS:
            head = paint(head, _LOOKS[said])
        print(f"{clock(line.at)}  {head}  {log_line(line.text, colors=output.color)}")
