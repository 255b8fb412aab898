"""`gofer event …`"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from gofer.cli.arguments import complete_pipeline
from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, fetch, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.models.event import Event, Kind

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.cli.table import Cell
    from gofer.client.http import QueryValue

F = TypeVar("F", bound=Callable[..., Any])

_HEAD = ("NUMBER", "TIME", "KIND", "ABOUT", "DETAILS")


@click.group("event", cls=Group)
def event() -> None:
    """See what happened, and watch what happens."""


def _kinds(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    known = {str(kind) for kind in Kind}
    for kind in given:
        if kind not in known and not (kind.endswith(".*") and any(one.startswith(kind[:-1]) for one in known)):
            from difflib import get_close_matches

            near = get_close_matches(kind, known, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise click.BadParameter(f'there is no kind of event "{kind}".{meant} Use "run.*" for all of a noun.')
    return given


def _filters(command: F) -> F:
    """`--kind`, `--pipeline`, `--run`, `--everywhere`, `--audit` and `--by`; the command gets one `filters`."""
    import functools

    @functools.wraps(command)
    def filtered(
        invocation: Invocation,
        kinds: tuple[str, ...],
        pipeline: str | None,
        run: int | None,
        everywhere: bool,
        audit: bool,
        by: str | None,
        **rest: Any,
    ) -> Any:
        if run is not None and pipeline is None:
            raise click.UsageError("--run needs --pipeline: runs are numbered within their pipeline")
        audit = audit or by is not None or (bool(kinds) and all(kind.startswith("audit.") for kind in kinds))
        # Who is refused, or logs in, does so in no namespace.
        namespace = None if everywhere or (audit and pipeline is None) else invocation.namespace
        filters = {"kind": list(kinds), "namespace": namespace, "pipeline": pipeline, "run": run}
        if audit:
            filters |= {"audit": True, "by": by}
        return command(invocation, filters=filters, **rest)

    options = [
        click.option("--kind", "kinds", multiple=True, callback=_kinds, help='Such as "run.ended" or "taskrun.*".'),
        click.option("--pipeline", metavar="ID", shell_complete=complete_pipeline, help="Only of this pipeline."),
        click.option("--run", type=click.IntRange(1), metavar="N", help="Only of this run (needs --pipeline)."),
        click.option("--everywhere", is_flag=True, help="Of all namespaces, and of the server itself."),
        click.option("--audit", is_flag=True, help="Who did what, from where, everywhere: audit events alone."),
        click.option("--by", metavar="WHO", help='Audit events of one caller, such as "tok-4f7k2m9qx1" or "local".'),
    ]
    for option in reversed(options):
        filtered = option(filtered)
    return filtered  # type: ignore[return-value]  # click's decorators keep the function


@event.command(
    "list",
    examples=[
        "gofer event list --kind run.ended",
        "gofer event list --from 1 --pipeline nightly --run 12",
        "gofer event list --everywhere --kind 'engine.*'",
        "gofer event list --audit",
        "gofer event list --kind audit.refused --all",
    ],
)
@pass_invocation
@_filters
@click.option("--from", "first", type=click.IntRange(0), metavar="NUMBER", help="Oldest first, from this number on.")
@paging_options
def list_(invocation: Invocation, filters: dict[str, Any], first: int | None, paging: Paging) -> None:
    """What happened, newest first; with --from oldest first."""
    order: dict[str, QueryValue] = {"newest_first": True} if first is None else {"after": max(first - 1, 0)}
    columns = AUDIT_COLUMNS if "audit" in filters else COLUMNS
    show_list(invocation, paths.EVENTS, Event, {**filters, **order}, paging, columns)


@event.command(
    "follow",
    examples=["gofer event follow", "gofer event follow --kind 'run.*' --from 1", "gofer event follow --audit"],
)
@pass_invocation
@_filters
@click.option(
    "--from", "first", type=click.IntRange(0), metavar="NUMBER", help="Begin with the past from this number on."
)
@click.option(
    "--reconnect-timeout",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on trying when the server is away.",
)
def follow(invocation: Invocation, filters: dict[str, Any], first: int | None, reconnect_timeout: float) -> int:
    """Print events as they happen, until Ctrl-C. No event is missed or repeated while the connection is lost."""
    from gofer.cli.interrupts import Interrupted, run_interruptible

    try:
        run_interruptible(_follow(invocation, filters, first, reconnect_timeout))
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0


async def _follow(invocation: Invocation, filters: dict[str, Any], first: int | None, timeout: float) -> None:
    from contextlib import aclosing

    from gofer.client.patience import Link, reconnecting
    from gofer.client.websocket import events

    output = invocation.output
    link = Link(
        timeout,
        lambda error: output.note(f"connection lost ({error.message}); reconnecting for up to {timeout:g} s"),
        lambda: output.note("connected again"),
    )
    after = _newest(invocation) if first is None else max(first - 1, 0)

    def open_stream(opened: Callable[[], None]) -> AsyncGenerator[list[Event], None]:
        return events(invocation.server, paths.EVENT_STREAM, {**filters, "after": after}, opened)

    async with aclosing(reconnecting(link, open_stream, lambda: None)) as batches:
        async for batch in batches:
            for one in batch:
                after = one.seq
                _print(output, one, audit="audit" in filters)
            output.flush()


def _newest(invocation: Invocation) -> int:
    """The number of the newest event: from there on nothing is missed, even if the connection is lost at once."""
    # Of many events that may not be seen, the first page may have none.
    page = fetch(invocation, paths.EVENTS, Event, {"newest_first": True}, Paging(1, None))
    return page.items[0].seq if page.items else 0


def _print(output: Output, one: Event, *, audit: bool) -> None:
    if output.format == "json":
        output.item(one)
    elif output.format == "pretty" and audit:
        number, when, who, address, what, outcome = (str(part) for part in _audit_row(one))
        print(f"{number:>6}  {when}  {who:<24}  {address:<15}  {what}  {outcome}".rstrip())
    elif output.format == "pretty":
        number, when, kind, about, details = (str(part) for part in _row(one))
        print(f"{number:>6}  {when}  {kind:<20}  {about:<24}  {details}".rstrip())


def _row(one: Event) -> list[Cell]:
    run = f"{one.pipeline} #{one.run}" if one.run is not None else one.pipeline
    about = " ".join(part for part in (run or one.namespace, one.task) if part)
    return [str(one.seq), clock(one.at), one.kind, about, plain(_details(one))]


def _details(one: Event) -> str:
    parts = []
    for name, value in one.data.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        parts.append(f"{name}={text}" if " " not in text else f'{name}="{text}"')
    return " ".join(parts)


def _audit_row(one: Event) -> list[Cell]:
    data = one.data
    who = f"{data.get('by', '')} ({data['description']})" if data.get("description") else str(data.get("by", ""))
    method = str(data.get("what", "")).partition(" ")[0]
    what = f"{method} {data['path']}" if data.get("path") else method
    return [
        str(one.seq),
        clock(one.at),
        plain(who),
        plain(str(data.get("from", ""))),
        plain(what),
        plain(_outcome(one)),
    ]


def _outcome(one: Event) -> str:
    """What came of it, in a few words."""
    data = one.data
    if "reason" in data:
        times = f" ({data['count']} times)" if data.get("count", 1) != 1 else ""
        status = f" with {data['status']}" if data.get("status") else ""
        return f"refused{status}{times}: {data['reason']}"
    if one.kind == Kind.AUDIT_LOGIN:
        return "logged in" if str(data.get("what", "")).startswith("POST") else "logged out"
    if one.kind == Kind.AUDIT_ATTACH:
        return f"ran: {data.get('command', '')}"
    return "given" if one.kind == Kind.AUDIT_REVEAL else "done"


AUDIT_COLUMNS = Columns(("NUMBER", "TIME", "WHO", "FROM", "WHAT", "OUTCOME"), _audit_row, "No such audit events.")
COLUMNS = Columns(_HEAD, _row, "No such events.")
