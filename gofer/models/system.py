"""What the server says of itself."""

from __future__ import annotations

import msgspec


class EngineInfo(msgspec.Struct, kw_only=True):
    """A container engine: `name` of the implementation, `version` and `address` of what answers behind it."""

    name: str
    version: str = ""
    address: str = ""
    isolates: bool = True


class IngressInfo(msgspec.Struct, kw_only=True):
    """Whether new runs are started. Closed by the setting `ignore_pipeline_run_events` (`by_setting`), by somebody at
    `closed_at` (milliseconds since the Unix epoch), or by both."""

    open: bool = True
    by_setting: bool = False
    closed_at: int | None = None


class SetIngress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `PUT /api/v1/system/ingress`."""

    open: bool


class SystemInfo(msgspec.Struct, kw_only=True):
    version: str
    dev_mode: bool
    address: str
    storage_path: str
    started_at: int
    engine: EngineInfo
    engine_available: bool
    store_fault: str = ""
    runs_queued: int = 0
    runs_running: int = 0
    ingress: IngressInfo = msgspec.field(default_factory=IngressInfo)


class Check(msgspec.Struct, kw_only=True):
    """One finding of `gofer service doctor`: `level` is `ok`, `warning` or `error`; `hint` says what to do."""

    name: str
    level: str
    message: str
    hint: str = ""


class Health(msgspec.Struct, kw_only=True):
    """Answer of `/healthz` and `/readyz`; `problems` is empty when all is well, and for who may not look at the server
    (`system:read`)."""

    status: str
    problems: list[str] = []


class SettingInfo(msgspec.Struct, kw_only=True):
    """A setting as it holds now.

    `value` is as a person writes it: durations and sizes are texts with a unit. It is null where nothing is set, and
    for every secret (`hidden` is true for one that is set). `source` is `option`, `environment`, `file` or `default`;
    `place` the option, the variable or the line. `restart`: the file says something else since the server began, which
    a restart will let hold.
    """

    key: str
    value: str | int | bool | list[str] | None
    source: str
    place: str = ""
    hidden: bool = False
    reloadable: bool = False
    restart: bool = False


class Reloaded(msgspec.Struct, kw_only=True):
    """What a reload has changed: `applied` holds now, `restart` will after a restart. Both are keys of settings."""

    applied: list[str]
    restart: list[str]
    certificate_renewed: bool = False
