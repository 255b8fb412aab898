"""Triggers and what they have told of, as the API shows them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gofer.models.manifest import ParameterValue, PullPolicy

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


class Subscribed(msgspec.Struct, kw_only=True, omit_defaults=True):
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


class TriggerOptions(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a container of a trigger needs besides its image; of a built-in nothing. As the fields of a task of the same
    names in docs/manifest.md."""

    entrypoint: list[str] | None = None
    command: list[str] | None = None
    variables: dict[str, str] = {}
    user: str | None = None
    network: str | None = None
    pull: PullPolicy = "if_not_present"
    cpu: float | None = None
    memory: str | None = None


class ProbeTrigger(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Ask an image what it is. `image`: `builtin:NAME`, or a container image."""

    image: str
    options: TriggerOptions = msgspec.field(default_factory=TriggerOptions)


class InstallTrigger(ProbeTrigger, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """`settings` may hold `global_secret{{key}}` anywhere in their texts."""

    id: str
    settings: dict[str, Any] = {}
    enabled: bool = True


class UpdateTrigger(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out stays as it is. A new image, option or setting is a new start. A setting that is null is taken
    away; the others are added to those there are."""

    enabled: bool | None = None
    image: str | None = None
    options: TriggerOptions | None = None
    settings: dict[str, Any] | None = None


class Trigger(msgspec.Struct, kw_only=True):
    """An installed trigger, and how it is. `detail` says why it is not healthy, `hint` what to do about it.

    Settings that the trigger calls secret are hidden, but for references to secrets. `started_at`: its process or
    container, `healthy_since`: its connection. `latency` in milliseconds: its last answer to a ping. `restarts`: since
    Gofer was started. `subscriptions`: how many pipelines' there are. Times in milliseconds since the epoch.
    """

    id: str
    image: str
    settings: dict[str, Any] = {}
    options: TriggerOptions = msgspec.field(default_factory=TriggerOptions)
    enabled: bool = True
    state: TriggerState = "disabled"
    detail: str = ""
    hint: str = ""
    started_at: int | None = None
    healthy_since: int | None = None
    next_start_at: int | None = None
    restarts: int = 0
    latency: float | None = None
    program: str = ""
    last_event_at: int | None = None
    subscriptions: int = 0
    info: TriggerInfo = msgspec.field(default_factory=TriggerInfo)
    created_at: int
    created_by: str = ""
    modified_at: int
    warnings: list[str] = []


class TriggerLogLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of what a trigger says. `source`: its standard output or error, its own words (`log`), or Gofer's.

    `number` counts the lines of this trigger; `at` in milliseconds since the epoch.
    """

    number: int
    at: int
    source: Literal["stdout", "stderr", "log", "gofer"]
    level: str = ""
    text: str


class TriggerLog(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Some lines, the oldest first."""

    lines: list[TriggerLogLine]


class TriggerDebug(msgspec.Struct, kw_only=True):
    """What a trigger tells of its own state."""

    state: dict[str, Any]


class AddSubscription(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A subscription beside those of the manifest. `settings` may hold `secret{{key}}` and `global_secret{{key}}`; text
    for a parameter that is a number or true or false is converted."""

    label: str
    trigger: str
    settings: dict[str, Any] = {}
    parameters: dict[str, ParameterValue] = {}
