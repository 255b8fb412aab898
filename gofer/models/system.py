"""What the server says of itself."""

from __future__ import annotations

import msgspec


class EngineInfo(msgspec.Struct, kw_only=True):
    """A container engine: `name` of the implementation, `version` and `address` of what answers behind it."""

    name: str
    version: str = ""
    address: str = ""
    isolates: bool = True


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


class Check(msgspec.Struct, kw_only=True):
    """One finding of `gofer service doctor`: `level` is `ok`, `warning` or `error`; `hint` says what to do."""

    name: str
    level: str
    message: str
    hint: str = ""


class Health(msgspec.Struct, kw_only=True):
    """Answer of `/healthz` and `/readyz`; `problems` is empty when all is well."""

    status: str
    problems: list[str] = []
