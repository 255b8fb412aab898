"""Every setting of the server. The fields are the one table of them: name, type, default and help stand here only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gofer.config.default_folders import default_logs_path, default_storage_path
from gofer.config.table import Doc
from gofer.models.page import MAX_LIMIT

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
MIB = 1024 * 1024


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: Annotated[
        str,
        Doc(
            "Address and port to listen on: `localhost`, an IP address, or `0.0.0.0` or `[::]` for all addresses of "
            "the machine. In dev mode loopback only; beyond that a certificate is needed, or `server.allow_plain_http`."
        ),
    ] = "localhost:8080"
    allow_plain_http: Annotated[
        bool,
        Doc(
            "Listen on others than loopback addresses without TLS. Only behind a proxy that speaks https, on a network "
            "that you trust."
        ),
    ] = False
    advertise_url: Annotated[
        str,
        Doc(
            "Where others reach this server, as in `https://gofer.example.org`: what links in answers to webhooks and "
            "in notifications begin with, and where triggers on another machine dial in. Empty: `server.host`."
        ),
    ] = ""
    allowed_hosts: Annotated[
        list[str],
        Doc(
            "Names under which the server may be called, beside `localhost`, loopback addresses and what its "
            "certificate is for: a proxy's, or those of a forwarded port. `*.example.org` is any one name below that.",
            "list",
            reloadable=True,
        ),
    ] = []
    storage_path: Annotated[
        Path,
        Doc(
            "Folder of the database, logs and scratch files. "
            "Default: systemd's `StateDirectory`, else `$XDG_DATA_HOME/gofer`, else `~/.local/share/gofer`.",
            "path",
            example="/var/lib/gofer",
        ),
    ] = msgspec.field(default_factory=lambda: default_storage_path(os.environ))
    storage_results_limit: Annotated[
        int,
        Doc(
            "How many items one page of a list has at most, however many a request asks for.",
            minimum=1,
            maximum=MAX_LIMIT,
            reloadable=True,
        ),
    ] = 200
    tls_cert_path: Annotated[
        Path | None,
        Doc(
            "Certificate (PEM, with those between it and the authority). With it and `server.tls_key_path` the server "
            "speaks https, TLS 1.2 or newer. A reload reads it anew.",
            "path",
            reloadable=True,
            example="/etc/gofer/tls.crt",
        ),
    ] = None
    tls_key_path: Annotated[
        Path | None,
        Doc(
            "The certificate's private key (PEM, not encrypted).", "path", reloadable=True, example="/etc/gofer/tls.key"
        ),
    ] = None
    trusted_proxies: Annotated[
        list[str],
        Doc(
            "Addresses and networks of reverse proxies: from these, and nobody else, `X-Forwarded-For` and "
            "`X-Forwarded-Proto` are believed.",
            "list",
            reloadable=True,
        ),
    ] = []
    dev_certificate: Annotated[
        bool,
        Doc(
            "In dev mode speak https with a certificate for this machine, which is made at the first start in the "
            "folder `dev-tls` of `server.storage_path`."
        ),
    ] = False
    hsts_max_age: Annotated[
        int,
        Doc(
            "How long a browser that has called the server by https, by a name, is to call no port of that host "
            "otherwise. `0s`: it forgets that. Outside dev mode.",
            "duration",
            minimum=0,
            reloadable=True,
        ),
    ] = 365 * 24 * HOUR
    session_idle_timeout: Annotated[
        int,
        Doc(
            "How long a browser stays signed in without asking for anything. A stream that is open counts as asking.",
            "duration",
            minimum=5 * MINUTE,
            reloadable=True,
        ),
    ] = 12 * HOUR
    session_lifetime: Annotated[
        int,
        Doc(
            "How long a browser stays signed in at the most: then it has to show its token again.",
            "duration",
            minimum=5 * MINUTE,
            reloadable=True,
        ),
    ] = 168 * HOUR
    failed_auth_limit: Annotated[
        int,
        Doc(
            "How many requests a minute one address (IPv6: /64 network) may make with a token or cookie that is not "
            "good; more are answered 429. Good ones pass at any time. 0: any number.",
            minimum=0,
            reloadable=True,
        ),
    ] = 20
    shutdown_timeout: Annotated[
        int, Doc("How long open requests may take to end when the server stops.", "duration", minimum=0)
    ] = 15 * SECOND
    max_body_bytes: Annotated[int, Doc("Largest body of a request.", "size", minimum=1024, reloadable=True)] = 8 * MIB
    max_header_bytes: Annotated[
        int, Doc("Largest head of a request: its first line and all headers.", "size", minimum=1024, reloadable=True)
    ] = 32 * 1024
    max_frame_bytes: Annotated[
        int, Doc("Largest message that a websocket takes.", "size", minimum=1024, reloadable=True)
    ] = MIB
    request_timeout: Annotated[
        int,
        Doc(
            "How long a client may take for the head of a request, and again for its body unless that is an upload; "
            "and for a TLS handshake.",
            "duration",
            minimum=100,
            reloadable=True,
        ),
    ] = 30 * SECOND
    stall_timeout: Annotated[
        int,
        Doc(
            "How long an upload may bring nothing, or a client take nothing of what it is sent, before it is cut off.",
            "duration",
            minimum=100,
            reloadable=True,
        ),
    ] = 10 * MINUTE
    max_connections: Annotated[
        int,
        Doc(
            "How many connections may be open. With one more, the one is closed that has been without a whole request "
            "for longest; if all are busy, the new one gets a 503.",
            minimum=1,
            reloadable=True,
        ),
    ] = 4096
    max_connections_per_token: Annotated[
        int, Doc("How many requests a token may have under way at once.", minimum=1, reloadable=True)
    ] = 512
    max_subscriptions_per_token: Annotated[
        int, Doc("How many websockets a token may have open.", minimum=1, reloadable=True)
    ] = 500


class DockerSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: Annotated[
        str, Doc("Docker Engine, as in `unix:///var/run/docker.sock`. Empty: `DOCKER_HOST`, else that socket.")
    ] = ""
    start_concurrency: Annotated[int, Doc("How many containers are started at once.", minimum=1)] = 6
    log_driver: Annotated[str, Doc("The engine's log driver for Gofer's containers: `local` or `json-file`.")] = "local"
    init: Annotated[
        bool, Doc("Put a small init process before each command, so that signals reach it and zombies are reaped.")
    ] = True
    prune: Annotated[bool, Doc("Remove ended containers of Gofer that were left behind, now and then.")] = False
    prune_interval: Annotated[int, Doc("How often to do that.", "duration", minimum=MINUTE)] = 24 * HOUR


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `process` engine has no settings yet."""


