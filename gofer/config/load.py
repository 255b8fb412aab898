"""The server's settings: options before environment before file before defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from gofer.config.default_folders import default_file, default_logs_path, default_storage_path
from gofer.config.gather import Gathering, Source
from gofer.config.settings import Settings
from gofer.config.table import build, table
from gofer.errors import ConfigError, Problem

DEFAULT_PATH = Path("/etc/gofer/gofer.hcl")
PATH_VARIABLE = "GOFER_CONFIG_PATH"
PREFIX = "GOFER_"

# Variables that begin with GOFER_ and are no settings: of the command line, of tests, of this loader, what a task
# gets from Gofer (a Gofer may run in one), and what Kubernetes tells of services called `gofer` or `gofer-…`.
_FOREIGN = re.compile(
    r"(CLI_.*|TEST_.*|CONFIG_PATH|NAMESPACE_ID|PIPELINE_ID|PIPELINE_VERSION|RUN_ID|TASK_ID|TASK_IMAGE|ATTEMPT|API_URL"
    r"|API_TOKEN|(.*_)?SERVICE_(HOST|PORT.*)|(.*_)?PORT(_\d+_.*)?)\Z"
)


@dataclass(frozen=True)
class Configuration:
    """The settings that hold, and where those come from that are not at their default.

    `file` is the one that was read, `whole` whether it could be read to its end. `problems` is everything that is
    wrong; what is wrong is at its default here.
    """

    settings: Settings
    sources: Mapping[str, Source] = field(default_factory=dict)
    file: Path | None = None
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True

    def check(self) -> None:
        """Raises ConfigError for the first thing that is wrong, with its place and what was expected."""
        if not self.problems:
            return
        error = ConfigError.of(self.problems[0])
        if more := len(self.problems) - 1:
            file = f" {quote(str(self.file))}" if self.file is not None else ""
            error.hint += f" There is more that is wrong ({more}): `gofer service config check{file}` lists it all."
        raise error

    def source(self, key: str) -> Source:
        """Where the value of a setting comes from."""
        return self.sources.get(key, Source("default"))

    def place(self, key: str) -> str:
        """Where a person finds the setting, for a message."""
        source = self.source(key)
        return {"environment": f"environment variable {source.place}", "option": f"option for {key}"}.get(
            source.kind, source.place or key
        )


def read(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str], *, default_path: Path = DEFAULT_PATH
) -> Configuration:
    """Everything that is configured, right or wrong. `overrides` are options by dotted key (`server.host`).

    The file is `path`, else what `GOFER_CONFIG_PATH` names, else `gofer.hcl` in the folder that systemd names, else
    `default_path` if there is one.
    """
    found = Gathering(table(Settings))
    try:
        file = _file(path, environ, default_path)
    except ConfigError as error:
        found.problems.append(Problem(place=str(default_path), message=error.message, hint=error.hint))
        file = None
    if file is not None:
        found.file(file)
    found.environment(environ, PREFIX, is_foreign)
    found.options(overrides)
    values = found.values
    storage_path = values.setdefault("server.storage_path", default_storage_path(environ))
    values.setdefault("task_run_logs_dir", default_logs_path(environ, storage_path))
    return Configuration(build(Settings, values), found.sources, file, found.problems, found.whole)


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str], *, default_path: Path = DEFAULT_PATH
) -> Settings:
    """The settings alone, as `read` finds them. Raises ConfigError as `Configuration.check`."""
    configuration = read(path, environ, overrides, default_path=default_path)
    configuration.check()
    return configuration.settings


def is_foreign(rest: str) -> bool:
    """Whether the variable `GOFER_` + `rest` is no setting of the server, and somebody else's business."""
    return _FOREIGN.match(rest) is not None


def _file(path: Path | None, environ: Mapping[str, str], default_path: Path) -> Path | None:
    if path is not None:
        return path
    named = environ.get(PATH_VARIABLE)
    if named:
        return Path(named)
    try:
        return default_file(environ) or (default_path if default_path.exists() else None)
    except OSError as error:
        hint = "Make it readable for the user that runs Gofer."
        raise ConfigError(f"The configuration file {default_path} cannot be read: {error.strerror}", hint) from error
