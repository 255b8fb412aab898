"""The ends of a trigger."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from gofer_sdk.conformance.asked import OF_GOFER, OF_TRIGGER
from gofer_sdk.conformance.fired import ENDS
from gofer_sdk.conformance.life import Life
from gofer_sdk.conformance.step import Failed, Steps
from gofer_sdk.trigger.errors import PeerError
from gofer_sdk.trigger.frames import Fields

_EXITS: Final = 10.0
_STOP_TIMEOUT: Final = 5_000


async def shutdown(life: Life, steps: Steps, what: str) -> None:
    """Asked to end, it ends as it should."""

    async def ends() -> None:
        await life.ask("shutdown", timeout=_STOP_TIMEOUT)
        await _ended(life)

    await steps.attempt(f"ends when it is asked to{what}", OF_GOFER, ends)


async def signalled(life: Life, steps: Steps) -> None:
    """SIGTERM asks for the same."""

    async def ends() -> None:
        await _connected(life)
        life.process.terminate()
        await _ended(life)

    await steps.attempt("ends when SIGTERM comes", OF_GOFER, ends)


async def replaced(life: Life, steps: Steps) -> None:
    """Another connection has taken its place."""

    async def ends() -> None:
        await _connected(life)
        await life.peer.link.close(4409, "another connection")
        await life.process.exit_code(_EXITS)

    await steps.attempt("ends when another has taken its place", ENDS, ends)


async def dead_secret(life: Life, steps: Steps) -> None:
    """It is no longer let in."""

    async def ends() -> None:
        await _connected(life)
        life.side.refuse = HTTPStatus.FORBIDDEN
        life.peer.websocket.transport.abort()
        await _fails(life)

    await steps.attempt("ends when its secret is dead", ENDS, ends)


async def other_version(life: Life, steps: Steps) -> None:
    """The server does not speak its version."""

    def refuse(fields: Fields) -> Fields:
        raise PeerError("version", "This server speaks version 2.")

    async def ends() -> None:
        life.side.greet = refuse
        await life.connect(life.given.start_within)
        await _fails(life)

    await steps.attempt("ends when the server does not speak its version", OF_TRIGGER, ends)


async def _connected(life: Life) -> None:
    await life.connect(life.given.start_within)
    await life.begin()
    await life.ask("ready")


async def _ended(life: Life) -> None:
    code = await life.closed(_EXITS)
    if code != 1000:
        raise Failed("the close code 1000", f"{code}")
    if exit_code := await life.process.exit_code(_EXITS):
        raise Failed("the exit code 0", f"{exit_code}")


async def _fails(life: Life) -> None:
    if await life.process.exit_code(_EXITS) == 0:
        raise Failed("another exit code than 0", "0")
