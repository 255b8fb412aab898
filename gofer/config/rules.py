"""What must hold of the settings together and of what they name, and what is allowed but doubtful."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from gofer.config.address import parse_address, parse_names, parse_networks
from gofer.config.certificate import Certificate
from gofer.config.encryption_keys import KEY, PREVIOUS, encryption_keys
from gofer.config.load import Configuration
from gofer.config.reach import EXTERNAL_HOST, check_reach, external_address, reach_doubts, reaches_beyond
from gofer.config.settings import MINUTE
from gofer.config.tls_files import configured_certificate
from gofer.errors import ConfigError, Problem

_FLEETING = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108  # named to warn of them
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock")
_WHOLE_HOST = ("/", "/etc", "/root", "/home", "/var", "/var/lib", "/proc", "/sys", "/dev", "/run", "/var/run")


def faults(configuration: Configuration) -> list[Problem]:
    """What would stop the start, beyond `configuration.problems`."""
    found = []
    try:
        check_reach(parse_address(configuration.settings.server.host).ip, configuration.settings)
    except ConfigError as error:
        found.append(_fault(configuration, "server.host", error))
    try:
        if (external := external_address(configuration.settings)) is not None:
            check_reach(external.ip, configuration.settings, EXTERNAL_HOST)
    except ConfigError as error:
        found.append(_fault(configuration, EXTERNAL_HOST, error))
    try:
        parse_networks(configuration.settings.server.trusted_proxies)
    except ConfigError as error:
        found.append(_fault(configuration, "server.trusted_proxies", error))
    try:
        parse_names(configuration.settings.server.allowed_hosts)
    except ConfigError as error:
        found.append(_fault(configuration, "server.allowed_hosts", error))
    try:
        configured_certificate(configuration.settings)
    except ConfigError as error:
        found.append(_fault(configuration, error.message.partition(" ")[0].rstrip(":"), error))
    try:
        encryption_keys(configuration.settings, os.environ)
    except ConfigError as error:
        found.append(_key_fault(configuration, error))
    return found


def doubts(configuration: Configuration, now: float) -> list[Problem]:
    """What is allowed, and seldom meant. `now`: seconds since the Unix epoch."""
    return [
        _doubt(configuration, key, message, hint)
        for part in (_of_mode, _of_reach, _of_folders, _of_permissions, _of_engine, _of_times)
        for key, message, hint in part(configuration)
    ] + _of_certificate(configuration, now)


def certificate_doubts(configuration: Configuration, certificate: Certificate | None, now: float) -> list[Problem]:
    """What clients may refuse of the certificate that is served. `now` as for `doubts`."""
    if certificate is None:
        return []
    address = parse_address(configuration.settings.server.host)
    # Beyond loopback an address says nothing about the name under which others call the server.
    host = "" if reaches_beyond(address.ip) else address.host
    # Not `gofer service reload`: the command line does not trust a certificate that has expired.
    hint = "Have a new one made, then `systemctl reload gofer`, or start Gofer again: no job ends by that."
    return [_doubt(configuration, "server.tls_cert_path", one, hint) for one in certificate.doubts(host, now)]


_Doubts = Iterator[tuple[str, str, str]]


def _fault(configuration: Configuration, key: str, error: ConfigError) -> Problem:
    return Problem(place=configuration.place(key), message=error.message, hint=error.hint)


def _key_fault(configuration: Configuration, error: ConfigError) -> Problem:
    """At the setting that the message begins with, or at the credential's file."""
    place, _, message = error.message.partition(": ")
    if place in (KEY, PREVIOUS):
        return Problem(place=configuration.place(place), message=f"{place}: {message}", hint=error.hint)
    return Problem(place=place, message=message or error.message, hint=error.hint)


def _doubt(configuration: Configuration, key: str, message: str, hint: str) -> Problem:
    place = configuration.place(key)
    return Problem(place=place, message=message if place == key else f"{key}: {message}", hint=hint)


