"""`gofer trigger events`"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, get_args

import click

from gofer.cli.arguments import complete_pipeline, complete_trigger
from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, fetch, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.models.event import Event, Kind
from gofer.models.trigger import EventOutcome, TriggerEvent

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.cli.table import Cell

_LOOKS = {"started": "green", "skipped": "dim", "refused": "yellow", "error": "red"}


@click.command(
    "events",
    cls=Command,
    examples=[
        "gofer trigger events github",
        "gofer trigger events github --pipeline site --outcome refused",
        "gofer trigger events cron --follow",
    ],
)
@pass_invocation
@click.argument("trigger", shell_complete=complete_trigger)
@click.option("--pipeline", metavar="ID", shell_complete=complete_pipeline, help="Only of this one of the namespace.")
@click.option("--outcome", type=click.Choice(get_args(EventOutcome)), help="Only what came to this.")
@click.option("--follow", "-f", is_flag=True, help="Print what it tells of from now on, until Ctrl-C.")
@paging_options
def events(
    invocation: Invocation, trigger: str, pipeline: str | None, outcome: str | None, follow: bool, paging: Paging
) -> int:
    """What a trigger has told of: why did nothing happen?

    Newest first, with what came of each. Events of every namespace that the token may see, and those that are nobody's.
    """
    namespace = invocation.namespace if pipeline is not None else None
    filters = {"outcome": outcome, "namespace": namespace, "pipeline": pipeline}
    path = paths.trigger_events(trigger)
    if not follow:
        show_list(invocation, path, TriggerEvent, filters, paging, _COLUMNS)
        return 0
    from gofer.cli.interrupts import Interrupted, run_interruptible

    fetch(invocation, path, TriggerEvent, filters, Paging(1, None))  # is there such a trigger?
    try:
        run_interruptible(_follow(invocation, trigger, namespace, pipeline, outcome))
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


async def _follow(
    invocation: Invocation, trigger: str, namespace: str | None, pipeline: str | None, outcome: str | None
) -> None:
    from contextlib import aclosing

    from gofer.client.patience import Link, reconnecting
    from gofer.client.websocket import events as stream

    output = invocation.output
    link = Link(
        60.0,
        lambda error: output.note(f"connection lost ({error.message}); reconnecting"),
        lambda: output.note("connected again"),
    )
    filters = {"kind": [Kind.TRIGGER_EVENT.value], "namespace": namespace, "pipeline": pipeline}
    newest = fetch(invocation, paths.EVENTS, Event, {"newest_first": True}, Paging(1, None)).items
    after = newest[0].seq if newest else 0

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[list[Event], None]:
        return stream(invocation.server, paths.EVENT_STREAM, {**filters, "after": after}, opened)

    async with aclosing(reconnecting(link, open_stream, lambda: None)) as batches:
        async for batch in batches:
            for one in batch:
                after = one.seq
                if one.data.get("trigger") == trigger and outcome in (None, one.data.get("outcome")):
                    _print(output, one)
            output.flush()


def _print(output: Output, one: Event) -> None:
    if output.format == "json":
        output.item(one)
    elif output.format == "pretty":
        about = _about(one.pipeline, str(one.data.get("label", "")), one.run)
        words = plain(str(one.data.get("detail", "")))
        print(f"{clock(one.at)}  {one.data.get('outcome', ''):<8}  {about:<32}  {words}".rstrip())


def _about(pipeline: str, label: str, run: int | None) -> str:
    if not pipeline:
        return "nobody's"
    return f"{pipeline}/{label}" + (f" #{run}" if run is not None else "")


def _row(one: TriggerEvent) -> list[Cell]:
    outcome: Cell = (one.outcome, _LOOKS.get(one.outcome, "dim"))
    words = plain(one.detail) + (f" ({one.count} times)" if one.count > 1 else "")
    return [clock(one.received_at), outcome, _about(one.pipeline, one.label, one.run), plain(one.event), words.strip()]


_COLUMNS = Columns(("TIME", "OUTCOME", "ABOUT", "EVENT", "WHY"), _row, "It has told of nothing yet.")
