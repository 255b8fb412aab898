"""What a trigger is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from gofer_sdk.trigger.fields import Settings

SubscriptionT = TypeVar("SubscriptionT", bound=Settings)

Outcome = Literal["start", "skip", "refuse", "error"]


@dataclass(frozen=True, kw_only=True)
class Subscription(Generic[SubscriptionT]):
    """A pipeline's use of the trigger.

    `id` stays the same for as long as the subscription lives; it is empty where Gofer only asks (`check`). Times are
    milliseconds since the epoch. `created_at`: when it was made, or its settings were last changed. `last_event_at`:
    the newest `occurred_at` of its events that Gofer had when it told of the subscription, and `last_event` that
    event's id; what happened since then may have been missed.
    """

    id: str
    namespace: str
    pipeline: str
    label: str
    settings: SubscriptionT
    created_at: int = 0
    last_event_at: int | None = None
    last_event: str | None = None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pipeline}/{self.label}"


@dataclass(frozen=True, kw_only=True)
class RunOf:
    """A run of a pipeline in the subscription's namespace."""

    pipeline: str
    run: int


@dataclass(frozen=True, kw_only=True)
class Fired:
    """What came of an event: `started`, `skipped`, `refused` or `error`, `detail` saying why there is no run.

    `run` is the number of the run that was started and `url` where it is to be seen. `duplicate`: the event was told
    before, and this is what came of it then.
    """

    outcome: str
    detail: str = ""
    run: int | None = None
    url: str = ""
    duplicate: bool = False


@dataclass(frozen=True, kw_only=True)
class ExternalEvent:
    """A request that came in at `POST /events/NAME`. Nobody has checked who sent it.

    `id` is made by Gofer. `query` is what stood behind the `?`, as it was; `headers` has the names in lower case.
    """

    id: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: str

    def header(self, name: str) -> str:
        """The value of the first header of that name; empty if there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What who sent an external event gets: a status from 200 to 599, and a body of at most 64 KiB."""

    status: int = 200
    body: bytes | str = b""
    content_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One of Gofer's own events, as `gofer event list` shows them."""

    seq: int
    at: int
    kind: str
    namespace: str
    pipeline: str
    run: int | None
    data: Mapping[str, Any]
