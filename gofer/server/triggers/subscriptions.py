"""What may be done with the subscriptions of a pipeline, beside registering a manifest that has some."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from gofer.errors import Conflict, InvalidInput, NotFound, Problem
from gofer.models.ids import shown
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.models.page import Page
from gofer.models.trigger import AddSubscription, Subscribed
from gofer.server.clock import Clock
from gofer.server.pipelines import bounds
from gofer.server.pipelines.holds import require_unfrozen
from gofer.server.pipelines.parameters import converted
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.characters import check_text
from gofer.server.pipelines.rules.subscriptions import check_settings_json, check_subscription
from gofer.server.pipelines.subscription_settings import texts
from gofer.server.pipelines.subscriptions import Asked, add, remove
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import subscriptions, versions
from gofer.server.store.database import Database, Transaction
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.triggers.contract import Sessions
from gofer.server.triggers.next_starts import next_times
from gofer.server.triggers.subscribe import Subscriber

Also = Callable[[Transaction, Subscribed], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""

_NEXT_SECONDS = 2.0
_MANIFEST = msgspec.json.Decoder(Manifest)


class _Found(NamedTuple):
    rows: list[SubscriptionRow]
    enabled: dict[str, bool | None]


class Subscriptions:
    """One method for each use case."""

    def __init__(self, database: Database, clock: Clock, sessions: Sessions, subscriber: Subscriber) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._subscriber = subscriber

    async def add(
        self, namespace: str, pipeline: str, wanted: AddSubscription, *, also: Also | None = None
    ) -> Subscribed:
        """The new subscription; `also` is done in the transaction that stores it. Raises NotFound for the pipeline,
        InvalidInput for what cannot be or the trigger does not take, Conflict for a label that is taken or a pipeline
        that is frozen."""
        declared = await self._database.read(lambda c: _declared(c, namespace, pipeline))
        one = _checked(wanted, declared)
        warnings = await self._subscriber.check(namespace, pipeline, [Asked("", one)])
        at = self._clock.now()

        def work(tx: Transaction) -> SubscriptionRow:
            row = require_pipeline(tx, namespace, pipeline)
            require_unfrozen(tx, row)
            _check_room(subscriptions.of_pipeline(tx, row.key), pipeline, one.label)
            key = add(tx, row, one, "added", at)
            stored = subscriptions.by_keys(tx, [key])[key]
            if also is not None:
                also(tx, self._model(stored, True, warnings))
            return stored

        row = await self._database.write(work)
        await self._subscriber.settled([row.key])
        enabled = await self._database.read(lambda c: subscriptions.is_enabled(c, row.trigger))
        return self._model(row, enabled, warnings)

    async def remove(self, namespace: str, pipeline: str, label: str) -> None:
        """Take away one that was added. Raises NotFound, or Conflict for one of the manifest or where the pipeline is
        frozen."""
        at = self._clock.now()

        def work(tx: Transaction) -> int:
            row = _require(tx, namespace, pipeline, label)
            require_unfrozen(tx, require_pipeline(tx, namespace, pipeline))
            if row.origin == "manifest":
                raise Conflict(
                    f"The subscription {shown(label)} stands in the manifest of {shown(pipeline)}",
                    "Take it out there, and register the pipeline again: gofer pipeline create PATH.",
                )
            return remove(tx, row, at)

        await self._subscriber.settled([await self._database.write(work)])

    async def get(self, namespace: str, pipeline: str, label: str, count: int) -> Subscribed:
        """With its next `count` times, where the trigger knows and is there. Raises NotFound."""

        def look(connection: sqlite3.Connection) -> _Found:
            row = _require(connection, namespace, pipeline, label)
            return _Found([row], {row.trigger: subscriptions.is_enabled(connection, row.trigger)})

        return (await self._models(await self._database.read(look), count))[0]

    async def list(self, namespace: str, pipeline: str, cursor: str | None, limit: int, count: int) -> Page[Subscribed]:
        """In the order of labels, each with its next `count` times; the cursor is the last label of the page before.
        Raises NotFound for the pipeline."""

        def look(connection: sqlite3.Connection) -> _Found:
            row = require_pipeline(connection, namespace, pipeline)
            rows = subscriptions.list_page(connection, row.key, cursor or "", limit + 1)
            return _Found(rows, {one.trigger: subscriptions.is_enabled(connection, one.trigger) for one in rows})

        found = await self._database.read(look)
        items = await self._models(found._replace(rows=found.rows[:limit]), count)
        return Page(items=[*items], next=items[-1].label if len(found.rows) > limit else None)

    async def _models(self, found: _Found, count: int) -> Sequence[Subscribed]:
        models = [self._model(row, found.enabled[row.trigger]) for row in found.rows]
        if count:
            times = await asyncio.gather(*(self._next(row, count) for row in found.rows))
            for model, next_ in zip(models, times, strict=True):
                model.next = [*next_]
        return models

    def _model(self, row: SubscriptionRow, enabled: bool | None, warnings: Sequence[str] = ()) -> Subscribed:
        told = self._subscriber.state(row)
        detail = told.detail
        if enabled is None:
            detail = f"The trigger {shown(row.trigger)} is not installed: gofer trigger install {row.trigger} IMAGE."
        elif not enabled:
            detail = f"The trigger {shown(row.trigger)} is disabled: gofer trigger enable {row.trigger}."
        return Subscribed(
            id=str(row.key),
            namespace=row.namespace,
            pipeline=row.pipeline,
            label=row.label,
            trigger=row.trigger,
            settings=row.settings,
            parameters=row.parameters,
            origin=row.origin,
            state=told.state,
            detail=detail,
            warnings=[*(told.warnings or warnings)],
            created_at=row.created_at,
            changed_at=row.changed_at,
            last_event=row.last_event or "",
            last_event_at=row.last_event_at,
        )

    async def _next(self, row: SubscriptionRow, count: int) -> Sequence[int]:
        session = self._sessions.find(row.trigger)
        if session is None or not session.info.next or self._subscriber.state(row).state != "active":
            return ()
        return await next_times(session, row.key, count, _NEXT_SECONDS)


def _require(
    connection: sqlite3.Connection | Transaction, namespace: str, pipeline: str, label: str
) -> SubscriptionRow:
    found = subscriptions.get(connection, require_pipeline(connection, namespace, pipeline).key, label)
    if found is None:
        raise NotFound(
            f"The pipeline {shown(pipeline)} has no subscription {shown(label)}",
            f"List them with: gofer pipeline subscriptions {pipeline}.",
        )
    return found


def _declared(connection: sqlite3.Connection, namespace: str, pipeline: str) -> list[Parameter]:
    """The parameters of the live version, or of the newest where none was deployed yet."""
    row = require_pipeline(connection, namespace, pipeline)
    version = versions.get(connection, row.key, row.live_version or versions.newest(connection, row.key) or 0)
    return _MANIFEST.decode(version.manifest_json).parameters if version else []


def _checked(wanted: AddSubscription, declared: Sequence[Parameter]) -> Subscription:
    """Raises InvalidInput with all problems."""
    kinds = {parameter.name: parameter.type for parameter in declared}
    given = {
        name: converted(kinds[name], value) if name in kinds else value for name, value in wanted.parameters.items()
    }
    one = Subscription(label=wanted.label, trigger=wanted.trigger, settings=wanted.settings, parameters=given)
    report = Report()
    scope = Scope(report, "", "")
    check_settings_json(one.settings, scope)
    if report.clean:
        for place, text in texts(one.settings):
            check_text(f".settings{place}", text, report)
    if report.clean:
        check_subscription(one, declared, scope)
    if not report.clean:
        problems = [
            Problem(place=problem.place.removeprefix("."), message=problem.message, hint=problem.hint)
            for problem in report.problems()
        ]
        message = "; ".join(f"{problem.place}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(f"The subscription cannot be: {message}", problems[0].hint, problems)
    return one


def _check_room(rows: Sequence[SubscriptionRow], pipeline: str, label: str) -> None:
    if any(row.label == label for row in rows):
        raise Conflict(
            f"The pipeline {shown(pipeline)} has a subscription {shown(label)} already",
            "Choose another label, or take that one away first.",
        )
    if len(rows) >= bounds.MAX_SUBSCRIPTIONS:
        raise Conflict(
            f"The pipeline {shown(pipeline)} has {len(rows)} subscriptions of at most {bounds.MAX_SUBSCRIPTIONS}",
            "Take one away first.",
        )
