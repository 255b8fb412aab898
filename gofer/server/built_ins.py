"""The configured engine, and beside it one that runs what Gofer itself brings along: as processes of this machine.

A container whose image is `builtin:KIND/NAME` is this same program, started as `gofer builtin KIND NAME`. It may be
that with every engine and outside dev mode, as it is Gofer's own code; and it goes on when the engine is away.

What is no attempt of a run must not have the label `runs.container.SERVER_LABEL`: what has it, and is no unfinished
attempt's, is swept away (`runs/recover`). Each service marks and sweeps what it has started itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from gofer.archive.entry import Member
from gofer.engines.scheduler.base import (
    Chunk,
    Container,
    ContainerSpec,
    Exit,
    OnPull,
    PlaceFiles,
    Position,
    Scheduler,
    Session,
)
from gofer.errors import StartFailed
from gofer.frozen import is_frozen
from gofer.models.built_in import BUILT_INS, SCHEME, BuiltIn, built_in_of
from gofer.models.status import Reason
from gofer.models.system import EngineInfo

MARK: Final = "gofer-builtin."
"""Names that begin so are built-ins', and nobody asks the configured engine for them."""


class OwnEngine(Scheduler, Protocol):
    """What runs the built-ins. It opens itself with the first call that needs it."""

    def has(self, name: str) -> bool:
        """Whether it keeps a container of that name; opens nothing."""


class BuiltIns:
    """A `base.Scheduler` out of two: who asks need not know which of them has a container.

    `start` goes by the image, and everything else by the container: what the own engine has is its, as is every name
    that begins with `MARK`. Until the first built-in is started on this machine the own engine is not even made.
    """

    def __init__(
        self,
        engine: Scheduler,
        folder: Path,
        make_own: Callable[[], OwnEngine],
        command: Callable[[BuiltIn], Sequence[str]] | None = None,
    ) -> None:
        """`folder`: where the own engine keeps what it has; it is not there before it is needed. `command` starts a
        built-in; by default this same program."""
        self._engine = engine
        self._folder = folder
        self._make_own = make_own
        self._command = command or own_command
        self._own: OwnEngine | None = None

    @property
    def name(self) -> str:
        """The configured engine's."""
        return self._engine.name

    @property
    def configured(self) -> Scheduler:
        """The engine that the settings name."""
        return self._engine

    async def open(self) -> None:
        """See `base.Scheduler.open`."""
        await self._engine.open()

    async def close(self) -> None:
        """See `base.Scheduler.close`."""
        try:
            if self._own is not None:
                await self._own.close()
        finally:
            await self._engine.close()

    def share(self, source: str, target: str) -> str | None:
        """See `base.Scheduler.share`: for containers of the configured engine."""
        return self._engine.share(source, target)

    def share_for(self, image: str, source: str, target: str) -> str | None:
        """The same for a container of that image: built-ins see this machine's files as they are."""
        return source if image.startswith(SCHEME) else self._engine.share(source, target)

    async def check(self) -> EngineInfo:
        """See `base.Scheduler.check`: of the configured engine."""
        return await self._engine.check()

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        """See `base.Scheduler.start`. Raises ValueError for a marked name whose image is no built-in."""
        if spec.image.startswith(SCHEME):
            program = self._command(_known(spec.image))
            own = msgspec.structs.replace(spec, entrypoint=program, environment={**_kept(), **spec.environment})
            return await self._needed().start(own, on_pull, place)
        if spec.name.startswith(MARK):
            raise ValueError(f"{spec.name}: that name is for built-ins, and {spec.image} is none")
        return await self._engine.start(spec, on_pull, place)

    async def inspect(self, name: str) -> Container | None:
        """See `base.Scheduler.inspect`."""
        return await self._of(name).inspect(name)

    async def wait(self, name: str) -> Exit | None:
        """See `base.Scheduler.wait`."""
        return await self._of(name).wait(name)

    def logs(self, name: str, since: Position = Position()) -> AsyncIterator[Chunk]:  # noqa: B008
        """See `base.Scheduler.logs`."""
        return self._of(name).logs(name, since)

    async def stop(self, name: str, grace: float) -> None:
        """See `base.Scheduler.stop`."""
        await self._of(name).stop(name, grace)

    def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        """See `base.Scheduler.collect`."""
        return self._of(name).collect(name, path)

    async def remove(self, name: str) -> None:
        """See `base.Scheduler.remove`."""
        await self._of(name).remove(name)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """See `base.Scheduler.list`: those of both. Raises EngineUnavailable when one of them is away."""
        own = self._there()
        found = await own.list(labels) if own is not None else ()
        return [*found, *await self._engine.list(labels)]

    async def list_built_ins(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """As `list`, the built-ins alone: asks nothing of the configured engine."""
        own = self._there()
        return await own.list(labels) if own is not None else ()

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> Session:
        """See `base.Scheduler.exec`."""
        return await self._of(name).exec(name, command, terminal=terminal, columns=columns, rows=rows)

    def _of(self, name: str) -> Scheduler:
        """Who has the container, or would have it."""
        if name.startswith(MARK):
            return self._needed()
        own = self._there()
        return own if own is not None and own.has(name) else self._engine

    def _there(self) -> OwnEngine | None:
        """The own engine, if it was ever needed."""
        return self._needed() if self._own is not None or self._folder.is_dir() else None

    def _needed(self) -> OwnEngine:
        if self._own is None:
            self._own = self._make_own()
        return self._own


def own_command(wanted: BuiltIn) -> Sequence[str]:
    """What starts a built-in.

    The one-file program is started anew as a whole, with files unpacked for it alone: it outlives this server, whose
    files vanish with it.
    """
    words = ["builtin", wanted.kind, wanted.name]
    # -P: the folder that it is started in is no place to import from.
    return [sys.executable, *words] if is_frozen() else [sys.executable, "-P", "-m", "gofer", *words]


def _known(image: str) -> BuiltIn:
    wanted = built_in_of(image)
    if wanted is None or wanted.name not in BUILT_INS[wanted.kind]:
        there = ", ".join(BuiltIn(kind, name).image for kind, names in BUILT_INS.items() for name in names)
        raise StartFailed(
            f"there is no built-in {image}", f"This version of Gofer has: {there}.", reason=Reason.IMAGE_NOT_FOUND
        )
    return wanted


def _kept() -> Mapping[str, str]:
    """What a built-in has of the server's own environment: where temporary files go, and the one-file program unpacks
    itself."""
    return {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
