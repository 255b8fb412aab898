"""The server's settings: options before environment before file before defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gofer.config.gather import Table
from gofer.config.hcl_file import read_file
from gofer.config.settings import Settings, default_logs_path, default_storage_path
from gofer.config.table import build, table
from gofer.errors import ConfigError

DEFAULT_PATH = Path("/etc/gofer/gofer.hcl")
PATH_VARIABLE = "GOFER_CONFIG_PATH"

_PREFIX = "GOFER_"
# Variables that begin with GOFER_ and are no settings: of the command line, of tests, of this loader, what a task
# gets from Gofer (a Gofer may run in one), and what Kubernetes tells of services called `gofer` or `gofer-…`.
_FOREIGN = re.compile(
    r"(CLI_.*|TEST_.*|CONFIG_PATH|NAMESPACE_ID|PIPELINE_ID|PIPELINE_VERSION|RUN_ID|TASK_ID|TASK_IMAGE|ATTEMPT|API_URL"
    r"|API_TOKEN|(.*_)?SERVICE_(HOST|PORT.*)|(.*_)?PORT(_\d+_.*)?)\Z"
)


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str], *, default_path: Path = DEFAULT_PATH
) -> Settings:
    """The settings that hold. `overrides` are options of the command line by dotted key (`server.host`).

    The file is `path`, else what `GOFER_CONFIG_PATH` names, else `default_path` if there is one. Raises ConfigError
    for the first thing that is wrong, with its place and what was expected.
    """
    known = Table(table(Settings))
    file = _file(path, environ, default_path)
    values = known.from_file(file, read_file(file)) if file is not None else {}
    values |= known.from_environment(environ, _PREFIX, lambda rest: _FOREIGN.match(rest) is not None)
    values |= known.from_options(overrides)
    storage_path = values.setdefault("server.storage_path", default_storage_path(environ))
    values.setdefault("task_run_logs_dir", default_logs_path(storage_path))
    settings: Settings = build(Settings, values)
    return settings


def _file(path: Path | None, environ: Mapping[str, str], default_path: Path) -> Path | None:
    if path is not None:
        return path
    named = environ.get(PATH_VARIABLE)
    if named:
        return Path(named)
    try:
        return default_path if default_path.exists() else None
    except OSError as error:
        hint = "Make it readable for the user that runs Gofer."
        raise ConfigError(f"The configuration file {default_path} cannot be read: {error.strerror}", hint) from error
