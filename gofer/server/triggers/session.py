"""One connection of a trigger, from `hello` to its end: docs/trigger-protocol.md, seen from Gofer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from gofer import __version__
from gofer.errors import GoferError, InvalidInput, TooLarge, Unavailable
from gofer.models.ids import shown
from gofer.models.trigger import TriggerInfo
from gofer.server.own_log import get_logger
from gofer.server.triggers import frames
from gofer.server.triggers.contract import REQUEST_SECONDS, Fire, Listener, TriggerAway, TriggerRefused
from gofer.server.triggers.frames import Answered, Asked, Invalid, NoFrame
from gofer.server.triggers.link import Gone, Link
from gofer.server.triggers.pace import Pace
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.times import Times

MAX_UNANSWERED = 64
"""So many events of one trigger may be on their way to the disk."""

DONE, GOING, TOO_BIG, NO_FRAME, NO_ANSWER, REPLACED, WRONG = 1000, 1001, 1009, 4400, 4408, 4409, 4426
"""Close codes, see docs/trigger-protocol.md."""

_FAULT = 1011
_FRAMES_A_SECOND, _FRAMES_AT_ONCE = 2_000, 4_000
_LOGS_A_SECOND, _LOGS_AT_ONCE = 100, 1_000
_CLOSE_SECONDS = 2.0
_LONGEST_WORDS = 2_000


class Ending(NamedTuple):
    """How a connection ended. `reason` is empty where the trigger has closed it."""

    code: int
    reason: str = ""


class Host(Protocol):
    """Who has started the trigger that dials in."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def key(self) -> int:
        """Of its row."""

    async def settings(self, info: TriggerInfo) -> Mapping[str, Any] | None:
        """It has told what it is: what it is to be told. None: it was started only to be asked."""

    def refused(self, code: str, words: str) -> None:
        """It does not take its settings. `words` are its own."""

    async def established(self, session: TriggerSession) -> None:
        """It has taken its settings."""

    def logged(self, level: str, message: str) -> None:
        """It has something to say."""

    def ended(self, session: TriggerSession, ending: Ending) -> None:
        """The connection is over."""


