"""Where Gofer is, and how it is dialled."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from gofer_sdk.trigger.errors import TriggerError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_DEAD: Final = (401, 403, 404)
_TIMEOUT: Final = 10.0
_CLOSE_TIMEOUT: Final = 2.0
# Frames are held to the server's limit one by one; this is what is never read into memory.
_MAX_MESSAGE: Final = 32 * 1024 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE, _SPREAD = 0.1, 5.0, 0.2


class NotStartedByGofer(TriggerError):
    """A variable of the environment is missing, or wrong."""


class DeadSecret(TriggerError):
    """Gofer no longer lets this start of the trigger in."""


class CannotDial(TriggerError):
    """Gofer cannot be reached now."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """What a trigger is started with."""

    name: str
    url: str
    secret: str
    socket: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Raises NotStartedByGofer."""
        found = {word.lower(): environ.get(f"GOFER_TRIGGER_{word}", "") for word in ("NAME", "URL", "SECRET")}
        if missing := [f"GOFER_TRIGGER_{word.upper()}" for word, value in found.items() if not value]:
            raise NotStartedByGofer(
                f"This is a trigger, which Gofer starts (gofer trigger install). Not set: {', '.join(missing)}."
            )
        if not found["url"].startswith(("ws://", "wss://")):
            raise NotStartedByGofer(f'GOFER_TRIGGER_URL: expected ws://… or wss://…, got "{found["url"][:200]}".')
        return cls(**found, socket=environ.get("GOFER_TRIGGER_SOCKET", ""))


async def dial(address: Address) -> ClientConnection:
    """An open connection. Raises DeadSecret and CannotDial."""
    from websockets.asyncio.client import connect, unix_connect
    from websockets.exceptions import InvalidStatus, WebSocketException

    options: dict[str, Any] = {
        "additional_headers": {"Authorization": f"Bearer {address.secret}"},
        "compression": None,
        "max_size": _MAX_MESSAGE,
        "open_timeout": _TIMEOUT,
        "close_timeout": _CLOSE_TIMEOUT,
        "ping_interval": None,
        "proxy": None,
    }
    try:
        if address.socket:
            return await unix_connect(address.socket, address.url, **options)
        return await connect(address.url, **options)
    except InvalidStatus as error:
        status = error.response.status_code
        if status in _DEAD:
            raise DeadSecret(f"Gofer does not let this trigger in (status {status}): its secret is dead.") from None
        raise CannotDial(f"Gofer answered with status {status}.") from None
    except (OSError, TimeoutError, WebSocketException) as error:
        raise CannotDial(f"Gofer cannot be reached: {error or type(error).__name__}.") from None


class Pauses:
    """How long to wait before each try: not at all, then 100 ms, and twice as long each time up to 5 s, each ± 20 %."""

    def __init__(self) -> None:
        self._next = 0.0

    def reset(self) -> None:
        """The connection was good."""
        self._next = 0.0

    def take(self) -> float:
        """Seconds to wait now."""
        pause = self._next
        self._next = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        return pause * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
