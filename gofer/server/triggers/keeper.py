"""One trigger that is to run: started, looked after, started again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from gofer.engines.scheduler.base import Container
from gofer.errors import EngineUnavailable, GoferError, StartFailed, Unavailable
from gofer.models.event import Kind
from gofer.models.trigger import TriggerInfo, TriggerState
from gofer.server.own_log import get_logger
from gofer.server.store import triggers
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers.backoff import Backoff
from gofer.server.triggers.house import House
from gofer.server.triggers.logbook import Logbook
from gofer.server.triggers.output import MAX_OUTPUT, Output, drain
from gofer.server.triggers.pace import Pace
from gofer.server.triggers.patience import Interrupted, patiently, stubbornly
from gofer.server.triggers.plan import Plan, make_plan
from gofer.server.triggers.session import DONE, NO_FRAME, TOO_BIG, WRONG, Ending, TriggerSession
from gofer.server.triggers.start import FITS_LABEL, SERVER_LABEL, Start, new_uid, spec_of, start_of

T = TypeVar("T")

# More connections are those of a trigger that goes wrong each time.
_DIALS_A_SECOND, _DIALS_AT_ONCE = 0.1, 20

_KILL_SECONDS = 5.0


class End(NamedTuple):
    """Why a start is over. `reason` is for machines, see docs/events.md; `final`: another start would end as this."""

    reason: str
    words: str
    hint: str = ""
    final: bool = False


_TOO_MUCH = End(
    "output",
    f"it has printed {MAX_OUTPUT} bytes, which the engine keeps as long as it lives",
    "Let it write less, or with `log` frames.",
)


class Keeper:
    """Keeps one trigger; implements `session.Host`. What its properties tell is for `Trigger` in the API."""

    def __init__(self, row: StoredTrigger, house: House, logbook: Logbook) -> None:
        self.row = row
        self.logbook = logbook
        self._house = house
        self._log = get_logger("gofer.triggers")
        self._backoff = Backoff(house.times)
        self._output = Output(logbook, house.scheduler, self._now)
        self._changed = asyncio.Event()
        self._connected, self._disconnected = asyncio.Event(), asyncio.Event()
        self._planned = asyncio.Event()
        self._plan: Plan | None = None
        self._fault: asyncio.Future[End] | None = None
        self._dials = Pace(_DIALS_A_SECOND, _DIALS_AT_ONCE, 0.0)
        self._told_started = False
        self._healthy_from: float | None = None
        self.is_unwanted = False
        self._is_gone = False
        self._most_grace = math.inf
        self.session: TriggerSession | None = None
        self.state: TriggerState = "starting"
        self.detail = self.hint = self.program = ""
        self.started_at = row.started_at
        self.healthy_since: int | None = None
        self.next_start_at: int | None = None
        self.restarts = 0
        self.over = asyncio.Event()
        # Another keeper of the same trigger that is not done yet.
        self.after: asyncio.Event | None = None

    @property
    def is_late(self) -> bool:
        """It should long have dialled in."""
        at = self.started_at
        limit = self._house.times.dial * 1000
        return self.state == "starting" and at is not None and self._house.clock.now() - at > limit

    # -- what others want

    def stop(self, *, gone: bool = False, within: float = math.inf) -> None:
        """It is not to run any more: `run` returns when it does not. `gone`: there is no such trigger any more.
        `within`: it has so many seconds to end by itself, if that is less than the setting says."""
        self.is_unwanted, self._is_gone, self._most_grace = True, gone, within
        self._changed.set()

    def restart(self, row: StoredTrigger) -> None:
        """End it in an orderly way, and start what `row` says."""
        self.row = row._replace(start_uid=self.row.start_uid, started_at=self.row.started_at)
        self._backoff.reset()
        self._set("starting", "it is started anew")
        self._changed.set()

    def register(self) -> None:
        """The start that an earlier life of Gofer has left may dial in."""
        if self.row.start_uid:
            self._house.registry.triggers[self._start().digest] = self.name

    # -- its life

    async def run(self) -> None:
        """Returns once it is stopped. Cancelled, as Gofer stops, it leaves the trigger running."""
        if self.after is not None:
            await self.after.wait()
        while not self.is_unwanted:
            self._changed.clear()
            try:
                end = await self._once()
            except Interrupted:
                continue
            except Exception:
                self._log.exception("a trigger is given up for a while", trigger=self.name)
                end = End("defect", "Gofer has a defect; its log has more")
            if end.reason == "asked":
                self.restarts += not self.is_unwanted
                continue
            await self._rest(end)
        await self._put_away()

    async def _put_away(self) -> None:
        """Leave nothing behind, however long the engine takes to come back."""
        if self.row.start_uid:
            await self._bid_farewell(self._start().container)
            await self._clear()
        self._take(None)
        self._set("disabled")

    async def _rest(self, end: End) -> None:
        """Wait until it is to be started again."""
        well = self._now() - self._healthy_from if self._healthy_from is not None else 0.0
        pause = None if end.final else self._backoff.next(well)
        self._set("failed" if end.final else "waiting", end.words, end.hint)
        self._log.warning("a trigger is not healthy", trigger=self.name, reason=end.reason, detail=self.detail)
        if pause is not None:
            self.next_start_at = self._house.clock.now() + round(pause * 1000)
        await self._tell_end(end, pause)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()
        self.restarts += 1

    async def _once(self) -> End:
        """One start, or the one that Gofer's last life has left, until its end."""
        self._planned.clear()
        self._fault = asyncio.get_running_loop().create_future()
        self._healthy_from = None
        self._dials = Pace(_DIALS_A_SECOND, _DIALS_AT_ONCE, self._now())
        self._set("starting")
        row = self.row
        try:
            plan = await make_plan(self._house, row.id, row.image, row.options, row.settings, row.info.settings)
        except Unavailable as error:
            return End("unavailable", error.message, error.hint)
        except GoferError as error:
            await self._discard()
            return End("settings", error.message, error.hint, final=True)
        self._take(plan)
        adopted = await self._adopt(plan)
        self._told_started = adopted is not None
        try:
            start = adopted or await self._launch(plan)
        except StartFailed as error:
            await self._clear()
            return End("start_failed", error.message, error.hint)
        end = await self._watch(start, self._house.times.adopt if adopted else self._house.times.dial)
        await self._clear()
        return end

    def _take(self, plan: Plan | None) -> None:
        """From now on that is what it is started with."""
        before, self._plan = self._plan, plan
        if plan is not None:
            self._house.in_use.hold(plan.masks)
            # What it was told in settings of subscriptions is hidden as well.
            self.logbook.mask = lambda text: self._house.in_use.text(plan.mask(text))
            self._planned.set()
        if before is not None:
            self._house.in_use.release(before.masks)

    async def _adopt(self, plan: Plan) -> Start | None:
        """What runs already, if it is what is to run."""
        if not self.row.start_uid:
            return None
        start = self._start()
        found = await self._patiently(partial(self._house.scheduler.inspect, start.container))
        if found is not None and found.status == "running" and found.labels.get(FITS_LABEL) == plan.fits:
            self._say("Gofer was started again, and goes on with this trigger.")
            return start
        if found is None or found.status == "exited":
            await self._tell_missed(found)
        await self._discard(found)
        return None

    async def _tell_missed(self, found: Container | None) -> None:
        """It has ended while Gofer was away."""
        how = "has vanished" if found is None else f"ended with code {found.exit_code}"
        end = End("vanished" if found is None else "exited", f"it {how} while Gofer was away")
        self._set("starting", end.words)
        self.next_start_at = self._house.clock.now()
        self.restarts += 1
        await self._tell_end(end, 0.0)

    async def _discard(self, found: Container | None = None) -> None:
        """End what an earlier life has left, and read it to its last line."""
        if not self.row.start_uid:
            return
        name = self._start().container
        found = found or await self._patiently(partial(self._house.scheduler.inspect, name))
        if found is not None:
            await self._halt(name, self._grace)
            await drain(self._capturing(name))
        await self._clear()

    async def _launch(self, plan: Plan) -> Start:
        """Have it on the disk that it starts, and start it. Raises StartFailed."""
        house, at = self._house, self._house.clock.now()
        uid = new_uid(house.database.server_id, at, self.row.image)
        key = self.row.key
        await house.database.write_patiently(lambda tx: triggers.set_start(tx, key, uid, at))
        self.row = self.row._replace(start_uid=uid, started_at=at)
        self.started_at = at
        start = self._start()
        house.registry.triggers[start.digest] = self.name
        labels = {SERVER_LABEL: house.database.server_id, FITS_LABEL: plan.fits}
        spec = spec_of(start, plan.dial, self.row.options, plan.variables, labels)
        self._say(f"Gofer starts this trigger: {self.row.image}.")
        await self._patiently(partial(house.scheduler.start, spec))
        return start

    async def _watch(self, start: Start, patience: float) -> End:
        """Returns when it is over; if that is Gofer's will, it has been stopped."""
        name = start.container
        assert self._fault is not None
        output = self._capturing(name)
        ended = asyncio.create_task(self._ended(name), name=f"trigger {self.name}: end")
        silent = asyncio.create_task(self._silent(patience), name=f"trigger {self.name}: silence")
        changed = asyncio.create_task(self._changed.wait(), name=f"trigger {self.name}: change")
        tasks = (output, ended, silent, changed)
        try:
            waited: set[asyncio.Future[Any]] = {self._fault, *tasks}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if output.done() and not output.result():
                # It has closed its output: that alone says nothing.
                await asyncio.wait(waited - {output}, return_when=asyncio.FIRST_COMPLETED)
            if changed.done():
                await self._bid_farewell(name)
                return End("asked", "")
            if self._fault.done():
                end = self._fault.result()
            elif ended.done():
                end = ended.result()
            elif silent.done():
                end = silent.result()
            else:
                end = _TOO_MUCH
            if not ended.done():
                await self._halt(name, _KILL_SECONDS)
            await drain(output)
            return await self._explained(end)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ended(self, name: str) -> End:
        exited = await self._patiently(partial(self._house.scheduler.wait, name))
        if exited is None:
            return End("vanished", "its container or process has vanished", "Somebody, or the engine, has removed it.")
        what = "was killed, as it used too much memory" if exited.oom_killed else f"ended with code {exited.exit_code}"
        return End("exited", f"it {what}{': ' + exited.error if exited.error else ''}", self._see_logs)

    async def _silent(self, patience: float) -> End:
        while True:
            try:
                async with asyncio.timeout(patience):
                    await self._connected.wait()
            except TimeoutError:
                return End("silent", f"it did not dial in within {patience:g} seconds", self._see_logs)
            await self._disconnected.wait()
            patience = self._house.times.dial

    def _capturing(self, name: str) -> asyncio.Task[bool]:
        capturing = self._output.capture(name, self.row.start_uid)
        return asyncio.create_task(capturing, name=f"trigger {self.name}: output")

    async def _explained(self, end: End) -> End:
        if end.reason in ("exited", "silent") and (said := await self.logbook.last_words(self.row.start_uid)):
            return end._replace(words=f"{end.words}; its last words: {said}")
        return end

    # -- its end

    @property
    def _grace(self) -> float:
        return min(self._most_grace, self._house.live.settings.triggers.stop_timeout / 1000)

    async def _bid_farewell(self, name: str) -> None:
        """Ask it to end, wait for that, and see to it that it does."""
        grace, began = self._grace, self._now()
        if self.session is not None:
            await self.session.shutdown(grace)
            await self._leave(name, (grace - (self._now() - began)) / 2)
            grace = max(0.0, grace - (self._now() - began))
        await self._halt(name, grace)

    async def _leave(self, name: str, patience: float) -> None:
        """A trigger that has answered ends by itself. A signal while the one-file program removes what it has unpacked
        would leave that behind."""
        with suppress(TimeoutError, EngineUnavailable):
            async with asyncio.timeout(max(0.0, patience)):
                await self._house.scheduler.wait(name)

    async def _halt(self, name: str, grace: float) -> None:
        await stubbornly(lambda: self._house.scheduler.stop(name, grace))

    async def _clear(self) -> None:
        """Nothing of the start is left."""
        start, house, key = self._start(), self._house, self.row.key
        house.registry.triggers.pop(start.digest, None)
        if (open_one := house.connections.get(self.name)) is not None:
            open_one.end(DONE)
        await stubbornly(lambda: house.scheduler.remove(start.container))
        if not self._is_gone:
            await house.database.write_patiently(lambda tx: triggers.set_start(tx, key, "", None))
        self.row = self.row._replace(start_uid="", started_at=None)
        self.started_at = None

    async def _tell_end(self, end: End, pause: float | None) -> None:
        at, data = self._house.clock.now(), {"trigger": self.name, "reason": end.reason, "detail": self.detail}
        if pause is not None:
            data["next_start_at"] = self.next_start_at  # type: ignore[assignment]
        kind = Kind.TRIGGER_ENDED if pause is not None else Kind.TRIGGER_FAILED
        self._say(f"{self.detail} ({end.reason})", "warning")
        await self._house.database.write_patiently(lambda tx: tx.emit(kind, at, data=data))

    # -- session.Host

    @property
    def name(self) -> str:
        return self.row.id

    @property
    def key(self) -> int:
        return self.row.key

    async def settings(self, info: TriggerInfo) -> Mapping[str, Any]:
        """See `session.Host.settings`."""
        if info != self.row.info:
            key = self.row.key
            await self._house.database.write_patiently(lambda tx: triggers.set_info(tx, key, info))
            self.row = self.row._replace(info=info)
        await self._planned.wait()
        assert self._plan is not None
        return self._plan.settings

    def refused(self, code: str, words: str) -> None:
        """See `session.Host.refused`."""
        hint = f"Set it right: gofer trigger upgrade {self.name} --set NAME=VALUE."
        self._blame(End("settings", f"it does not take its settings: {words}", hint, final=code == "invalid_settings"))

    async def established(self, session: TriggerSession) -> None:
        """See `session.Host.established`."""
        self.session, self.program = session, session.program
        self._disconnected.clear()
        self._connected.set()
        if self._healthy_from is None:
            self._healthy_from = self._now()
        if not self._dials.take(self._now()):
            self._blame(End("broken", "it loses its connection, or gives it up, again and again", self._see_logs))
        self._set("healthy")
        self.healthy_since = self._house.clock.now()
        if not self._told_started:
            self._told_started = True
            data = {"trigger": self.name, "image": self.row.image, "version": session.info.version}
            at = self.healthy_since
            await self._house.database.write_patiently(lambda tx: tx.emit(Kind.TRIGGER_STARTED, at, data=data))

    def logged(self, level: str, message: str) -> None:
        """See `session.Host.logged`."""
        for line in message.splitlines()[:100] or [""]:
            self.logbook.add("log", self._house.clock.now(), line, level)

    def ended(self, session: TriggerSession, ending: Ending) -> None:
        """See `session.Host.ended`."""
        if ending.code == NO_FRAME:
            self._blame(End("broken", f"it broke the protocol: {ending.reason}", self._see_logs))
        elif ending.code == TOO_BIG:
            most = self._house.live.settings.server.max_frame_bytes
            self._blame(End("broken", f"it sent a frame of more than {most} bytes", self._see_logs))
        elif ending.code == WRONG:
            hint = "Install a version of it that speaks this protocol: gofer trigger upgrade."
            self._blame(End("protocol", ending.reason, hint, final=True))
        if self.session is not session:
            return
        self.session = None
        self._connected.clear()
        self._disconnected.set()
        if self.state == "healthy":
            self._set("starting", ending.reason or f"its connection was lost (code {ending.code})")

    # -- small things

    def _start(self) -> Start:
        return start_of(self.row.id, self.row.image, self.row.start_uid, self._house.access)

    def _blame(self, end: End) -> None:
        if self._fault is not None and not self._fault.done():
            self._fault.set_result(end)

    def _set(self, state: TriggerState, detail: str = "", hint: str = "") -> None:
        shown = self._plan.mask(detail) if self._plan is not None else detail
        self.state, self.detail, self.hint = state, shown[:1_000], hint
        self.healthy_since = self.next_start_at = None

    def _say(self, text: str, level: str = "info") -> None:
        self.logbook.add("gofer", self._house.clock.now(), text, level)

    @property
    def _see_logs(self) -> str:
        return f"See what it says: gofer trigger logs {self.name}."

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Raises Interrupted where somebody wants something else of the trigger."""
        return await patiently(call, self._changed, self._engine_away)

    def _engine_away(self, error: EngineUnavailable | None) -> None:
        if self.state == "healthy":
            return
        if error is None:
            self._set(self.state)
        else:
            self._set(self.state, f"the engine is away: {error.message}", error.hint)
