"""Starting a trigger only to ask it what it is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from gofer.errors import GoferError, InvalidInput, NotFound, StartFailed
from gofer.models.ids import shown
from gofer.models.trigger import TriggerInfo, TriggerOptions
from gofer.server.triggers.plan import make_plan
from gofer.server.triggers.session import Ending, TriggerSession
from gofer.server.triggers.start import SERVER_LABEL, Start, new_uid, short_image, spec_of, start_of
from gofer.server.triggers.supervise import Supervisor

_MOST_OUTPUT = 4_000
_STOP_SECONDS = 5.0


class NoTrigger(GoferError):
    """What was started does not behave as a trigger."""

    status = 422
    title = "No trigger"


class Asking:
    """One of it; implements `session.Host`. Its name is one that nobody has."""

    def __init__(self) -> None:
        self.name = f"asked-{secrets.token_hex(8)}"
        self.key = 0
        self.told: asyncio.Future[TriggerInfo] = asyncio.get_running_loop().create_future()

    async def settings(self, info: TriggerInfo) -> Mapping[str, Any] | None:
        """See `session.Host.settings`."""
        if not self.told.done():
            self.told.set_result(info)
        return None

    def refused(self, code: str, words: str) -> None:
        """Never, as it is given nothing."""

    async def established(self, session: TriggerSession) -> None:
        """Never, as it is given nothing."""

    def logged(self, level: str, message: str) -> None:
        """Nobody listens."""

    def ended(self, session: TriggerSession, ending: Ending) -> None:
        """See `session.Host.ended`."""
        if not self.told.done() and ending.reason:
            self.told.set_exception(NoTrigger(f"It broke the protocol: {ending.reason}", _CHECK))


_CHECK = "gofer trigger check says what a trigger does wrong."


async def ask(supervisor: Supervisor, image: str, options: TriggerOptions) -> TriggerInfo:
    """What a trigger of that image is. Raises NotFound or InvalidInput for an image that cannot be started, Refused,
    NoTrigger with what it did instead, EngineUnavailable."""
    house, asking = supervisor.house, Asking()
    plan = await make_plan(house, asking.name, image, options, {}, [])
    uid = new_uid(house.database.server_id, house.clock.now(), image)
    start = start_of(asking.name, image, uid, house.access)
    supervisor.expect(asking)
    supervisor.asked.add(start.container)
    house.registry.triggers[start.digest] = asking.name
    labels = {SERVER_LABEL: house.database.server_id}
    try:
        await house.scheduler.start(spec_of(start, plan.dial, options, plan.variables, labels))
        return await _answer(supervisor, asking, start)
    except StartFailed as error:
        # The caller's mistake, as far as can be told.
        kind = NotFound if error.reason == "image_not_found" else InvalidInput
        raise kind(f"{short_image(image)}: {error.message}", error.hint) from error
    finally:
        house.registry.triggers.pop(start.digest, None)
        supervisor.forget(asking)
        await asyncio.shield(_clear(supervisor, start))


async def _answer(supervisor: Supervisor, asking: Asking, start: Start) -> TriggerInfo:
    scheduler, seconds = supervisor.house.scheduler, supervisor.house.times.asking
    ended = asyncio.create_task(scheduler.wait(start.container), name=f"trigger {asking.name}: end")
    try:
        waited: set[asyncio.Future[Any]] = {ended, asking.told}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if asking.told.done():
            return asking.told.result()
        if not ended.done():
            raise NoTrigger(f"It did not dial in within {seconds:g} seconds.", _CHECK)
        exited = ended.result()
        said = await _output(supervisor, start)
        what = "vanished" if exited is None else f"ended with code {exited.exit_code}"
        raise NoTrigger(f"It {what} before it had told what it is{': ' + said if said else ''}.", _CHECK)
    finally:
        ended.cancel()
        if asking.told.done():
            asking.told.exception()


async def _output(supervisor: Supervisor, start: Start) -> str:
    """The end of what it has printed."""
    text = b""
    async for chunk in supervisor.house.scheduler.logs(start.container):
        text = (text + chunk.data)[-_MOST_OUTPUT:]
    lines = text.decode(errors="replace").strip().splitlines()
    return shown(lines[-1].strip(), 300) if lines else ""


async def _clear(supervisor: Supervisor, start: Start) -> None:
    """Best effort: what stays is swept at the next start."""
    try:
        await supervisor.house.scheduler.stop(start.container, _STOP_SECONDS)
        await supervisor.house.scheduler.remove(start.container)
    except GoferError:
        return
    finally:
        supervisor.asked.discard(start.container)
