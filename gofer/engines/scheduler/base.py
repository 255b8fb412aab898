"""The contract of a scheduler: the engine that runs containers.

Order of calls for one container: `start`, then `logs` and `wait` side by side, then `collect`, then `remove`. `stop`,
`inspect` and `exec` may come at any time between. Every method may be called concurrently, for the same container too.

After Gofer has died and come back, it calls `list` or `inspect` and goes on with `logs` (from the bytes it has) and
`wait` as if nothing had happened: an implementation keeps in the engine, not in itself, whatever that takes.

Errors: `EngineUnavailable` when the engine does not answer, from any method (the caller waits for `check` to pass and
calls again; nothing may be lost by that); `StartFailed` from `start` only, for faults that trying again does not mend.
Cancelling the calling asyncio task is always safe: it never stops a container, and the call may be made again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from gofer.archive.entry import Member, Members
from gofer.models.log import Stream
from gofer.models.manifest import PullPolicy
from gofer.models.system import EngineInfo


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Of an image's registry."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, password=…)"


class Bind(msgspec.Struct, frozen=True, kw_only=True):
    """A folder or socket of the engine's host that appears in the container."""

    source: str
    target: str
    read_only: bool = True


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `name` is unique for all time; `cpu` in cores; `memory` in bytes; None means the engine's default.

    `privileged`, `network` and `mounts` were checked against the server's configuration before they came here.
    """

    name: str
    image: str
    labels: Mapping[str, str] = {}
    pull: PullPolicy = "if_not_present"
    credentials: Credentials | None = None
    entrypoint: Sequence[str] | None = None
    command: Sequence[str] | None = None
    environment: Mapping[str, str] = {}
    working_directory: str | None = None
    user: str | None = None
    cpu: float | None = None
    memory: int | None = None
    network: str | None = None
    mounts: Sequence[Bind] = ()
    privileged: bool = False


ContainerStatus = Literal["created", "running", "exited"]


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine knows of a container. `exit_code`, `oom_killed` and `error` only once `exited`.

    A process ended by signal N has exit code 128 + N. `error` is the engine's own word, such as why a command could
    not be executed.
    """

    name: str
    status: ContainerStatus
    labels: Mapping[str, str] = {}
    exit_code: int | None = None
    oom_killed: bool = False
    image_digest: str = ""
    error: str = ""


class Exit(NamedTuple):
    """How a container ended."""

    exit_code: int
    oom_killed: bool = False
    error: str = ""


class Position(NamedTuple):
    """How many bytes of each stream the reader has already."""

    stdout: int = 0
    stderr: int = 0


class Chunk(NamedTuple):
    """Bytes of one stream as they were written: no line is guaranteed to begin or end here.

    `at` is when they were written, nanoseconds since the Unix epoch, as exactly as the engine knows.
    """

    stream: Stream
    data: bytes
    at: int


class PullProgress(NamedTuple):
    """`done` is false while an image is being pulled; at the end `detail` is its digest."""

    image: str
    detail: str
    done: bool


OnPull = Callable[[PullProgress], Awaitable[None]]


class Files(Protocol):
    """The files of a container that has not been started yet."""

    def check(self, path: str) -> None:
        """Raises StartFailed where nothing could ever be placed at the path, or collected from it, on this engine."""

    async def put(self, path: str, members: Members) -> None:
        """Unpack the members into the folder `path`, which is made if need be; a relative one is below the container's
        working directory. What is there already under the same name is replaced, unless both are folders.

        All of it belongs to the user that the container's command runs as. The members are checked already
        (`archive.tree.checked`). Raises what they raise; StartFailed with reason `input_failed` where the container
        has no place for them; EngineUnavailable. Some of them may have been placed then.
        """


PlaceFiles = Callable[[Files], Awaitable[None]]
"""Puts files into a container before its start. May be called again, and then puts the same."""


class Session(Protocol):
    """A command beside the container's own, with or without a terminal. Ends when the command ends or on `close`."""

    def output(self) -> AsyncIterator[Chunk]:
        """What the command prints, until it ends. With a terminal everything comes as stdout."""

    async def write(self, data: bytes) -> None:
        """Send input. After the command has ended this does nothing."""

    async def close_input(self) -> None:
        """End of input."""

    async def resize(self, columns: int, rows: int) -> None:
        """The terminal's new size; without a terminal this does nothing."""

    async def exit_code(self) -> int:
        """Waits for the end."""

    async def close(self) -> None:
        """Give the session up and free what it holds. Idempotent."""


class Scheduler(Protocol):
    """See the module's text for order, concurrency and errors."""

    @property
    def name(self) -> str:
        """The name in the registry, such as `docker`."""

    async def open(self) -> None:
        """Prepare connections. Must not fail because the engine is away; `check` tells that."""

    async def close(self) -> None:
        """Free everything that lives in this process. No container is stopped by it."""

    def share(self, source: str, target: str) -> str | None:
        """Where a container finds `source`, a folder of the server's machine, such as that of a socket it listens on.

        `target` if the container's spec must have `Bind(source, target, read_only=True)` for that; `source` itself
        where containers see the server's files as they are; None where they run on another machine. Absolute paths.
        Asks the engine nothing, and may be called from `open` on.
        """

    async def check(self) -> EngineInfo:
        """Ask the engine for a sign of life, quickly (at most 5 s). Raises EngineUnavailable."""

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        """Create and start the container, pulling its image as `spec.pull` says.

        `place` is awaited when the image is there, and has to return before the command begins. It is not called for a
        container that has been started already. What it raises is raised here, and nothing has been started.

        Idempotent by `spec.name`: one that exists and has never been started is started; one that runs or has ended
        is returned as it is and never started again. Everything the container prints is available from `logs`.
        Raises StartFailed with reason `image_not_found`, `pull_failed` or `start_failed`.
        """

    async def inspect(self, name: str) -> Container | None:
        """The container as it is now, None if there is none of that name."""

    async def wait(self, name: str) -> Exit | None:
        """Waits, without polling, until the container has ended; returns at once if it has. None: it vanished."""

    def logs(self, name: str, since: Position = Position()) -> AsyncIterator[Chunk]:  # noqa: B008
        """Everything the container prints from `since` on, each stream whole and in order, live, until its end.

        Ends only once the container has ended and every byte was given, or the container vanished. May be called
        again, from any position, as long as the container exists.
        """

    async def stop(self, name: str, grace: float) -> None:
        """Ask the container to end (SIGTERM), kill it after `grace` seconds. Returns when it has ended.

        Does nothing if it has ended or vanished. A second call with a shorter grace shortens the first.
        """

    def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        """The file or folder at `path` in the ended container, in constant memory.

        The first member is the thing itself, under the last part of its name; then what is in it, by name. A relative
        path is below the container's working directory. No link is followed within what is collected. What is given
        is what the container has left there, and nobody has checked it. May be called again until `remove`.

        Raises NotFound before the first member if there is none; InvalidInput for a path that this engine cannot
        collect; Conflict if it changes meanwhile.
        """

    async def remove(self, name: str) -> None:
        """Remove the ended container and what the engine keeps of it. Idempotent; kills it should it still run."""

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """Every container, ended ones too, that has all of these labels."""

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> Session:
        """Run a command in the running container. Raises NotFound or Conflict when it does not run."""
