"""Opening the engines that the settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from gofer.config.encryption_keys import encryption_keys
from gofer.config.settings import Settings
from gofer.engines.object_store.base import ObjectStore
from gofer.engines.registry import object_store, scheduler, secret_store
from gofer.engines.scheduler.base import Scheduler
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError, EngineUnavailable
from gofer.server.built_ins import BuiltIns, OwnEngine


async def open_secrets(settings: Settings, stack: AsyncExitStack, reached: Callable[[str], None]) -> SecretStore:
    keys = encryption_keys(settings, os.environ)
    chosen = settings.secret_store
    store = secret_store(chosen.engine, chosen, settings.server.storage_path, keys, reached)
    await store.open()
    stack.push_async_callback(store.close)
    return store


async def open_objects(settings: Settings, stack: AsyncExitStack) -> ObjectStore:
    chosen = settings.object_store
    store = object_store(chosen.engine, chosen, settings.server.storage_path)
    await store.open()
    stack.push_async_callback(store.close)
    return store


async def open_scheduler(settings: Settings, stack: AsyncExitStack) -> BuiltIns:
    """The engine that the settings name, and beside it what runs the built-ins."""
    folder = settings.server.storage_path / "built-ins"
    engine = BuiltIns(await _configured(settings), folder, partial(_own, folder))
    stack.push_async_callback(engine.close)
    return engine


def _own(folder: Path) -> OwnEngine:
    # Loaded when the first built-in is wanted.
    from gofer.engines.scheduler.process import ProcessScheduler

    return ProcessScheduler(folder)


async def _configured(settings: Settings) -> Scheduler:
    """Opened; `auto` takes Docker if it answers, else plain processes."""
    wanted = settings.scheduler.engine
    if wanted == "auto":
        docker = scheduler("docker", settings.scheduler, settings.server.storage_path)
        await docker.open()
        try:
            await docker.check()
        except EngineUnavailable:
            await docker.close()
            wanted = "process"
        else:
            return docker
    if wanted == "process":
        _check_process_engine(settings)
    engine = scheduler(wanted, settings.scheduler, settings.server.storage_path)
    await engine.open()
    return engine


def _check_process_engine(settings: Settings) -> None:
    if not settings.dev_mode and not settings.allow_process_engine:
        raise ConfigError(
            "no container engine answers, and plain processes isolate nothing: outside dev mode that is refused",
            "Start Docker, or set allow_process_engine = true if every pipeline of this server is trusted.",
        )
