"""From a trigger's event to a run: the event, what came of it and the run in one transaction, each event once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gofer.errors import GoferError, Unavailable
from gofer.models.event import Kind
from gofer.models.ids import is_variable_name, shown
from gofer.models.run import Initiator, Run
from gofer.models.trigger import EventOutcome, TriggerEvent
from gofer.server import correlation
from gofer.server.clock import Clock
from gofer.server.pipelines import bounds
from gofer.server.runs.service import Runs
from gofer.server.runs.start import Request, Source
from gofer.server.store import runs as run_rows
from gofer.server.store import subscriptions, trigger_events
from gofer.server.store.database import Database, Transaction
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.store.trigger_events import NewTriggerEvent
from gofer.server.triggers.contract import Fire, Fired, Session, TriggerRefused

LONGEST_EVENT = 200
LONGEST_DETAIL = 2_000
MAX_VARIABLES_BYTES = 256 * 1024

ALIKE = 60_000
"""Events of nobody's that are alike and come within so many milliseconds are counted in one row."""
MAX_KINDS_OF_NOBODY = 20
"""So many different ones in that time; what is more is counted in one row too."""

_FURTHER = "further events that are nobody's, of many kinds"
_OUTCOMES: dict[str, EventOutcome] = {"skip": "skipped", "refuse": "refused", "error": "error"}
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


class _Known(NamedTuple):
    """What the store has of an event before it is taken. `row` None: there is no such subscription."""

    row: SubscriptionRow | None
    before: TriggerEvent | None


class _ToldBefore(Exception):
    """The same event was stored between the look and the transaction."""

    def __init__(self, event: TriggerEvent) -> None:
        super().__init__(event.event)
        self.event = event


