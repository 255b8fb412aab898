"""Reads the configuration anew while the server runs, and lets hold what can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from gofer.config.certificate import Certificate
from gofer.config.live import Live
from gofer.config.load import Configuration
from gofer.config.rules import certificate_doubts, faults
from gofer.config.settings import Settings
from gofer.errors import ConfigError, GoferError, InvalidInput, Problem, Unavailable
from gofer.models.event import Kind
from gofer.models.system import Reloaded
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.store.database import Database
from gofer.server.tls import Tls, served_certificate


class Reloader:
    """One reload at a time. `tls` is None where the server speaks plain http.

    `on_begin` and `on_end` are called around each, whatever comes of it. `prepare` may still refuse the settings that
    were read, with a ConfigError or Unavailable; once it has returned they hold.
    """

    def __init__(self, live: Live, database: Database, clock: Clock, tls: Tls | None) -> None:
        self._live = live
        self._database = database
        self._clock = clock
        self._tls = tls
        self.on_begin: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None
        self.prepare: Callable[[Settings], Awaitable[None]] = _nothing
        self._one = asyncio.Lock()
        self._wanted = asyncio.Event()

    def request(self) -> None:
        """Reload soon; what came of it is in the log. Safe to call from a signal's handler of the event loop."""
        self._wanted.set()

    async def run(self) -> None:
        """Do what was requested, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.reload()
            except GoferError:
                continue  # The log has it.

    async def reload(self) -> Reloaded:
        """Reload now. Raises InvalidInput, with every problem, when nothing was changed."""
        async with self._one:
            self.on_begin()
            try:
                found = await asyncio.to_thread(_read, self._live.reread, tls=self._tls is not None)
                if found.problems:
                    raise await self._refused(found.problems)
                try:
                    await self.prepare(found.configuration.settings)
                except ConfigError as error:
                    place, _, message = error.message.partition(": ")
                    problem = Problem(place=place, message=message, hint=error.hint)
                    raise await self._refused([problem]) from error
                return await self._adopt(found)
            finally:
                self.on_end()

    async def _refused(self, problems: list[Problem]) -> InvalidInput:
        for problem in problems:
            get_logger("gofer").error(
                "not reloaded", place=problem.place, problem=problem.message, hint=problem.hint or None
            )
        told = [f"{problem.place}: {problem.message}" for problem in problems]
        await self._record(Kind.SERVER_MISCONFIGURED, {"problems": told})
        return InvalidInput(
            "The configuration has faults; nothing was changed.", "Mend them, then reload again.", problems
        )

    async def _adopt(self, found: _Found) -> Reloaded:
        # Nothing here fails or waits: the settings change all at once.
        change = self._live.compare(found.configuration)
        self._live.adopt(change)
        # Whether the certificate is dev mode's own is decided when the server starts.
        same_kind = "server.dev_certificate" not in change.restart
        renewed = (
            self._tls is not None and found.certificate is not None and same_kind and self._tls.use(found.certificate)
        )
        reloaded = Reloaded(applied=list(change.applied), restart=list(change.restart), certificate_renewed=renewed)
        log = get_logger("gofer")
        log.info("reloaded", applied=" ".join(change.applied) or "nothing", certificate_renewed=renewed)
        if change.restart:
            log.warning("some settings change with a restart only", settings=" ".join(change.restart))
        for doubt in certificate_doubts(found.configuration, found.certificate, time.time()):
            log.warning(doubt.message, place=doubt.place, hint=doubt.hint)
        await self._record(Kind.SERVER_RELOADED, msgspec.to_builtins(reloaded))
        return reloaded

    async def _record(self, kind: Kind, data: dict[str, Any]) -> None:
        """Keys, places and what is wrong there: an event never holds the value of a secret."""
        at = self._clock.now()
        try:
            await self._database.write(lambda tx: tx.emit(kind, at, data=data))
        except Unavailable as error:
            get_logger("gofer").warning("the event of a reload is lost", kind=kind, error=error.message)


async def _nothing(_: Settings) -> None:
    """Nothing refuses."""


class _Found(NamedTuple):
    configuration: Configuration
    problems: list[Problem]
    certificate: Certificate | None


def _read(reread: Callable[[], Configuration], *, tls: bool) -> _Found:
    """The configuration as it is now, with everything that is wrong with it; `tls`: and the certificate."""
    configuration = reread()
    problems = [*configuration.problems, *faults(configuration)]
    certificate = None
    if tls and not problems:
        try:
            certificate = served_certificate(configuration.settings)
        except ConfigError as error:  # replaced since it was looked at
            place = configuration.place("server.tls_cert_path")
            problems.append(Problem(place=place, message=error.message, hint=error.hint))
    return _Found(configuration, problems, certificate)
