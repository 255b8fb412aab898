"""Triggers and what they have told of, as the API shows them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gofer.models.manifest import ParameterValue

TriggerState = Literal["disabled", "starting", "healthy", "waiting", "failed"]
"""`waiting`: it has ended, and is started again after a pause. `failed`: it will not be started again by itself."""

EventOutcome = Literal["started", "skipped", "refused", "error"]
SubscriptionState = Literal["active", "pending", "refused"]
"""`pending`: the trigger was not told yet, or is not there to be told."""

FieldType = Literal["string", "integer", "number", "boolean", "duration", "list", "map"]


class Field(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One setting that a trigger takes. `secret`: what somebody types is not to be shown."""

    name: str
    type: FieldType = "string"
    description: str = ""
    required: bool = False
    default: Any = None
    choices: list[Any] = []
    secret: bool = False


class TriggerInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a trigger says of itself: see `info` in docs/trigger-protocol.md."""

    description: str = ""
    version: str = ""
    settings: list[Field] = []
    subscription_settings: list[Field] = []
    external_events: bool = False
    next: bool = False
    events: list[str] = []


class Subscription(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A pipeline's use of a trigger. `detail` says why it is not active; `next` are the times (milliseconds since the
    epoch) at which it will fire, where the trigger knows."""

    id: str
    namespace: str
    pipeline: str
    label: str
    trigger: str
    settings: dict[str, Any] = {}
    parameters: dict[str, ParameterValue] = {}
    origin: Literal["manifest", "added"]
    state: SubscriptionState = "pending"
    detail: str = ""
    warnings: list[str] = []
    created_at: int
    changed_at: int
    last_event: str = ""
    last_event_at: int | None = None
    next: list[int] = []


class TriggerEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that a trigger has told of, and what came of it. Without `pipeline` it was nobody's event.

    `count`: so many that were alike stand for this one. Times in milliseconds since the epoch.
    """

    id: int
    trigger: str
    event: str
    namespace: str = ""
    pipeline: str = ""
    label: str = ""
    outcome: EventOutcome
    detail: str = ""
    run: int | None = None
    count: int = 1
    occurred_at: int
    received_at: int
