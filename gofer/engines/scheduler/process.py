"""The process engine: runs commands as processes of this machine. It isolates nothing.

Every attempt has a shim, a small process that keeps its output and exit status in a file and outlives Gofer; see
process_record.py for what is on disk and process_shim.py for how Gofer talks to it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from gofer.archive.entry import Member
from gofer.engines.scheduler.base import (
    Chunk,
    Container,
    ContainerSpec,
    ContainerStatus,
    Exit,
    OnPull,
    PlaceFiles,
    Position,
)
from gofer.engines.scheduler.process_collect import collect
from gofer.engines.scheduler.process_connection import Connection, connect
from gofer.engines.scheduler.process_launcher import Launcher, unavailable
from gofer.engines.scheduler.process_leftovers import delete, kill_leftovers, settle
from gofer.engines.scheduler.process_order import Order, build_order, check_name
from gofer.engines.scheduler.process_place import drop, prepare, within_scratch
from gofer.engines.scheduler.process_record import Description, Folders, Record, frames_start, read
from gofer.engines.scheduler.process_refusal import PASSING, start_error, unavailable_for
from gofer.engines.scheduler.process_session import ProcessSession, open_session
from gofer.engines.scheduler.process_tail import Tail
from gofer.errors import Conflict, EngineUnavailable, NotFound
from gofer.models.system import EngineInfo

# Both spares of a nursery that died may still take the job, and so may one that dies meanwhile.
_TRIES = 5
_CHECK_SECONDS = 5.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# More than this is read in a thread, as it may have to come from the disk.
_AT_ONCE = 1 << 18
_DAMAGED = Description("", {}, "", "", 0, 0, "")
_LOST = "its shim was killed, so its exit code is not known"


class ProcessScheduler:
    """See `base.Scheduler`. Everything it keeps is below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folders = Folders(str(folder.absolute()))
        self._launcher = Launcher(self._folders.root)
        self._opening = asyncio.Lock()
        self._is_open = False
        self._is_closed = False
        self._starting: dict[str, asyncio.Task[Container]] = {}
        self._connections: dict[str, Connection] = {}

    @property
    def name(self) -> str:
        return "process"

    async def open(self) -> None:
        """See `base.Scheduler.open`."""
        self._is_closed = False
        try:
            await self._ready()
        except EngineUnavailable:
            # Every call tries again, and tells why it cannot.
            return

    async def close(self) -> None:
        """See `base.Scheduler.close`. Calls that wait raise EngineUnavailable."""
        self._is_open, self._is_closed = False, True
        for task in list(self._starting.values()):
            task.cancel()
        for connection in list(self._connections.values()):
            connection.close()
        await self._launcher.close()

    def share(self, source: str, target: str) -> str | None:
        """See `base.Scheduler.share`."""
        return source

    def has(self, name: str) -> bool:
        """Whether a job of that name is being started or has been, and was not removed; opens nothing."""
        return name in self._starting or os.path.exists(self._folders.record(name))

    async def check(self) -> EngineInfo:
        """See `base.Scheduler.check`: a shim is raised, tries the disk and ends."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                # Somebody may have cleared up too much.
                self._is_open = self._is_open and Path(self._folders.records).is_dir()
                await self._ready()
                for _ in range(_TRIES):
                    answer, connection = await self._launcher.ask(b"{}\n")
                    connection.close()
                    if answer == "ready":
                        return EngineInfo(
                            name=self.name, version=os.uname().release, address=self._folders.root, isolates=False
                        )
                    if answer is not None:
                        raise unavailable_for(int(answer.split()[1]))
        except TimeoutError:
            raise EngineUnavailable(
                f"no process could be started within {_CHECK_SECONDS:.0f} seconds", "The machine may be overloaded."
            ) from None
        raise self._nursery_dies()

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        """See `base.Scheduler.start`. `on_pull` is never called, as there is no image."""
        check_name(spec.name)
        prepared = ""
        if place is not None and spec.name not in self._starting:
            # By the caller itself, which may give it up half-way.
            prepared = await self._placed(spec, place)
        task = self._starting.get(spec.name)
        if task is None:
            starting = self._start(spec, prepared)
            task = self._starting[spec.name] = asyncio.create_task(starting, name=f"start {spec.name}")
            task.add_done_callback(lambda task: self._started(spec.name, task))
        elif prepared:
            # Somebody else was quicker.
            await drop(prepared)
        # A caller that gives up leaves the start to end by itself; `inspect` waits for it.
        return await asyncio.shield(task)

    async def inspect(self, name: str) -> Container | None:
        """See `base.Scheduler.inspect`."""
        await self._settled(name)
        record = self._record(name)
        if record is None:
            return None
        running = record.exit_code is None and self._connect(name) is not None
        return self._container(name, self._record(name), running=running)

    async def wait(self, name: str) -> Exit | None:
        """See `base.Scheduler.wait`. None also if the shim was killed: what is left of the job is killed first."""
        await self._settled(name)
        while (connection := self._connect(name)) is not None:
            await connection.ended()
        known = self._connections.get(name)
        if known is not None and known.exit_code is not None:
            return Exit(known.exit_code)
        record = self._record(name)
        if record is None:
            return None
        if record.exit_code is None:
            await asyncio.to_thread(kill_leftovers, self._folders, name, record.description)
            return None
        return Exit(record.exit_code)

    async def logs(self, name: str, since: Position = Position()) -> AsyncIterator[Chunk]:  # noqa: B008
        """See `base.Scheduler.logs`."""
        await self._settled(name)
        try:
            fd = os.open(self._folders.record(name), os.O_RDONLY)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unavailable(error) from error
        try:
            tail = Tail(fd, frames_start(fd), since)
            while True:
                connection = self._connect(name)
                seen = connection.count if connection is not None else 0
                while (chunks := await _read(tail)) is not None:
                    for chunk in chunks:
                        yield chunk
                if connection is None:
                    # It had ended before the last bytes were read.
                    return
                await connection.changed(seen)
        finally:
            os.close(fd)

    async def stop(self, name: str, grace: float) -> None:
        """See `base.Scheduler.stop`. The signals go to the whole process group."""
        await self._settled(name)
        if grace > 0 and await self._tell(name, b"terminate\n"):
            try:
                async with asyncio.timeout(grace):
                    await self.wait(name)
            except TimeoutError:
                pass
        await self._tell(name, b"kill\n")
        await self.wait(name)

    async def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        """See `base.Scheduler.collect`. Only from within the scratch folder."""
        await self._settled(name)
        record = self._record(name)
        if record is None:
            raise NotFound(f'there is no process "{name}"', "It has been removed, or was never started.")
        where = within_scratch(record.description.directory, path)
        async with aclosing(collect(self._folders.scratch(name), where)) as members:
            async for member in members:
                yield member

    async def remove(self, name: str) -> None:
        """See `base.Scheduler.remove`."""
        await self._settled(name)
        await self._tell(name, b"discard\n")
        await self.wait(name)
        await asyncio.to_thread(delete, self._folders, name)
        self._connections.pop(name, None)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """See `base.Scheduler.list`."""
        await self._ready()
        wanted = labels.items()
        found = []
        try:
            names = await asyncio.to_thread(os.listdir, self._folders.records)
        except OSError as error:
            raise unavailable(error) from error
        for name in names:
            record = self._record(name)
            if record is not None and wanted <= record.description.labels.items():
                container = await self.inspect(name)
                if container is not None:
                    found.append(container)
        return found

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> ProcessSession:
        """See `base.Scheduler.exec`. The command runs in the job's working directory, with its variables."""
        await self._settled(name)
        if not command or any("\0" in word for word in command):
            raise Conflict("there is no command to run", "Give one, such as `sh`.")
        record = self._record(name)
        if record is None:
            raise NotFound(f'there is no process "{name}"', "It has been removed, or was never started.")
        connection = connect(record.description.token) if record.exit_code is None else None
        if connection is not None:
            try:
                return await open_session(connection, command, terminal=terminal, columns=columns, rows=rows)
            except OSError as error:
                if error.errno in PASSING:
                    raise unavailable(error) from error
        raise Conflict(f'the process "{name}" has ended', "Only a running one can be attached to.")

    async def _ready(self) -> None:
        self._check_open()
        if not self._is_open:
            await self._prepare()

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineUnavailable("the process engine is closed", "Gofer is stopping.")

    async def _prepare(self) -> None:
        async with self._opening:
            if self._is_open:
                return
            try:
                self._folders.make()
                await asyncio.to_thread(settle, self._folders)
            except OSError as error:
                raise EngineUnavailable(
                    f"the folder {self._folders.root} cannot be used: {error.strerror or error}",
                    "Gofer must be able to write there.",
                ) from error
            await self._launcher.open()
            self._is_open = True

    async def _settled(self, name: str) -> None:
        """Before anything is said of a name: a start that is under way is waited for."""
        await self._ready()
        task = self._starting.get(name)
        if task is not None:
            await asyncio.wait([task])

    def _started(self, name: str, task: asyncio.Task[Container]) -> None:
        self._starting.pop(name, None)
        if not task.cancelled():
            # It may be that nobody waits any more to hear of it.
            task.exception()

    async def _placed(self, spec: ContainerSpec, place: PlaceFiles) -> str:
        """The folder in which everything stands that is to be placed; "" for an attempt that is there already."""
        await self._ready()
        order = build_order(spec)
        return "" if self._record(spec.name) is not None else await prepare(self._folders.spare, order, place)

    async def _start(self, spec: ContainerSpec, prepared: str) -> Container:
        try:
            container = await self._start_order(build_order(spec), prepared)
        except Exception:
            await drop(prepared)
            raise
        # Cancelled, as this engine is closed, it must not touch what a shim may just be taking over.
        await drop(prepared)
        return container

    async def _start_order(self, wanted: Order, prepared: str) -> Container:
        await self._ready()
        spec = wanted.spec
        order = wanted.line(self._folders.scratch(spec.name), os.environ.get("PATH", _PATH), prepared)
        for _ in range(_TRIES):
            answer, connection = await self._launcher.ask(order)
            if answer == "started":
                self._connections[spec.name] = connection
                return Container(name=spec.name, status="running", labels=spec.labels)
            connection.close()
            if answer is not None and answer != "exists":
                raise start_error(answer, spec)
            found = await self._existing(spec.name)
            if found is not None:
                return found
        raise self._nursery_dies()

    async def _existing(self, name: str) -> Container | None:
        """What stands already under this name, once it is decided whether its command could be started."""
        while (record := self._record(name)) is not None:
            connection = self._connect(name)
            if connection is not None:
                if await connection.answer() is not None:
                    return self._container(name, record, running=True)
                continue
            return self._container(name, self._record(name), running=False)
        return None

    def _connect(self, name: str) -> Connection | None:
        """The connection to the shim of this name; None if it has ended or vanished."""
        self._check_open()
        connection = self._connections.get(name)
        if connection is not None and not connection.gone:
            return connection
        if connection is not None and connection.exit_code is not None:
            return None
        record = self._record(name)
        if record is None or record.exit_code is not None:
            return None
        try:
            connection = connect(record.description.token)
        except OSError as error:
            raise unavailable(error) from error
        if connection is None:
            return None
        try:
            connection.say(b"watch\n")
        except (BrokenPipeError, ConnectionResetError):
            # It died between the two, with this connection still in its line.
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise unavailable(error) from error
        self._connections[name] = connection
        return connection

    async def _tell(self, name: str, line: bytes) -> bool:
        """Send a word to the shim of this name; whether there is one."""
        connection = self._connect(name)
        if connection is None:
            return False
        try:
            connection.say(line)
        except OSError:
            # It has just ended.
            connection.close()
        return True

    def _record(self, name: str) -> Record | None:
        try:
            fd = os.open(self._folders.record(check_name(name)), os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(error) from error
        try:
            return read(fd) or Record(_DAMAGED, 0, None)
        finally:
            os.close(fd)

    def _container(self, name: str, record: Record | None, *, running: bool) -> Container | None:
        if record is None:
            return None
        status: ContainerStatus = "running" if running and record.exit_code is None else "exited"
        return Container(
            name=name,
            status=status,
            labels=record.description.labels,
            exit_code=record.exit_code,
            error=_LOST if status == "exited" and record.exit_code is None else "",
        )

    def _nursery_dies(self) -> EngineUnavailable:
        said = self._launcher.problem()
        return EngineUnavailable(
            "the helper that starts processes dies" + (f": {said}" if said else ""),
            f"{self._folders.root}/nursery.log has what it said.",
        )


async def _read(tail: Tail) -> Sequence[Chunk] | None:
    return await asyncio.to_thread(tail.read) if tail.behind > _AT_ONCE else tail.read()
