"""How the parts of this folder meet: a session is one connection of a trigger, and its listeners are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from gofer.errors import GoferError
from gofer.models.trigger import EventOutcome, TriggerInfo

REQUEST_SECONDS = 10.0
"""How long a trigger may take for its answer, unless docs/trigger-protocol.md says otherwise."""


class TriggerRefused(GoferError):
    """The trigger has answered with an error. `code` as in docs/trigger-protocol.md; `message` are its own words."""

    status = 422
    title = "The trigger refuses"

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class TriggerAway(GoferError):
    """The trigger is not connected, or has gone, or did not answer in time."""

    status = 503
    title = "The trigger does not answer"


class ObjectsOf(msgspec.Struct, frozen=True):
    """A run whose objects the new one has too, of a pipeline in the same namespace."""

    pipeline: str
    run: int


class Fire(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger tells of an event. Fields as of `fire` in docs/trigger-protocol.md; times in milliseconds."""

    event: str
    subscription: str | None = None
    outcome: Literal["start", "skip", "refuse", "error"] = "start"
    detail: str = ""
    variables: dict[str, str] = {}
    objects_of: ObjectsOf | None = None
    occurred_at: int | None = None


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the reply to `fire`."""

    outcome: EventOutcome
    detail: str = ""
    run: int | None = None
    url: str = ""
    duplicate: bool = False


class Session(Protocol):
    """One connection of a trigger that has answered `configure`."""

    @property
    def trigger(self) -> str:
        """The name under which it is installed."""

    @property
    def trigger_key(self) -> int:
        """Of its row."""

    @property
    def info(self) -> TriggerInfo: ...

    async def request(self, kind: str, fields: Mapping[str, Any], seconds: float = REQUEST_SECONDS) -> dict[str, Any]:
        """The fields of its reply. Any number may be under way. Raises TriggerRefused or TriggerAway."""


class Sessions(Protocol):
    """Who is connected."""

    def find(self, trigger: str) -> Session | None:
        """The session of the trigger, once it is configured."""


class Listener(Protocol):
    """Is told of sessions. Every method may be called for several triggers at once."""

    async def established(self, session: Session) -> None:
        """A trigger has answered `configure`: tell it its subscriptions, then `ready`. Cancelled when it goes."""

    async def fire(self, session: Session, fire: Fire) -> Fired:
        """Store the event, and start the run. Raises GoferError: Unavailable where the trigger is to try again."""

    def lost(self, session: Session) -> None:
        """The connection is over."""
