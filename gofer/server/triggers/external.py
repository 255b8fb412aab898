"""External events: what another service tells a trigger, passed on to it, and the trigger's own answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from gofer.config.live import Live
from gofer.errors import GoferError, NotFound, TooManyRequests, Unavailable
from gofer.models.ids import is_id
from gofer.models.units import format_size
from gofer.server.limits.failures import network_of
from gofer.server.limits.rates import Rates
from gofer.server.limits.refusals import Refusals

ANSWER_SECONDS = 10.0
"""So long a trigger may take, from the moment that its event is there."""

MOST_OF_TRIGGER = 1024
MOST_OF_ADDRESS = 512
"""How many may be under way at once."""

MOST_HELD_BYTES = 128 * 1024 * 1024
"""So much the bodies of all that are under way may take together."""

# What of that one address may take.
_SHARES = 4
_FROM_ADDRESS, _FOR_TRIGGER = "from this address", "for this trigger"
_MOST_ANSWER_BYTES = 64 * 1024
_CONTENT_TYPE = re.compile(r"[\x20-\x7e]{1,200}\Z")
_STATUSES = range(200, 600)
_WITHOUT_BODY = (204, 205, 304)


class Session(Protocol):
    """What speaks with one trigger."""

    async def external_event(self, fields: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        """Its reply to the request `external_event` of the trigger protocol, with these fields. Where it is not
        connected it is waited for. Raises TimeoutError after `timeout` seconds, Unavailable where it is not connected
        by then or goes away meanwhile, and another GoferError where it replies with an error."""


class Sessions(Protocol):
    """Those of all triggers."""

    def taking_external_events(self, trigger: str) -> Session | None:
        """None: there is no such trigger, it is disabled, or it takes no external events."""


class NoAnswer(GoferError):
    """The trigger did not answer in time; whether it has done anything nobody knows."""

    status = 504
    title = "No answer"


class BadAnswer(GoferError):
    """The trigger answered with what is no answer."""

    status = 502
    title = "Bad answer"


class Arrived(NamedTuple):
    """What came in. Header names are in lower case; `query` is what stood behind the `?`."""

    query: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: str


class Answer(NamedTuple):
    """What the trigger answers to who has sent it."""

    status: int
    content_type: str
    body: bytes


class ExternalEvents:
    """Passes them on, within limits. `monotonic`: seconds."""

    def __init__(self, sessions: Sessions, live: Live, refusals: Refusals, monotonic: Callable[[], float]) -> None:
        self._sessions = sessions
        self._live = live
        self._refusals = refusals
        self._monotonic = monotonic
        self._of_triggers, self._of_addresses = Rates(), Rates()
        self._under_way: dict[str, int] = {}
        # Bytes of bodies, by address.
        self._held: dict[str, int] = {}

    def find(self, trigger: str) -> Session:
        """Who takes events for the trigger of that name. Raises NotFound, which says nothing."""
        session = self._sessions.taking_external_events(trigger) if is_id(trigger) else None
        if session is None:
            raise NotFound("There is nothing here.", "Ask who runs this server.")
        return session

    @contextmanager
    def admitted(self, address: str) -> Iterator[Callable[[int], None]]:
        """One event from `address`, for as long as the context lasts. Gives what is to be called with the size of each
        part of its body. Both raise TooManyRequests; the second Unavailable where all bodies take too much room."""
        address = network_of(address)
        limit = self._live.settings.external_events_api.address_rate_limit
        if wait := self._of_addresses.take(address, limit, self._monotonic()):
            raise self._too_many(_FROM_ADDRESS, f"{limit} a second", wait)
        # No id of a trigger has a colon or a dot, and every address has: the two share one table.
        with self._counted(address, MOST_OF_ADDRESS, _FROM_ADDRESS):
            mine = 0

            def hold(size: int) -> None:
                nonlocal mine
                held = self._held.get(address, 0)
                if held + size > MOST_HELD_BYTES // _SHARES:
                    raise self._too_many(_FROM_ADDRESS, f"{format_size(MOST_HELD_BYTES // _SHARES)} at once", 1)
                if sum(self._held.values()) + size > MOST_HELD_BYTES:
                    whole = format_size(MOST_HELD_BYTES)
                    raise Unavailable(f"The server holds {whole} of events already.", "Send this one again later.")
                mine += size
                self._held[address] = held + size

            try:
                yield hold
            finally:
                left = self._held.pop(address, 0) - mine
                if left:
                    self._held[address] = left

    @contextmanager
    def _counted(self, key: str, most: int, what: str) -> Iterator[None]:
        count = self._under_way.get(key, 0)
        if count >= most:
            raise self._too_many(what, f"{most} at once", 1)
        self._under_way[key] = count + 1
        try:
            yield
        finally:
            left = self._under_way.pop(key) - 1
            if left:
                self._under_way[key] = left

    def _too_many(self, what: str, limit: str, wait: int) -> TooManyRequests:
        self._refusals.note("rate_limited")
        message = f"Too many events come {what}: it may have {limit}."
        return TooManyRequests(message, "Send this one again later.", retry_after=wait)

    async def pass_on(self, trigger: str, session: Session, arrived: Arrived) -> Answer:
        """The trigger's answer, which comes once it has taken the event. Raises TooManyRequests, Unavailable, NoAnswer,
        BadAnswer. Only what has come whole counts for the trigger: who sends slowly takes no place of others'."""
        limit = self._live.settings.external_events_api.rate_limit
        if wait := self._of_triggers.take(trigger, limit, self._monotonic()):
            raise self._too_many(_FOR_TRIGGER, f"{limit} a second", wait)
        with self._counted(trigger, MOST_OF_TRIGGER, _FOR_TRIGGER):
            return await self._passed(session, arrived)

    async def _passed(self, session: Session, arrived: Arrived) -> Answer:
        fields = {"event": secrets.token_hex(16), **arrived._asdict()}
        try:
            reply = await session.external_event(fields, ANSWER_SECONDS)
        except TimeoutError:
            hint = "Send it again later; `gofer trigger get` and `gofer trigger logs` may say what is wrong with it."
            raise NoAnswer(f"The trigger did not answer within {ANSWER_SECONDS:.0f}s.", hint) from None
        except Unavailable:
            raise Unavailable("The trigger is not there at the moment.", "Send it again later.") from None
        except GoferError as error:
            # In its words there may be what is for its administrator only: they are in its log.
            raise BadAnswer("The trigger failed to take the event.", "Its log says why.") from error
        return _checked(reply)


def _checked(reply: Mapping[str, Any]) -> Answer:
    """Raises BadAnswer for what the protocol does not allow: it would break the connection."""
    status, content_type, body = reply.get("status"), reply.get("content_type"), reply.get("body")
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        raise BadAnswer("The trigger answered with a status that is none.", "It is a fault of the trigger.")
    if content_type is None:
        content_type = "text/plain; charset=utf-8" if body else ""
    if not isinstance(content_type, str) or (content_type and not _CONTENT_TYPE.match(content_type)):
        raise BadAnswer("The trigger answered with a content type that is none.", "It is a fault of the trigger.")
    body = b"" if body is None else body.encode() if isinstance(body, str) else body
    if not isinstance(body, bytes) or len(body) > _MOST_ANSWER_BYTES:
        most = format_size(_MOST_ANSWER_BYTES)
        raise BadAnswer(f"The trigger answered with no text of at most {most}.", "It is a fault of the trigger.")
    if body and status in _WITHOUT_BODY:
        raise BadAnswer(f"The trigger answered {status} with a body.", "It is a fault of the trigger.")
    return Answer(status, content_type, body)