class TriggerSession:
    """See `contract.Session`. `latency` is that of the last answer to `ping`, in seconds; `last_event` when the last
    event came (seconds of the loop's clock)."""

    def __init__(
        self, link: Link, host: Host, roster: Roster, listener: Listener, times: Times, max_frame_bytes: int
    ) -> None:
        self._link = link
        self._host = host
        self._roster = roster
        self._listener = listener
        self._times = times
        self._max_frame_bytes = max_frame_bytes
        self._clock = asyncio.get_running_loop().time
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self._fires: set[asyncio.Task[None]] = set()
        # How often reading has been put off, as more came than was to be taken at once.
        self._held = 0
        self._pace = Pace(_FRAMES_A_SECOND, _FRAMES_AT_ONCE, self._clock())
        self._log_pace = Pace(_LOGS_A_SECOND, _LOGS_AT_ONCE, self._clock())
        self._unlogged = 0
        self._configure_id = 0
        self._is_configured = False
        self.info = TriggerInfo()
        self.program = ""
        self.latency: float | None = None

    @property
    def trigger(self) -> str:
        return self._host.name

    @property
    def trigger_key(self) -> int:
        return self._host.key

    # -- its life

    async def run(self) -> None:
        """Returns when the connection is over, and everything that it has told of is answered or given up."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._greet()
            if self._over.done():
                return
            tasks = [self._begin(work) for work in (self._read, self._course, self._beat)]
            await asyncio.shield(self._over)
        except Gone as gone:
            self.end(gone.code)
        except NoFrame as error:
            self.end(NO_FRAME, error.reason)
        finally:
            self.end(GOING, "Gofer is stopping.")
            for task in tasks:
                task.cancel()
            await self._finish(tasks)

    def end(self, code: int, reason: str = "") -> None:
        """End the connection; the first to say so says why."""
        if not self._over.done():
            self._over.set_result(Ending(code, reason))

    async def shutdown(self, seconds: float) -> None:
        """Ask the trigger to end itself, and wait for its answer so long."""
        with suppress(TriggerAway, TriggerRefused):
            await self.request("shutdown", {"timeout": round(seconds * 1000)}, seconds)
        self.end(DONE)

    async def _finish(self, tasks: list[asyncio.Task[None]]) -> None:
        ending = self._over.result()
        self._roster.remove(self)
        away = TriggerAway(f"The trigger {shown(self.trigger)} has gone.", "Gofer waits for it, or starts it anew.")
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(away)
                future.exception()
        if self._is_configured:
            self._listener.lost(self)
        self._host.ended(self, ending)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._link.close(ending.code, ending.reason)
        # An event that is on its way to the disk goes on, whoever hears of it.
        await asyncio.gather(*tasks, *self._fires, return_exceptions=True)

    def _begin(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.create_task(self._guarded(work), name=f"trigger {self.trigger}: {work.__name__}")

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong ends this connection, and nothing else."""
        try:
            await work()
        except Gone as gone:
            self.end(gone.code)
        except NoFrame as error:
            self.end(NO_FRAME, error.reason)
        except Exception:
            get_logger("gofer.triggers").exception("the connection of a trigger is given up", trigger=self.trigger)
            self.end(_FAULT, "Gofer has a defect; its log has more.")

    # -- the beginning

    async def _greet(self) -> None:
        """Take `hello` and answer it. Raises Gone or NoFrame; has ended the connection where it is not to go on."""
        try:
            async with asyncio.timeout(self._times.hello):
                first = frames.decode(await self._link.receive(), self._max_frame_bytes)
        except TimeoutError:
            self.end(NO_ANSWER, f"No `hello` came within {self._times.hello:g} seconds.")
            return
        if not isinstance(first, Asked) or first.kind != "hello" or first.id is None:
            raise NoFrame("The first frame must be the request `hello`.")
        try:
            hello = frames.hello_of(first)
        except Invalid as error:
            raise NoFrame(f"`hello`: {error}") from None
        if hello.protocol != frames.PROTOCOL:
            words = f"This server speaks version {frames.PROTOCOL} of the protocol, not {hello.protocol}."
            await self._turn_away(first.id, "version", words)
        elif hello.name != self.trigger:
            words = f"The secret is that of the trigger {shown(self.trigger)}, not of {shown(hello.name)}."
            await self._turn_away(first.id, "name", words)
        else:
            self.program = hello.program[:100]
            told = {
                "protocol": frames.PROTOCOL,
                "server": __version__,
                "heartbeat": round(self._times.heartbeat * 1000),
                "max_frame_bytes": self._max_frame_bytes,
                "max_event_bytes": frames.MAX_EVENT_BYTES,
                "max_unanswered": MAX_UNANSWERED,
            }
            await self._link.send(frames.reply(first.id, told))

    async def _turn_away(self, to: int, code: str, words: str) -> None:
        await self._link.send(frames.refusal(to, code, words))
        self.end(WRONG, words)

    async def _course(self) -> None:
        """From `info` to `ready`; what comes later comes by itself."""
        if not await self._informed():
            return
        settings = await self._host.settings(self.info)
        if settings is None:
            await self.shutdown(self._times.hello)
            return
        try:
            await self.request("configure", {"settings": settings})
        except TriggerRefused as error:
            self._host.refused(error.code, error.message)
            self.end(DONE, "The settings are not taken.")
            return
        except (InvalidInput, TooLarge) as error:
            self._host.refused("invalid_settings", error.message)
            self.end(DONE, "The settings cannot be sent.")
            return
        except GoferError as error:
            self.end(NO_ANSWER, f"`configure`: {error.message}")
            return
        if self._over.done():
            return
        self._roster.add(self)
        await self._host.established(self)
        try:
            await self._listener.established(self)
        except* GoferError as group:
            # It may well have gone meanwhile; otherwise it is to begin anew.
            self.end(_FAULT, f"Its subscriptions could not be told: {group.exceptions[0]}")

    async def _informed(self) -> bool:
        try:
            self.info = frames.info_of(await self.request("info", {}))
        except (GoferError, Invalid) as error:
            self.end(NO_FRAME, f"The reply to `info` is none: {error}")
            return False
        return True

    async def _beat(self) -> None:
        """Ask for a sign of life again and again."""
        heartbeat = self._times.heartbeat
        while True:
            held, began = self._held, perf_counter()
            try:
                await self.request("ping", {}, 2 * heartbeat)
            except TriggerRefused:
                pass  # an answer, too
            except TriggerAway:
                if self._held == held:
                    self.end(NO_ANSWER, f"No reply to `ping` came for {3 * heartbeat:g} seconds.")
                    return
            else:
                # The loop's own clock counts in whole milliseconds.
                self.latency = perf_counter() - began
            await asyncio.sleep(heartbeat)

    # -- what comes

    async def _read(self) -> None:
        while True:
            frame = frames.decode(await self._link.receive(), self._max_frame_bytes)
            if isinstance(frame, Answered) and self._answered(frame):
                continue
            if pause := self._pace.wait(self._clock()):
                self._held += 1
                await asyncio.sleep(pause)
            if isinstance(frame, Asked):
                await self._asked(frame)

    def _answered(self, frame: Answered) -> bool:
        """Whether somebody has waited for it: it may come too late, or to nothing."""
        future = self._waiting.get(frame.re)
        if future is None or future.done():
            return False
        if frame.error is None:
            future.set_result(frames.answer_of(frame))
            # At once: what comes next may tell of an event.
            self._is_configured = self._is_configured or frame.re == self._configure_id
        else:
            future.set_exception(TriggerRefused(frame.error.code[:64], frame.error.message[:_LONGEST_WORDS]))
        return True

    async def _asked(self, frame: Asked) -> None:
        if frame.kind == "log":
            self._log(frame)
        if frame.id is None:
            return
        if frame.kind == "fire":
            await self._fire(frame.id, frame)
        elif frame.kind == "ping" or frame.kind == "log":
            await self._link.send(frames.reply(frame.id, {}))
        elif frame.kind == "hello":
            await self._refuse(frame.id, "invalid", "`hello` comes once, as the first frame.")
        else:
            await self._refuse(frame.id, "unknown_kind", f"{shown(frame.kind, 40)} is no kind that Gofer knows.")

    def _log(self, frame: Asked) -> None:
        if not self._log_pace.take(self._clock()):
            self._unlogged += 1
            return
        if self._unlogged:
            lost, self._unlogged = self._unlogged, 0
            self._host.logged("warning", f"Gofer left out {lost} log messages that came too fast.")
        try:
            log = frames.log_of(frame)
        except Invalid as error:
            self._host.logged("warning", f"Gofer could not read a log message: {error}")
            return
        self._host.logged(log.level, log.message)

    async def _fire(self, to: int, frame: Asked) -> None:
        try:
            fire = frames.fire_of(frame)
        except Invalid as error:
            await self._refuse(to, "invalid", str(error))
            return
        if not self._is_configured:
            await self._refuse(to, "invalid", "`fire` may be sent from the reply to `configure` on.")
            return
        task = asyncio.create_task(self._answer(to, fire), name=f"trigger {self.trigger}: event")
        self._fires.add(task)
        task.add_done_callback(self._fires.discard)
        if len(self._fires) >= MAX_UNANSWERED:
            self._held += 1
            await asyncio.wait(self._fires, return_when=asyncio.FIRST_COMPLETED)

    async def _answer(self, to: int, fire: Fire) -> None:
        outcome = "failed"
        try:
            fired = await self._listener.fire(self, fire)
            outcome = "duplicate" if fired.duplicate else fired.outcome
            answer = frames.reply(to, fired)
        except TriggerRefused as error:
            answer = frames.refusal(to, error.code, error.message)
        except Unavailable as error:
            answer = frames.refusal(to, "unavailable", error.message)
        except GoferError as error:
            answer = frames.refusal(to, "failed", f"{error.message} {error.hint}".strip())
        except Exception:
            get_logger("gofer.triggers").exception("an event could not be taken", trigger=self.trigger)
            answer = frames.refusal(to, "unavailable", "Gofer could not store the event; its log has more.")
        self._roster.told[self.trigger, outcome] += 1
        with suppress(Gone):
            await self._link.send(answer)

    async def _refuse(self, to: int, code: str, message: str) -> None:
        await self._link.send(frames.refusal(to, code, message))

    # -- what goes

    async def request(self, kind: str, fields: Mapping[str, Any], seconds: float = REQUEST_SECONDS) -> dict[str, Any]:
        """See `contract.Session.request`. Raises InvalidInput or TooLarge for what cannot be sent."""
        self._last_id += 1
        number = self._last_id
        try:
            data = frames.encode(fields, id=number, kind=kind)
        except Invalid as error:
            raise InvalidInput(f"`{kind}` for the trigger {shown(self.trigger)}: {error}") from None
        limit = frames.MAX_EVENT_BYTES if kind == "external_event" else self._max_frame_bytes
        if len(data) > limit:
            raise TooLarge(f"`{kind}` has {len(data)} bytes: a frame may have {limit}.")
        if self._over.done():
            raise self._away(kind, "has gone")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        if kind == "configure":
            self._configure_id = number
        try:
            async with asyncio.timeout(seconds):
                await self._link.send(data)
                answer = await future
        except TimeoutError:
            raise self._away(kind, f"did not answer within {seconds:g} seconds") from None
        except Gone:
            raise self._away(kind, "has gone") from None
        finally:
            del self._waiting[number]
        if kind == "ready":
            self._roster.ready(self)
        return answer

    def _away(self, kind: str, what: str) -> TriggerAway:
        hint = f"Look at it: gofer trigger get {self.trigger}, and gofer trigger logs {self.trigger}."
        return TriggerAway(f"The trigger {shown(self.trigger)} {what} (`{kind}`).", hint)
