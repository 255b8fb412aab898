"""`gofer pipeline subscribe`, `unsubscribe` and `subscriptions`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gofer.cli.arguments import complete_trigger, parameter_option, parse_parameters, pipeline_argument
from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, fetch, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.models.trigger import AddSubscription, Subscribed

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.cli.table import Cell

_HEAD = ("LABEL", "TRIGGER", "STATE", "NEXT", "LAST EVENT", "")
_LOOKS = {"active": "green", "pending": "yellow", "refused": "red"}


def _settings(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not separator or not name:
            raise click.BadParameter(f'expected NAME=VALUE, or NAME:=JSON, got "{pair}"')
        if name in found:
            raise click.BadParameter(f'"{name}" was given twice')
        try:
            found[name] = msgspec.json.decode(value) if is_json else value
        except msgspec.DecodeError as error:
            raise click.BadParameter(f'what follows "{name}:=" is no JSON: {error}') from None
    return found


@click.command(
    "subscribe",
    cls=Command,
    examples=[
        "gofer pipeline subscribe nightly cron extra --set 'expression=0 12 * * 1-5'",
        "gofer pipeline subscribe site github pushes --set repository=me/site --set 'events:=[\"push\"]'",
    ],
)
@pass_invocation
@pipeline_argument
@click.argument("trigger", shell_complete=complete_trigger)
@click.argument("label")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
    metavar="NAME=VALUE",
    help="A setting for the trigger, as text or (NAME:=VALUE) as JSON; repeat for more.",
)
@parameter_option
def subscribe(
    invocation: Invocation,
    pipeline: str,
    trigger: str,
    label: str,
    settings: dict[str, Any],
    parameters: tuple[str, ...],
) -> None:
    """Let a trigger start runs of a pipeline.

    This is beside the subscriptions of its manifest. LABEL names the subscription within the pipeline. Settings may
    hold secret{{key}} and global_secret{{key}}; the parameters are given to every run that it starts.
    """
    wanted = AddSubscription(
        label=label, trigger=trigger, settings=settings, parameters=dict(parse_parameters(parameters))
    )
    added = invocation.client.send("POST", paths.subscriptions(invocation.namespace, pipeline), Subscribed, wanted)
    for warning in added.warnings:
        invocation.output.warn(warning)
    invocation.output.show(added, lambda: [f"{pipeline} is subscribed to {trigger} as {label}: {_how(added)}"])


@click.command("unsubscribe", cls=Command, examples=["gofer pipeline unsubscribe nightly extra"])
@pass_invocation
@pipeline_argument
@click.argument("label")
def unsubscribe(invocation: Invocation, pipeline: str, label: str) -> None:
    """Take away a subscription that was added.

    One of the manifest goes with the manifest.
    """
    invocation.client.delete(paths.subscription(invocation.namespace, pipeline, label))
    invocation.output.show({"unsubscribed": label}, lambda: [f"{pipeline} is not subscribed as {label} any more"])


@click.command(
    "subscriptions",
    cls=Command,
    examples=["gofer pipeline subscriptions nightly", "gofer pipeline subscriptions nightly --format json"],
)
@pass_invocation
@pipeline_argument
@paging_options
def subscriptions(invocation: Invocation, pipeline: str, paging: Paging) -> None:
    """What starts runs of a pipeline by itself."""
    columns = Columns(_HEAD, _row, "Nothing starts runs of it by itself. See: gofer pipeline subscribe --help")
    show_list(invocation, paths.subscriptions(invocation.namespace, pipeline), Subscribed, {"next": 1}, paging, columns)


def fetched(invocation: Invocation, pipeline: str, count: int) -> list[Subscribed]:
    """All of a pipeline's, with the next `count` times of each."""
    path = paths.subscriptions(invocation.namespace, pipeline)
    return fetch(invocation, path, Subscribed, {"next": count}, Paging(None, None)).items


def described(output: Output, found: list[Subscribed]) -> Iterable[str]:
    """A table of them, and below it when each will fire."""
    yield from output.table(_HEAD, [_row(one) for one in found])
    for one in found:
        if one.next:
            yield ""
            yield from (f"next of {one.label}: {clock(at)}" for at in one.next)


def _row(one: Subscribed) -> list[Cell]:
    last = f"{plain(one.last_event)}, {ago(one.last_event_at)}" if one.last_event_at is not None else ""
    detail = plain(one.detail or "; ".join(one.warnings))
    following = clock(one.next[0]) if one.next else ""
    return [one.label, one.trigger, (one.state, _LOOKS.get(one.state, "dim")), following, last, detail]


def _how(one: Subscribed) -> str:
    return f"{one.state}. {plain(one.detail)}" if one.detail else one.state