class SchedulerSettings(msgspec.Struct, frozen=True, kw_only=True):
    engine: Annotated[
        Literal["auto", "docker", "process", "fake"],
        Doc("What runs containers. `auto`: Docker if it answers, else plain processes (dev mode only)."),
    ] = "auto"
    docker: DockerSettings = DockerSettings()
    process: ProcessSettings = ProcessSettings()


class SqliteObjectStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    path: Annotated[
        Path | None,
        Doc(
            "File of the `sqlite` object store. Default: `objects.db` in `server.storage_path`.",
            "path",
            example="/var/lib/gofer/objects.db",
        ),
    ] = None


class FilesystemObjectStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    path: Annotated[
        Path | None,
        Doc(
            "Folder of the `filesystem` object store. Default: `objects` in `server.storage_path`.",
            "path",
            example="/var/lib/gofer/objects",
        ),
    ] = None


class ObjectStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    engine: Annotated[Literal["sqlite", "filesystem"], Doc("What keeps the bytes of objects.")] = "sqlite"
    pipeline_object_limit: Annotated[
        int,
        Doc(
            "How many objects a pipeline keeps: with a new one over that, the oldest goes. 0: no limit.",
            minimum=0,
            reloadable=True,
        ),
    ] = 50
    run_object_expiry: Annotated[
        int,
        Doc("For how many further runs the objects of a run are kept. 0: for all.", minimum=0, reloadable=True),
    ] = 50
    max_object_bytes: Annotated[
        int, Doc("Largest object, and most that an archive may unpack to.", "size", minimum=1024, reloadable=True)
    ] = 10 * 1024 * MIB
    max_archive_files: Annotated[
        int, Doc("How many files and folders an archive may have.", minimum=1, reloadable=True)
    ] = 100_000
    sqlite: SqliteObjectStoreSettings = SqliteObjectStoreSettings()
    filesystem: FilesystemObjectStoreSettings = FilesystemObjectStoreSettings()


class SqliteSecretStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    path: Annotated[
        Path | None,
        Doc(
            "File of the `sqlite` secret store. Default: `secrets.db` in `server.storage_path`.",
            "path",
            example="/var/lib/gofer/secrets.db",
        ),
    ] = None
    encryption_key: Annotated[
        str,
        Doc(
            "What secrets are encrypted with: exactly 32 characters, or 32 bytes in base64. Empty: the systemd "
            "credential `gofer.encryption-key`; in dev mode, without that too, a sample key.",
            secret=True,
            reloadable=True,
        ),
    ] = ""
    previous_encryption_keys: Annotated[
        list[str],
        Doc(
            "Keys that secrets may still be encrypted with, until `gofer secret rotate-key` is through.",
            "list",
            secret=True,
            reloadable=True,
        ),
    ] = []


class SecretStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    engine: Annotated[Literal["sqlite"], Doc("What keeps the values of secrets.")] = "sqlite"
    sqlite: SqliteSecretStoreSettings = SqliteSecretStoreSettings()


class TriggersSettings(msgspec.Struct, frozen=True, kw_only=True):
    install_base_triggers: Annotated[bool, Doc("Install `interval` and `cron` at the first start.")] = True
    stop_timeout: Annotated[
        int,
        Doc("How long a trigger may take to stop before it is killed.", "duration", minimum=0, reloadable=True),
    ] = 30 * SECOND


class ExternalEventsSettings(msgspec.Struct, frozen=True, kw_only=True):
    enable: Annotated[
        bool,
        Doc("Listen for what other services tell triggers, such as GitHub's webhooks: `POST /events/TRIGGER`."),
    ] = False
    host: Annotated[
        str,
        Doc(
            "Address and port to listen on for that, and for nothing else; written as `server.host`, and with the "
            "server's certificate if it has one. The same rules hold beyond loopback."
        ),
    ] = "localhost:8081"
    max_body_bytes: Annotated[
        int, Doc("Largest body of an external event.", "size", minimum=1024, maximum=15 * MIB, reloadable=True)
    ] = 4 * MIB
    rate_limit: Annotated[
        int,
        Doc(
            "How many external events a second one trigger takes, over some seconds; more are answered 429. "
            "0: any number.",
            minimum=0,
            reloadable=True,
        ),
    ] = 1000
    address_rate_limit: Annotated[
        int,
        Doc(
            "How many of them may come from one address (IPv6: /64 network), over all triggers. 0: any number.",
            minimum=0,
            reloadable=True,
        ),
    ] = 500


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in milliseconds, sizes in bytes."""

    dev_mode: Annotated[bool, Doc("Conveniences for one person's machine. Set false for a server.")] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Doc("How much the server says of itself.", reloadable=True)
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Doc("How the server's own log is written: for people, or an object a line.")
    ] = "text"
    event_log_retention: Annotated[
        int, Doc("How long events are kept.", "duration", minimum=MINUTE, reloadable=True)
    ] = 4380 * HOUR
    event_prune_interval: Annotated[
        int, Doc("How often events that are too old are removed.", "duration", minimum=SECOND, reloadable=True)
    ] = 3 * HOUR
    expired_token_retention: Annotated[
        int, Doc("How long a token is still listed after its expiry.", "duration", minimum=0, reloadable=True)
    ] = 720 * HOUR
    ignore_pipeline_run_events: Annotated[
        bool,
        Doc(
            "Start no new runs: those that run go on to their end, queued ones wait. For maintenance.", reloadable=True
        ),
    ] = False
    run_parallelism_limit: Annotated[
        int, Doc("How many runs may be running at once in the whole server. 0: no limit.", minimum=0, reloadable=True)
    ] = 0
    task_parallelism_limit: Annotated[
        int,
        Doc(
            "How many task runs may be at the engine at once in the whole server. 0: no limit.",
            minimum=0,
            reloadable=True,
        ),
    ] = 100
    pipeline_version_retention: Annotated[
        int, Doc("How many versions a pipeline keeps, beside those in use. 0: all.", minimum=0, reloadable=True)
    ] = 0
    task_run_logs_dir: Annotated[
        Path,
        Doc(
            "Folder of the logs of task runs. "
            "Default: systemd's `LogsDirectory`, else `logs` in `server.storage_path`.",
            "path",
            example="/var/log/gofer",
        ),
    ] = msgspec.field(default_factory=lambda: default_logs_path(os.environ, default_storage_path(os.environ)))
    task_run_log_expiry: Annotated[
        int, Doc("For how many of its newest runs a pipeline's logs are kept. 0: for all.", minimum=0, reloadable=True)
    ] = 20
    task_run_stop_timeout: Annotated[
        int, Doc("How long a container may take to stop before it is killed.", "duration", minimum=0, reloadable=True)
    ] = 5 * MINUTE
    allow_process_engine: Annotated[bool, Doc("Allow the `process` engine outside dev mode. It isolates nothing.")] = (
        False
    )
    allow_privileged: Annotated[bool, Doc("Allow tasks to ask for privileged containers.", reloadable=True)] = False
    allowed_networks: Annotated[list[str], Doc("Engine networks that tasks may ask for.", "list", reloadable=True)] = []
    allowed_mounts: Annotated[
        list[str],
        Doc("Folders of the engine's host that tasks may mount, with all that is in them.", "list", reloadable=True),
    ] = []
    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    external_events_api: ExternalEventsSettings = ExternalEventsSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    object_store: ObjectStoreSettings = ObjectStoreSettings()
    secret_store: SecretStoreSettings = SecretStoreSettings()
    triggers: TriggersSettings = TriggersSettings()
