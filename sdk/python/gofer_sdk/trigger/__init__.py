"""Write triggers in Python: a class with typed settings and `run`.

The package needs `gofer-sdk[trigger]` (msgpack and websockets). How it is used: docs/triggers.md.
"""

from __future__ import annotations

from gofer_sdk.trigger.clock import Clock, SystemClock
from gofer_sdk.trigger.duration import Duration
from gofer_sdk.trigger.errors import InvalidSettings, NotFired, Refused, TriggerError, Unavailable
from gofer_sdk.trigger.fields import NoSettings, Settings, field
from gofer_sdk.trigger.trigger import Trigger
from gofer_sdk.trigger.values import Answer, Event, ExternalEvent, Fired, Outcome, RunOf, Subscription

__all__ = [
    "Answer",
    "Clock",
    "Duration",
    "Event",
    "ExternalEvent",
    "Fired",
    "InvalidSettings",
    "NoSettings",
    "NotFired",
    "Outcome",
    "Refused",
    "RunOf",
    "Settings",
    "Subscription",
    "SystemClock",
    "Trigger",
    "TriggerError",
    "Unavailable",
    "field",
]
