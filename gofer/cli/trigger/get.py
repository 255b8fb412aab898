"""`gofer trigger get`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock, took
from gofer.cli.trigger.options import trigger_argument
from gofer.client import paths
from gofer.models.trigger import Field, Trigger

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("get", cls=Command, examples=["gofer trigger get nightly", "gofer trigger get nightly --format json"])
@pass_invocation
@trigger_argument
def get(invocation: Invocation, name: str) -> None:
    """A trigger: how it is, why, what it is set to, and what pipelines may set."""
    found = invocation.client.get(paths.trigger(name), Trigger)
    invocation.output.show(found, lambda: _lines(invocation, found))
    for warning in found.warnings:
        invocation.output.warn(warning)


def _lines(invocation: Invocation, found: Trigger) -> list[str]:
    lines = invocation.output.fields([(name, value) for name, value in _fields(found) if value])
    for title, fields in (("Settings", found.info.settings), ("Pipelines set", found.info.subscription_settings)):
        if fields:
            lines += ["", f"{title}:"]
            rows = [_row(field, found.settings if fields is found.info.settings else {}) for field in fields]
            lines += invocation.output.table(("NAME", "TYPE", "VALUE", "DESCRIPTION"), rows)
    return lines


def _fields(found: Trigger) -> list[tuple[str, str]]:
    latency = "" if found.latency is None else f"{found.latency:.1f}ms"
    return [
        ("trigger", found.id),
        ("state", found.state),
        ("why", plain(found.detail)),
        ("what to do", plain(found.hint)),
        ("image", plain(found.image)),
        ("about", plain(found.info.description)),
        ("version", plain(found.info.version)),
        ("program", plain(found.program)),
        ("started", clock(found.started_at)),
        ("healthy for", took(found.healthy_since, None)),
        ("latency", latency),
        ("restarts", str(found.restarts)),
        ("starts again", clock(found.next_start_at)),
        ("last event", ago(found.last_event_at)),
        ("subscriptions", str(found.subscriptions)),
        ("external events", "yes" if found.info.external_events else ""),
        ("installed", f"{clock(found.created_at)} {plain(found.created_by)}".strip()),
    ]


def _row(field: Field, settings: dict[str, Any]) -> list[str]:
    value = settings.get(field.name, field.default)
    default = "" if value is None else str(value)
    return [
        plain(field.name),
        field.type,
        plain(default) or ("required" if field.required else ""),
        plain(field.description),
    ]
