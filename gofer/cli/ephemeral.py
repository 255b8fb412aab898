"""A whole server for one run, in this process, and nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gofer.cli.compile import Manifest
from gofer.cli.exit_codes import ExitCode
from gofer.cli.follow.outcome import exit_code_of_run
from gofer.cli.follow.session import FollowOptions, show
from gofer.cli.interrupts import in_thread
from gofer.cli.output import Output
from gofer.client import paths
from gofer.client.address import Server, parse_address
from gofer.client.http import Client
from gofer.models.pipeline import Registered
from gofer.models.run import Run, StartRun

if TYPE_CHECKING:
    from gofer.cli.follow.board import Board
    from gofer.config.settings import Settings
    from gofer.models.manifest import ParameterValue
    from gofer.models.system import EngineInfo

NAMESPACE = "default"

_STOP_TIMEOUT = "10s"
_PATIENCE = 3


class LocalRun(NamedTuple):
    """What to run. `engine` as in the setting `scheduler.engine`."""

    manifest: Manifest
    parameters: dict[str, ParameterValue]
    engine: str
    logs: bool


def run_locally(output: Output, wanted: LocalRun) -> int:
    """Run a pipeline once; returns the exit code of its outcome.

    The first Ctrl-C cancels the run, and its end is waited for. Raises GoferError for what a server would refuse.
    """
    import uvloop

    from gofer.server import own_log

    own_log.set_up("error")
    with tempfile.TemporaryDirectory(prefix="gofer-local-") as folder:
        work = _Local(output, wanted, _settings(Path(folder), wanted.engine))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work.run())


def _settings(folder: Path, engine: str) -> Settings:
    """The server's own, but for what must not touch anything that stays or that others use."""
    from gofer.config.load import load

    overrides = {
        "server.host": "127.0.0.1:0",
        "server.storage_path": str(folder),
        "task_run_logs_dir": str(folder / "logs"),
        "task_run_stop_timeout": _STOP_TIMEOUT,
        "scheduler.engine": engine,
        "dev_mode": "true",
    }
    return load(None, os.environ, overrides)


class _Local:
    """One local run."""

    def __init__(self, output: Output, wanted: LocalRun, settings: Settings) -> None:
        self._output = output
        self._wanted = wanted
        self._settings = settings
        self._signals: list[int] = []
        self._cancelling: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """The exit code."""
        from gofer.server.app import running

        try:
            async with running(self._settings) as server:
                client = Client(Server(parse_address(server.address)))
                try:
                    _say_engine(self._output, server.services.engine_watch.info)
                    board = await self._follow(client)
                finally:
                    client.close()
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        if self._signals:
            return ExitCode.INTERRUPTED if self._signals[0] == signal.SIGINT else ExitCode.TERMINATED
        return exit_code_of_run(board.run)

    async def _follow(self, client: Client) -> Board:
        manifest, body = self._wanted.manifest, StartRun(parameters=self._wanted.parameters)
        answer = await in_thread(
            lambda: client.send_bytes(paths.pipelines(NAMESPACE), manifest.body, manifest.content_type)
        )
        registered = msgspec.json.decode(answer, type=Registered)
        for warning in registered.warnings:
            self._output.warn(warning)
        path = paths.runs(NAMESPACE, registered.pipeline.id)
        run = await in_thread(lambda: client.send("POST", path, Run, body))
        with self._interrupts(client, run):
            board = await show(client, run, self._output, FollowOptions(logs=self._wanted.logs))
        if self._cancelling is not None:
            await self._cancelling
        return board

    @contextmanager
    def _interrupts(self, client: Client, run: Run) -> Iterator[None]:
        """Signals cancel the run; one who asks again and again is let go."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

        def interrupt(number: int) -> None:
            self._signals.append(number)
            if len(self._signals) >= _PATIENCE:
                os._exit(ExitCode.INTERRUPTED)
            if self._cancelling is None:
                print(f"\nCancelling the run; its tasks have {_STOP_TIMEOUT} to stop.", file=sys.stderr)
                self._cancelling = asyncio.create_task(_cancel(client.server, run), name="cancel")

        for number in numbers:
            loop.add_signal_handler(number, interrupt, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def _cancel(server: Server, run: Run) -> None:
    path = f"{paths.run(run.namespace, run.pipeline, run.id)}/cancel"
    client = Client(server)
    try:
        await in_thread(lambda: client.send("POST", path, Run))
    finally:
        client.close()


def _say_engine(output: Output, engine: EngineInfo) -> None:
    if not engine.isolates:
        output.note(f"The {engine.name} engine isolates nothing: tasks run as your own user.")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
