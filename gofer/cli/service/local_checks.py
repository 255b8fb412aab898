"""What can be found out about this machine while no server answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gofer.checkup import folder as checkup
from gofer.checkup import machine
from gofer.checkup.database import file_check
from gofer.client.connection import UnixConnection
from gofer.client.plain_http import HTTPConnection, HTTPException
from gofer.errors import ClientError, ConfigError
from gofer.models.system import Check

if TYPE_CHECKING:
    from gofer.config.settings import Settings

_TIMEOUT = 3.0
_DOCKER_SOCKET = "/var/run/docker.sock"


def local_checks(
    unreachable: ClientError, environ: Mapping[str, str], config: str | None, *, deep: bool = False
) -> list[Check]:
    """All findings. `unreachable`: why the server does not answer; `config`: the configuration file that is named."""
    from gofer.checkup.certificate import certificate
    from gofer.checkup.network import network
    from gofer.config.load import read

    checks = [_check("server", "warning", unreachable.message, unreachable.hint)]
    try:
        configuration = read(Path(config) if config else None, environ, {})
        configuration.check()
    except ConfigError as error:
        return [*checks, _check("configuration", "error", error.message, error.hint)]
    checks.append(_check("configuration", "ok", "The settings are sound."))
    settings = configuration.settings
    wanted = machine.files_wanted(settings.task_parallelism_limit)
    return [
        *checks,
        _address(settings),
        *_storage(settings, deep=deep),
        _engine(settings, environ),
        network(configuration),
        certificate(configuration),
        machine.open_files(wanted),
        machine.memory(),
    ]


def _check(name: str, level: str, message: str, hint: str = "") -> Check:
    return Check(name=name, level=level, message=message, hint=hint)


def _address(settings: Settings) -> Check:
    host, _, port = settings.server.host.rpartition(":")
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        with socket.create_server((name, int(port)), family=socket.AF_INET6 if ":" in name else socket.AF_INET):
            return _check("address", "ok", f"{settings.server.host} is free.")
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _check(
            "address",
            "error",
            f"Gofer cannot listen on {settings.server.host}: {reason}.",
            "Stop what listens there, or choose another address: gofer service start --host localhost:8081.",
        )


def _storage(settings: Settings, *, deep: bool) -> list[Check]:
    folder = settings.server.storage_path
    there = folder
    while not os.path.exists(there) and there != there.parent:
        there = there.parent
    if not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        hint = "Make it writable for this user, or choose another folder: gofer service start --storage FOLDER."
        owner = f" It belongs to another user: {there.owner()}." if _is_foreign(there) else ""
        return [_check("storage", "error", f"Gofer cannot write to {folder}.{owner}", hint)]
    if there != folder:
        return [_check("storage", "ok", f"A new folder {folder} can be made."), checkup.disk([there])]
    logs = settings.task_run_logs_dir if os.path.isdir(settings.task_run_logs_dir) else folder
    return [
        _check("storage", "ok", f"The folder {folder} can be written."),
        checkup.disk([folder, logs]),
        checkup.permissions(folder, logs, os.geteuid()),
        file_check(folder / "gofer.db", deep=deep),
        file_check(settings.secret_store.sqlite.path or folder / "secrets.db", "secret store", deep=deep),
        *_object_store(settings, deep=deep),
        checkup.copies(folder),
    ]


def _object_store(settings: Settings, *, deep: bool) -> list[Check]:
    """A file can be looked at as a whole; what is in a folder only the server can compare with its database."""
    chosen = settings.object_store
    if chosen.engine != "sqlite":
        return []
    path = chosen.sqlite.path or settings.server.storage_path / "objects.db"
    return [file_check(path, "object store", deep=deep)]


def _is_foreign(path: Path) -> bool:
    try:
        return path.stat().st_uid != os.geteuid() and bool(path.owner())
    except (OSError, KeyError):
        return False


def _engine(settings: Settings, environ: Mapping[str, str]) -> Check:
    wanted = settings.scheduler.engine
    if wanted in ("process", "fake"):
        message = f"The {wanted} engine needs nothing, and isolates nothing."
        return _check("engine", "warning", message, "Use it for pipelines that you trust.")
    address = settings.scheduler.docker.host or environ.get("DOCKER_HOST") or f"unix://{_DOCKER_SOCKET}"
    try:
        version = _docker_version(address)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error)
        level = "error" if wanted == "docker" or not settings.dev_mode else "warning"
        hint = "Start it: systemctl start docker."
        if isinstance(error, PermissionError):
            hint = "Allow this user to use it: usermod -aG docker USER, then log in again."
        elif isinstance(error, FileNotFoundError):
            hint = "Install Docker, or start it: systemctl start docker."
        if level == "warning":
            hint += " Without it tasks run as plain processes."
        return _check("engine", level, f"The Docker Engine at {address} does not answer: {reason}.", hint)
    return _check("engine", "ok", f"Docker {version} answers at {address}.")


def _docker_version(address: str) -> str:
    """What the engine's ping says of its API. Raises ValueError for an address that is not understood."""
    scheme, _, rest = address.partition("://")
    connection: HTTPConnection
    if scheme == "unix" and rest.startswith("/"):
        connection = UnixConnection(rest, _TIMEOUT)
    elif scheme in ("tcp", "http"):
        connection = HTTPConnection(rest.rstrip("/"), timeout=_TIMEOUT)
    else:
        raise ValueError("only unix:// and tcp:// addresses can be checked from here")
    try:
        connection.request("GET", "/_ping")
        response = connection.getresponse()
        return f"(API {response.headers.get('Api-Version', 'of unknown version')})"
    finally:
        connection.close()
