"""Keeps a trigger connected to Gofer, from its start to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from gofer_sdk.trigger.dial import Address, CannotDial, DeadSecret, Pauses, dial
from gofer_sdk.trigger.errors import LinkLost, NotFired, PeerError, ProtocolError
from gofer_sdk.trigger.frames import PROTOCOL, Fields
from gofer_sdk.trigger.link import NO_FRAME, Link
from gofer_sdk.trigger.logs import LogsToGofer
from gofer_sdk.trigger.outbox import Outbox
from gofer_sdk.trigger.requests import Requests
from gofer_sdk.trigger.tasks import Tasks
from gofer_sdk.trigger.told import InvalidRequest, told
from gofer_sdk.trigger.trigger import Trigger
from gofer_sdk.trigger.values import Fired

ENDED, BROKEN, NOT_STARTED, DEAD_SECRET, REPLACED, FORSAKEN = 0, 1, 2, 3, 4, 5
_EXITS: Final = {1000: ENDED, NO_FRAME: BROKEN, 4409: REPLACED, 4426: BROKEN}
_HELLO_TIMEOUT: Final = 10.0
_STOP_TIMEOUT: Final = 5.0
# After so many seconds without Gofer it is not expected back: whoever starts it again has it start its triggers anew.
_LONGEST_ALONE: Final = 600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# Of the requests that may be unanswered, those that are left for `ping` and the like.
_SPARE: Final = 2


class Runtime:
    """One trigger's program. `program` is what `hello` says that it is written with."""

    def __init__(self, trigger: Trigger[Any, Any], address: Address, program: str) -> None:
        self._trigger = trigger
        self._address = address
        self._program = program
        self._logs = LogsToGofer()
        self._tasks = Tasks(trigger.log)
        self._outbox = Outbox(trigger.log)
        self._requests = Requests(trigger, self)
        self._pauses = Pauses()
        self._stop = asyncio.Event()
        self._finishing = False
        self._closed = False
        self._link: Link | None = None
        self._of_link: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None]
        self._telling = False
        self._at_once = 1
        self._begun = False
        self._connections = 0
        self._started = time.monotonic()

    async def serve(self) -> int:
        """Dial and serve until Gofer asks to end, or `stop` is called; returns the program's exit code."""
        trigger = self._trigger
        trigger.host, trigger.name, trigger.log.name = self, self._address.name, self._address.name
        trigger.log.addHandler(self._logs)
        connecting = asyncio.create_task(self._stay_connected(), name="connection")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({connecting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                return connecting.result()
            await self.finish(_STOP_TIMEOUT)
            if self._link is not None:
                await self._link.close(1000)
            return ENDED
        finally:
            for task in (connecting, stopped):
                task.cancel()
            await asyncio.wait({connecting, stopped})
            await self._tasks.cancel()
            await self._requests.cancel()
            trigger.log.removeHandler(self._logs)

    def stop(self) -> None:
        """Ask it to end, as SIGTERM does."""
        self._stop.set()

    # What the trigger uses.

    async def fire(self, fields: Mapping[str, object]) -> Fired:
        """Tell of an event until Gofer has answered. Raises NotFired."""
        if self._closed:
            raise NotFired("shutdown", "The trigger is ending: it takes no new events.")
        return await self._outbox.put(fields)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that ends with the trigger."""
        return self._tasks.spawn(name, work)

    # What its requests bring about.

    @property
    def is_finishing(self) -> bool:
        """Whether it takes no new events."""
        return self._finishing

    def configured(self, link: Link) -> None:
        """Until the first `ready` there is nothing old to tell of, and so no order to keep."""
        if not self._begun:
            self._tell(link)

    def ready(self, link: Link) -> None:
        """Tell of what was not acknowledged, and begin with `run`."""
        self._pauses.reset()
        self._tell(link)
        if link is self._link:
            self._trigger.connected.set()
        if not self._begun:
            self._begun = True
            self._tasks.spawn("run", self._keep_running())

    async def finish(self, timeout: float) -> None:
        """Take no new events, and wait for the replies to the others, at most `timeout` seconds."""
        self._finishing = True
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(timeout):
                # What has been taken may still fire.
                await self._requests.settle()
                self._closed = True
                await self._outbox.empty()
        except TimeoutError:
            self._closed = True
            self._trigger.log.error("The trigger ends, and %d events were not acknowledged.", len(self._outbox))

    def state(self) -> dict[str, object]:
        """What `debug` tells of every trigger."""
        return {
            "subscriptions": len(self._trigger.subscriptions),
            "unacknowledged": len(self._outbox),
            "connections": self._connections,
            "uptime": int((time.monotonic() - self._started) * 1000),
            "tasks": sorted(task.get_name() for task in self._tasks.running())[:100],
        }

    async def _keep_running(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = time.monotonic()
            try:
                await self._trigger.run()
            except Exception:
                if time.monotonic() - begun > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                self._trigger.log.exception("run has failed; it is begun again in %g seconds.", pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return

    async def _stay_connected(self) -> int:
        said = ""
        alone_since = time.monotonic()
        while True:
            await asyncio.sleep(self._pauses.take())
            try:
                websocket = await dial(self._address)
            except DeadSecret as error:
                self._trigger.log.error("%s", error)
                return DEAD_SECRET
            except CannotDial as error:
                if str(error) != said:
                    self._trigger.log.warning("%s It is tried again.", error)
                said = str(error)
                if time.monotonic() - alone_since > _LONGEST_ALONE and not len(self._outbox):
                    self._trigger.log.error("Gofer was not there for too long: the trigger ends.")
                    return FORSAKEN
                continue
            said = ""
            link = Link(websocket, self._requests.take)
            code = await self._serve_on(link)
            if code is not None:
                return code
            alone_since = time.monotonic()

    async def _serve_on(self, link: Link) -> int | None:
        """Serve until this connection ends; returns the exit code if nothing is to follow."""
        self._connections += 1
        self._link, self._telling, self._of_link = link, False, []
        self._failed = asyncio.get_running_loop().create_future()
        self._requests.begin(link)
        reading = asyncio.create_task(link.read(), name="reading")
        try:
            self._greeted(link, await self._hello(link))
            await asyncio.wait({reading, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        except PeerError as error:
            self._trigger.log.error("Gofer does not take this trigger: %s", error)
            await link.close(1001)
            if error.code in ("version", "name"):
                return BROKEN
        except (ProtocolError, InvalidRequest) as error:
            await link.close(NO_FRAME, str(error))
        except TimeoutError:
            await link.close(1001, "no reply to hello")
        except LinkLost:
            pass
        finally:
            self._link = None
            self._trigger.connected.clear()
            await _end([reading, *self._of_link])
        return self._exit(link)

    async def _hello(self, link: Link) -> Fields:
        hello = link.request("hello", protocol=PROTOCOL, name=self._address.name, program=self._program)
        return await asyncio.wait_for(hello, _HELLO_TIMEOUT)

    def _greeted(self, link: Link, reply: Fields) -> None:
        """Hold to what the reply to `hello` says. Raises InvalidRequest."""
        heartbeat = told(reply, "heartbeat", int)
        if heartbeat < 1:
            raise InvalidRequest(f'"heartbeat": expected a duration, got {heartbeat}.')
        link.max_frame_bytes = told(reply, "max_frame_bytes", int, link.max_frame_bytes)
        link.max_received_bytes = told(reply, "max_event_bytes", int, link.max_frame_bytes)
        self._at_once = told(reply, "max_unanswered", int, 1 + _SPARE) - _SPARE
        self._beside(link.beat(heartbeat / 1000), "heartbeat")
        self._beside(self._logs.send(link), "log")

    def _tell(self, link: Link) -> None:
        if link is self._link and not self._telling:
            self._telling = True
            self._beside(self._outbox.tell(link, self._at_once), "events")

    def _beside(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._look)
        self._of_link.append(task)

    def _look(self, task: asyncio.Task[None]) -> None:
        """A task of the connection that fails would not be missed while the heartbeat goes on: so all fails."""
        if not task.cancelled() and task.exception() is not None and not self._failed.done():
            self._failed.set_result(None)

    def _exit(self, link: Link) -> int | None:
        code = _EXITS.get(link.close_code or 0)
        if code is not None and code != ENDED:
            self._trigger.log.error("The connection was closed with %s: %s", link.close_code, link.close_reason)
        elif code is None:
            self._trigger.log.info("The connection has ended (%s); it is made again.", link.close_code)
        return code


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