def _of_mode(configuration: Configuration) -> _Doubts:
    settings = configuration.settings
    if settings.dev_mode and os.geteuid() == 0:
        message = "development mode as root: without Docker, tasks would run as root on this machine"
        yield "dev_mode", message, "Set dev_mode = false."
    if settings.allow_process_engine and not settings.dev_mode:
        message = "tasks may run as plain processes, which isolate nothing: they may read Gofer's own data"
        yield "allow_process_engine", message, "Set it only if every pipeline of this server is trusted."


def _of_reach(configuration: Configuration) -> _Doubts:
    return reach_doubts(configuration.settings)


def _of_folders(configuration: Configuration) -> _Doubts:
    settings = configuration.settings
    for key, folder in (
        ("server.storage_path", settings.server.storage_path),
        ("task_run_logs_dir", settings.task_run_logs_dir),
    ):
        if any(folder.is_relative_to(fleeting) for fleeting in _FLEETING):
            yield key, f"{folder} does not outlive a boot or a clean-up", "Choose a folder that stays: /var/lib/gofer."
        there = next(one for one in (folder, *folder.parents) if os.path.exists(one))
        if not os.path.isdir(there):
            yield key, f"{there} is no folder", "Choose a folder, or move that file away."
        elif not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            what = "this user may not write to it" if there == folder else f"this user may not make it in {there}"
            yield key, f"{folder}: {what}", "Run this as the user that Gofer runs as, or mend the folder's owner."


def _of_permissions(configuration: Configuration) -> _Doubts:
    settings = configuration.settings
    if settings.allow_privileged:
        message = "a privileged container is root on its host"
        yield "allow_privileged", message, "Set it only if every pipeline of this server is trusted."
    for folder in settings.allowed_mounts:
        if not folder.startswith("/"):
            hint = "Write the folder's whole path."
            yield "allowed_mounts", f'"{folder}" is not an absolute path, so that it allows nothing', hint
        elif str(Path(folder)) in _WHOLE_HOST or folder.endswith(_SOCKETS):
            message = f"who may mount {folder} may do everything on the engine's host"
            yield "allowed_mounts", message, "Name only the folders that tasks need."
    if "host" in settings.allowed_networks:
        message = 'tasks in the network "host" reach everything that listens on this machine, Gofer included'
        yield "allowed_networks", message, "Name a network of the engine's own."
    key = settings.server.tls_key_path
    if key is not None and os.path.exists(key) and key.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        yield "server.tls_key_path", f"others may read or change {key}", f"chmod 640 {quote(str(key))}"


def _of_engine(configuration: Configuration) -> _Doubts:
    scheduler = configuration.settings.scheduler
    if scheduler.engine == "fake":
        yield "scheduler.engine", "the fake engine runs nothing: it is for tests", 'Choose "docker" or "auto".'
    if scheduler.engine in ("process", "fake"):
        for key in configuration.sources:
            if key.startswith("scheduler.docker."):
                yield key, f"has no effect with the {scheduler.engine} engine", "Remove it, or choose another engine."
    if "scheduler.docker.prune_interval" in configuration.sources and not scheduler.docker.prune:
        yield "scheduler.docker.prune_interval", "has no effect while scheduler.docker.prune is false", "Set both."


def _of_times(configuration: Configuration) -> _Doubts:
    settings = configuration.settings
    if settings.event_prune_interval > settings.event_log_retention:
        message = "events are kept for much longer than event_log_retention says, as they are looked at so seldom"
        yield "event_prune_interval", message, "Make it shorter than event_log_retention."
    if settings.event_prune_interval < MINUTE:
        yield "event_prune_interval", "events are looked through all the time", "An hour or more is enough."


def _of_certificate(configuration: Configuration, now: float) -> list[Problem]:
    try:
        return certificate_doubts(configuration, configured_certificate(configuration.settings), now)
    except ConfigError:  # `faults` says it
        return []