class Firing:
    """Takes events. `base_url`: what the addresses of runs begin with. `hide` takes what is secret out of a text."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        runs: Runs,
        base_url: Callable[[], str],
        hide: Callable[[str], str],
        reached: Callable[[str], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._runs = runs
        self._base_url = base_url
        self._hide = hide
        self._reached = reached

    async def fire(self, session: Session, fire: Fire) -> Fired:
        """What came of the event, on disk. Raises TriggerRefused for one that cannot be, and Unavailable where it is to
        be told again: nothing is stored then."""
        _check(fire)
        if fire.detail:
            fire = msgspec.structs.replace(fire, detail=self._hide(fire.detail))
        if fire.subscription is None:
            fired = await self._nobodys(session, fire)
        else:
            fired = await self._somebodys(session, fire, _key(fire.subscription))
        self._reached("fired")
        return fired

    async def _somebodys(self, session: Session, fire: Fire, key: int) -> Fired:
        def look(connection: sqlite3.Connection) -> _Known:
            before = trigger_events.find(connection, session.trigger_key, key, fire.event)
            return _Known(subscriptions.by_keys(connection, [key]).get(key), before)

        known = await self._database.read(look)
        if known.before is not None:
            return self._again(known.before)
        if known.row is None or known.row.trigger != session.trigger:
            raise _unknown(fire.subscription or "")
        try:
            if fire.outcome != "start":
                return await self._keep(session, fire, known.row, _OUTCOMES[fire.outcome], fire.detail)
            return await self._start(session, fire, known.row)
        except _ToldBefore as error:
            return self._again(error.event)

    async def _start(self, session: Session, fire: Fire, row: SubscriptionRow) -> Fired:
        problem = variables_problem(fire.variables)
        if problem:
            return await self._keep(session, fire, row, "refused", problem)
        request = Request(
            row.namespace,
            row.pipeline,
            row.parameters,
            initiator=Initiator(kind="trigger", name=f"{row.trigger}/{row.label}"),
            pipeline_key=row.pipeline_key,
            correlation_id=correlation.new_id(),
            variables=fire.variables,
            objects_of=Source(fire.objects_of.pipeline, fire.objects_of.run) if fire.objects_of else None,
        )

        def also(tx: Transaction, run: Run) -> None:
            if run.status.ended:
                detail = f"Run {run.id} was not let begin: {run.detail}."
                self._store(tx, session, fire, row, "skipped", detail, run)
            else:
                self._store(tx, session, fire, row, "started", fire.detail, run)

        try:
            run = await self._runs.start_event(request, also)
        except Unavailable:
            raise
        except TriggerRefused:
            raise
        except GoferError as error:
            return await self._keep(session, fire, row, "refused", _words(error))
        if run.status.ended:
            return Fired(outcome="skipped", detail=f"Run {run.id} was not let begin: {run.detail}.")
        return Fired(outcome="started", detail=_cut(fire.detail), run=run.id, url=self._url(row, run.id))

    async def _keep(
        self, session: Session, fire: Fire, row: SubscriptionRow, outcome: EventOutcome, detail: str
    ) -> Fired:
        """Store it, without a run."""
        await self._database.write(lambda tx: self._store(tx, session, fire, row, outcome, detail, None))
        return Fired(outcome=outcome, detail=_cut(detail))

    def _store(
        self,
        tx: Transaction,
        session: Session,
        fire: Fire,
        row: SubscriptionRow,
        outcome: EventOutcome,
        detail: str,
        run: Run | None,
    ) -> None:
        """Raises _ToldBefore, or TriggerRefused if the subscription has ended meanwhile."""
        before = trigger_events.find(tx, session.trigger_key, row.key, fire.event)
        if before is not None:
            raise _ToldBefore(before)
        if not subscriptions.by_keys(tx, [row.key]):
            raise _unknown(str(row.key))
        now = self._clock.now()
        new = NewTriggerEvent(
            session.trigger_key, fire.event, outcome, _cut(detail), _occurred(fire, now), now, row.key, row.namespace,
            row.pipeline, row.label, run.id if run else None,
        )  # fmt: skip
        trigger_events.insert(tx, new)
        subscriptions.set_last_event(tx, row.key, fire.event, new.occurred_at)
        _tell(tx, session.trigger, new, run)

    async def _nobodys(self, session: Session, fire: Fire) -> Fired:
        """Those that are alike are counted, so that a flood of them fills no disk."""
        outcome, detail = _OUTCOMES[fire.outcome], _cut(fire.detail)

        def work(tx: Transaction) -> bool:
            if trigger_events.find(tx, session.trigger_key, trigger_events.NOBODY, fire.event) is not None:
                return True
            now = self._clock.now()
            new = NewTriggerEvent(session.trigger_key, fire.event, outcome, detail, _occurred(fire, now), now)
            found = trigger_events.alike(tx, new, now - ALIKE)
            if found is None and trigger_events.count_of_nobody(tx, new.trigger_key, now - ALIKE) > MAX_KINDS_OF_NOBODY:
                new = new._replace(detail=_FURTHER)
                found = trigger_events.alike(tx, new, now - ALIKE)
            if found is not None:
                trigger_events.count_one_more(tx, found)
                return False
            trigger_events.insert(tx, new)
            _tell(tx, session.trigger, new, None)
            return False

        duplicate = await self._database.write(work)
        return Fired(outcome=outcome, detail=detail, duplicate=duplicate)

    def _again(self, event: TriggerEvent) -> Fired:
        run = event.run if event.outcome == "started" else None
        url = self._address(event.namespace, event.pipeline, run) if run is not None else ""
        return Fired(outcome=event.outcome, detail=event.detail, run=run, url=url, duplicate=True)

    def _url(self, row: SubscriptionRow, run: int) -> str:
        return self._address(row.namespace, row.pipeline, run)

    def _address(self, namespace: str, pipeline: str, run: int) -> str:
        return f"{self._base_url()}/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}"


def variables_problem(variables: dict[str, str]) -> str:
    """Why a run cannot be given these, as a sentence; empty if it can."""
    total = 0
    for name, value in variables.items():
        if not is_variable_name(name):
            return f"The trigger tells of a variable {shown(name, 40)}, and that is not the name of one."
        if name.upper().startswith(bounds.RESERVED_PREFIX):
            return f"The trigger tells of a variable {shown(name, 40)}: such names are Gofer's own."
        if _FORBIDDEN.search(value):
            return f"The trigger's variable {shown(name, 40)} has characters that no variable can hold."
        size = len(value.encode())
        if size > bounds.MAX_VALUE_BYTES:
            return f"The trigger's variable {shown(name, 40)} has {size} bytes of at most {bounds.MAX_VALUE_BYTES}."
        total += len(name) + size
    if len(variables) > bounds.MAX_VARIABLES:
        return f"The trigger tells of {len(variables)} variables; at most {bounds.MAX_VARIABLES} are allowed."
    if total > MAX_VARIABLES_BYTES:
        return f"The trigger's variables have {total} bytes together; at most {MAX_VARIABLES_BYTES} are allowed."
    return ""


def _check(fire: Fire) -> None:
    if not 1 <= len(fire.event) <= LONGEST_EVENT or _FORBIDDEN.search(fire.event):
        raise TriggerRefused("invalid", f"An event's id is a text of 1 to {LONGEST_EVENT} characters.")
    if fire.occurred_at is not None and not 0 <= fire.occurred_at < 2**53:
        raise TriggerRefused("invalid", "`occurred_at` is a time in milliseconds since 1970.")
    if fire.subscription is None and fire.outcome == "start":
        raise TriggerRefused("invalid", "Nobody's event starts no run: give it a subscription, or another outcome.")


def _key(subscription: str) -> int:
    if not (subscription.isascii() and subscription.isdigit() and len(subscription) < 19):
        raise _unknown(subscription)
    return int(subscription)


def _unknown(subscription: str) -> TriggerRefused:
    return TriggerRefused(
        "unknown_subscription", f"This trigger has no subscription {shown(subscription, 40)}; it may have ended."
    )


def _occurred(fire: Fire, now: int) -> int:
    # What lies in the future would make the trigger believe that nothing was missed until then.
    return now if fire.occurred_at is None else min(fire.occurred_at, now)


def _cut(detail: str) -> str:
    clean = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", detail)
    return clean if len(clean) <= LONGEST_DETAIL else f"{clean[: LONGEST_DETAIL - 1]}…"


def _words(error: GoferError) -> str:
    message = error.message[:1].upper() + error.message[1:].removesuffix(".")
    return f"{message}. {error.hint}".strip()


def _tell(tx: Transaction, trigger: str, new: NewTriggerEvent, run: Run | None) -> None:
    data: dict[str, object] = {"trigger": trigger, "event": new.event, "outcome": new.outcome}
    if new.label:
        data["label"] = new.label
    if new.detail:
        data["detail"] = new.detail
    key = None
    if run is not None:
        data["correlation_id"] = run.correlation_id
        found = run_rows.get(tx.connection, run.namespace, run.pipeline, run.id)
        key = found.key if found else None
    tx.emit(
        Kind.TRIGGER_EVENT, new.received_at, namespace=new.namespace, pipeline=new.pipeline, run=new.run, run_key=key,
        data=data,
    )  # fmt: skip
