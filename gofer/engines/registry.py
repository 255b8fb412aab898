"""Which engines there are: a literal table, with the imports inside, so that only what is used is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from gofer.engines.object_store.base import ObjectStore
from gofer.engines.scheduler.base import Scheduler
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError
from gofer.models.encryption_keys import EncryptionKeys


class DockerSettings(Protocol):
    """See `scheduler.docker` in the server's configuration."""

    @property
    def host(self) -> str: ...
    @property
    def start_concurrency(self) -> int: ...
    @property
    def log_driver(self) -> str: ...
    @property
    def init(self) -> bool: ...


class SchedulerSettings(Protocol):
    """See `scheduler` in the server's configuration; engines do not know that part of Gofer."""

    @property
    def docker(self) -> DockerSettings: ...


def _docker(settings: SchedulerSettings, folder: Path) -> Scheduler:
    from gofer.engines.scheduler.docker import DockerScheduler
    from gofer.engines.scheduler.docker_spec import DockerOptions

    docker = settings.docker
    return DockerScheduler(
        DockerOptions(
            host=docker.host,
            start_concurrency=docker.start_concurrency,
            log_driver=docker.log_driver,
            init=docker.init,
        )
    )


def _process(settings: SchedulerSettings, folder: Path) -> Scheduler:
    from gofer.engines.scheduler.process import ProcessScheduler

    return ProcessScheduler(folder / "process")


def _fake(settings: SchedulerSettings, folder: Path) -> Scheduler:
    from gofer.engines.scheduler.fake import FakeScheduler

    return FakeScheduler()


SCHEDULERS: Final[Mapping[str, Callable[[SchedulerSettings, Path], Scheduler]]] = {
    "docker": _docker,
    "process": _process,
    "fake": _fake,
}


def scheduler(name: str, settings: SchedulerSettings, folder: Path) -> Scheduler:
    """The engine of that name, not opened yet; what it keeps of its own goes into `folder`. Raises ConfigError."""
    try:
        make = SCHEDULERS[name]
    except KeyError:
        raise ConfigError(
            f'there is no scheduler engine "{name}"', f"Set scheduler.engine to one of: {', '.join(SCHEDULERS)}."
        ) from None
    return make(settings, folder)


class PlaceSettings(Protocol):
    """Where an engine keeps its data; None: at its place in the storage folder."""

    @property
    def path(self) -> Path | None: ...


class ObjectStoreSettings(Protocol):
    """See `object_store` in the server's configuration."""

    @property
    def sqlite(self) -> PlaceSettings: ...
    @property
    def filesystem(self) -> PlaceSettings: ...


def _sqlite_objects(settings: ObjectStoreSettings, storage: Path) -> ObjectStore:
    from gofer.engines.object_store.sqlite import SqliteObjectStore

    return SqliteObjectStore(settings.sqlite.path or storage / "objects.db")


def _filesystem_objects(settings: ObjectStoreSettings, storage: Path) -> ObjectStore:
    from gofer.engines.object_store.filesystem import FilesystemObjectStore

    return FilesystemObjectStore(settings.filesystem.path or storage / "objects")


OBJECT_STORES: Final[Mapping[str, Callable[[ObjectStoreSettings, Path], ObjectStore]]] = {
    "sqlite": _sqlite_objects,
    "filesystem": _filesystem_objects,
}


def object_store(name: str, settings: ObjectStoreSettings, storage_path: Path) -> ObjectStore:
    """The engine of that name, not opened yet; `storage_path`: the server's storage folder. Raises ConfigError."""
    try:
        make = OBJECT_STORES[name]
    except KeyError:
        raise ConfigError(
            f'there is no object store engine "{name}"',
            f"Set object_store.engine to one of: {', '.join(OBJECT_STORES)}.",
        ) from None
    return make(settings, storage_path)


class SqliteSecretStoreSettings(Protocol):
    """See `secret_store.sqlite` in the server's configuration."""

    @property
    def path(self) -> Path | None: ...


class SecretStoreSettings(Protocol):
    """See `secret_store` in the server's configuration."""

    @property
    def sqlite(self) -> SqliteSecretStoreSettings: ...


Reached = Callable[[str], None]
"""Called with the name of each point at which a crash is tested."""


def _sqlite_secrets(settings: SecretStoreSettings, folder: Path, keys: EncryptionKeys, reached: Reached) -> SecretStore:
    from gofer.engines.secret_store.sqlite import SqliteSecretStore

    return SqliteSecretStore(settings.sqlite.path or folder / "secrets.db", keys, reached=reached)


SECRET_STORES: Final[Mapping[str, Callable[[SecretStoreSettings, Path, EncryptionKeys, Reached], SecretStore]]] = {
    "sqlite": _sqlite_secrets,
}


def secret_store(
    name: str, settings: SecretStoreSettings, folder: Path, keys: EncryptionKeys, reached: Reached = lambda _: None
) -> SecretStore:
    """The secret store of that name, not opened yet; what it keeps goes into `folder`, unless its settings say
    otherwise. Raises ConfigError."""
    try:
        make = SECRET_STORES[name]
    except KeyError:
        raise ConfigError(
            f'there is no secret store "{name}"', f"Set secret_store.engine to one of: {', '.join(SECRET_STORES)}."
        ) from None
    return make(settings, folder, keys, reached)
