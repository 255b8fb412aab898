"""A whole server for one run, in this process, and nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gofer.cli.compile import Manifest
from gofer.cli.follow.follower import Follower
from gofer.cli.follow.outcome import exit_code_of_run
from gofer.cli.follow.session import FollowOptions, show
from gofer.cli.follow.view import SilentView
from gofer.cli.interrupts import exit_code_of_signal, handling_signals, in_thread
from gofer.cli.output import Output
from gofer.client import paths
from gofer.client.address import Server, parse_address
from gofer.client.answers import decode
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
    settings = load(None, os.environ, overrides)
    # Nobody but this process calls it.
    plain = msgspec.structs.replace(settings.server, tls_cert_path=None, tls_key_path=None, dev_certificate=False)
    # Nothing but this command starts a run of it, and no trigger is to outlive it.
    triggers = msgspec.structs.replace(settings.triggers, install_base_triggers=False)
    external = msgspec.structs.replace(settings.external_events_api, enable=False)
    return msgspec.structs.replace(settings, server=plain, triggers=triggers, external_events_api=external)


class _Local:
    """One local run."""

    def __init__(self, output: Output, wanted: LocalRun, settings: Settings) -> None:
        self._output = output
        self._wanted = wanted
        self._settings = settings
        self._signals: list[int] = []
        self._starting = False
        self._started: tuple[Server, Run] | None = None
        self._cancelling: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """The exit code."""
        whole = asyncio.ensure_future(self._run())
        with handling_signals(lambda number: self._interrupt(number, whole)):
            try:
                board = await whole
            except asyncio.CancelledError:
                if not self._signals:
                    raise
                return exit_code_of_signal(self._signals[0])
            except BaseExceptionGroup as errors:
                raise _first(errors) from None
        return exit_code_of_signal(self._signals[0]) if self._signals else exit_code_of_run(board.run)

    def _interrupt(self, number: int, whole: asyncio.Future[Board]) -> None:
        """A signal cancels the run, or the start of it; one who asks again and again is let go."""
        self._signals.append(number)
        if len(self._signals) >= _PATIENCE:
            os._exit(exit_code_of_signal(number))
        if self._started is not None:
            self._cancel(*self._started)
        elif not self._starting:
            whole.cancel()

    def _cancel(self, server: Server, run: Run) -> None:
        if self._cancelling is None:
            print(f"\nCancelling the run; its tasks have {_STOP_TIMEOUT} to stop.", file=sys.stderr)
            self._cancelling = asyncio.create_task(_cancel(server, run), name="cancel")

    async def _run(self) -> Board:
        from gofer.config.live import Live
        from gofer.server.app import running

        async with running(Live.fixed(self._settings), for_one_run=True) as server:
            client = Client(Server(parse_address(server.address)))
            try:
                _say_engine(self._output, server.services.engine_watch.info)
                return await self._follow(client)
            finally:
                client.close()

    def _untold(self, manifest: Manifest) -> Manifest:
        """Nobody is told of a local run, and the common tasks for that are installed on servers."""
        changed = without_notifiers(manifest)
        if changed is not manifest:
            self._output.note("Its notifiers are left out: nobody is told of a local run.")
        return changed

    async def _follow(self, client: Client) -> Board:
        manifest, body = self._untold(self._wanted.manifest), StartRun(parameters=self._wanted.parameters)
        answer = await in_thread(
            lambda: client.send_bytes(paths.pipelines(NAMESPACE), manifest.body, manifest.content_type)
        )
        registered = decode(answer, Registered, client.address)
        for warning in registered.warnings:
            self._output.warn(warning)
        path = paths.runs(NAMESPACE, registered.pipeline.id)
        self._starting = True
        run = await in_thread(lambda: client.send("POST", path, Run, body))
        self._started = client.server, run
        if self._signals:
            self._cancel(client.server, run)
        try:
            board = await show(client, run, self._output, FollowOptions(logs=self._wanted.logs))
        except Exception:
            # Its output is wanted no more (`| head`): nor is the run, and it must not outlive its server.
            await _cancel(client.server, run)
            await Follower(client, run, SilentView(), logs=False, reconnect_timeout=0).follow()
            raise
        if self._cancelling is not None:
            await self._cancelling
        return board


def without_notifiers(manifest: Manifest) -> Manifest:
    """The same, if it has none or cannot be read: then the server says what is wrong with it."""
    packed = manifest.content_type.endswith("msgpack")
    decode_any, encode = (
        (msgspec.msgpack.decode, msgspec.msgpack.encode) if packed else (msgspec.json.decode, msgspec.json.encode)
    )
    try:
        read = decode_any(manifest.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return manifest
    if not isinstance(read, dict) or not read.pop("notifiers", None):
        return manifest
    return manifest._replace(body=encode(read))


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
