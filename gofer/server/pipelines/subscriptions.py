"""A pipeline's subscriptions follow its live version: in the transaction that makes a version live, and in no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from gofer.errors import Conflict
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.subscriptions import check_parameters
from gofer.server.store import subscriptions
from gofer.server.store.database import Transaction
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.subscriptions import NewSubscription, Origin, SubscriptionRow
from gofer.server.store.transaction import Readable


class Asked(NamedTuple):
    """A subscription that a trigger is asked about. `place`: where it stands in what somebody has sent."""

    place: str
    subscription: Subscription


class Asking(Protocol):
    """Who talks to triggers."""

    async def check(self, namespace: str, pipeline: str, asked: Sequence[Asked]) -> list[str]:
        """Ask the triggers whether they would take these. Returns warnings, one of them for each that could not be
        asked. Raises InvalidInput, with the triggers' own words, for what is refused or names no installed trigger."""

    async def settled(self, keys: Sequence[int]) -> None:
        """Return when the triggers have been told how these are now, or that takes too long."""


class Followed(NamedTuple):
    """What became of it. `keys`: of the subscriptions that were made, changed or deleted."""

    keys: list[int]
    warnings: list[str]


def changed_ones(manifest: Manifest, rows: Sequence[SubscriptionRow]) -> list[Asked]:
    """Those of the manifest that are new, or that their trigger knows with other settings."""
    known = {row.label: row for row in rows}
    return [
        Asked(f"subscriptions[{i}]", one)
        for i, one in enumerate(manifest.subscriptions)
        if (row := known.get(one.label)) is None or not _same(row, one)
    ]


def follow(tx: Transaction, row: PipelineRow, manifest: Manifest, at: int) -> Followed:
    """Make the subscriptions of the pipeline those of the manifest; what somebody has added stays.

    What has not changed keeps its key, and so its trigger takes it for the same. Does nothing when called again. Raises
    Conflict where the manifest has the label of one that was added; nothing was written then.
    """
    require_free_labels(tx, row, manifest)
    rows = {one.label: one for one in subscriptions.of_pipeline(tx, row.key)}
    wanted = {one.label: one for one in manifest.subscriptions}
    keys: list[int] = []
    for label, known in rows.items():
        gone = known.origin == "manifest" and label not in wanted
        if gone or (label in wanted and wanted[label].trigger != known.trigger):
            keys.append(remove(tx, known, at))
    for label, one in wanted.items():
        before = rows.get(label)
        if before is None or before.trigger != one.trigger:
            keys.append(add(tx, row, one, "manifest", at))
        elif _change(tx, before, one, at):
            keys.append(before.key)
    added = [one for one in rows.values() if one.origin == "added"]
    return Followed(keys, [warning for one in added for warning in _unfit(one, manifest.parameters)])


def require_free_labels(connection: Readable, row: PipelineRow, manifest: Manifest) -> None:
    """Raises Conflict where the manifest has the label of a subscription that was added."""
    wanted = {one.label for one in manifest.subscriptions}
    for known in subscriptions.of_pipeline(connection, row.key):
        if known.origin == "added" and known.label in wanted:
            raise _clash(row, known.label)


def add(tx: Transaction, row: PipelineRow, one: Subscription, origin: Origin, at: int) -> int:
    """Store a new one, with its event; returns its key."""
    new = NewSubscription(row.key, one.label, one.trigger, one.settings, one.parameters, origin, at)
    key = subscriptions.insert(tx, new)
    _tell(tx, Kind.SUBSCRIPTION_CREATED, at, row.namespace, row.id, key, one.label, one.trigger)
    return key


def remove(tx: Transaction, row: SubscriptionRow, at: int) -> int:
    """Delete it, with its event; returns its key."""
    subscriptions.delete(tx, row.key)
    _tell(tx, Kind.SUBSCRIPTION_DELETED, at, row.namespace, row.pipeline, row.key, row.label, row.trigger)
    return row.key


def remove_all(tx: Transaction, row: PipelineRow, at: int) -> None:
    """Delete all that the pipeline has."""
    for one in subscriptions.of_pipeline(tx, row.key):
        remove(tx, one, at)


def _change(tx: Transaction, before: SubscriptionRow, one: Subscription, at: int) -> bool:
    """Whether the trigger has to be told."""
    if _text(before.parameters) != _text(one.parameters):
        subscriptions.set_parameters(tx, before.key, one.parameters)
    if _same(before, one):
        return False
    subscriptions.set_settings(tx, before.key, one.settings, at)
    where = (before.namespace, before.pipeline, before.key, before.label, before.trigger)
    _tell(tx, Kind.SUBSCRIPTION_CHANGED, at, *where)
    return True


def _same(row: SubscriptionRow, one: Subscription) -> bool:
    return row.trigger == one.trigger and _text(row.settings) == _text(one.settings)


def _text(value: dict[str, Any]) -> bytes:
    # Python takes 1, 1.0 and True for equal.
    return msgspec.json.encode(value, order="sorted")


def _tell(
    tx: Transaction, kind: Kind, at: int, namespace: str, pipeline: str, key: int, label: str, trigger: str
) -> None:
    data = {"subscription": str(key), "label": label, "trigger": trigger}
    tx.emit(kind, at, namespace=namespace, pipeline=pipeline, data=data)


def _clash(row: PipelineRow, label: str) -> Conflict:
    return Conflict(
        f"The manifest has a subscription {shown(label)}, and somebody has added another one with that label",
        f"Take that one away with: gofer pipeline unsubscribe {row.id} {label}; or give the manifest's another label.",
    )


def _unfit(row: SubscriptionRow, parameters: Sequence[Parameter]) -> list[str]:
    """What an added subscription gives that the version does not take."""
    report = Report()
    one = Subscription(label=row.label, trigger=row.trigger, parameters=row.parameters)
    check_parameters(one, parameters, Scope(report, "", f"The added subscription {shown(row.label)}"))
    return [f"{problem.message}: its events will be refused." for problem in report.problems()]
