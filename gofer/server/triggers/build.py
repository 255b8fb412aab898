"""Putting the parts of this folder together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gofer.server.clock import Clock
from gofer.server.events.bus import Bus
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.runs.service import Runs
from gofer.server.secrets.secrets import Secrets
from gofer.server.store.database import Database
from gofer.server.triggers.check import Checker
from gofer.server.triggers.fire import Firing
from gofer.server.triggers.hide import ToldSecrets
from gofer.server.triggers.listen import PipelineListener
from gofer.server.triggers.next_starts import NextStarts
from gofer.server.triggers.reveal import Revealer
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.subscribe import Subscriber
from gofer.server.triggers.subscriptions import Subscriptions
from gofer.server.triggers.tell_events import EventTeller
from gofer.server.triggers.told_events import ToldEvents


@dataclass(frozen=True)
class TriggerParts:
    """`listener` is to be told of every connection, `subscriber.committed` of every commit."""

    roster: Roster
    subscriber: Subscriber
    subscriptions: Subscriptions
    next_starts: NextStarts
    told_events: ToldEvents
    listener: PipelineListener


def build(
    database: Database,
    bus: Bus,
    clock: Clock,
    secrets: Secrets,
    in_use: MaskRegistry,
    runs: Runs,
    base_url: Callable[[], str],
    reached: Callable[[str], None],
) -> TriggerParts:
    """`in_use`: what Gofer's own log hides. `base_url`: what links begin with."""
    told = ToldSecrets(in_use)
    roster, revealer = Roster(), Revealer(secrets, told)
    checker = Checker(database, roster, revealer)
    subscriber = Subscriber(database, revealer, checker, EventTeller(database, bus))
    return TriggerParts(
        roster,
        subscriber,
        Subscriptions(database, clock, roster, subscriber),
        NextStarts(roster, subscriber, clock),
        ToldEvents(database),
        PipelineListener(subscriber, Firing(database, clock, runs, base_url, told.text, reached)),
    )
