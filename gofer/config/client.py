"""The command line's own settings: options before environment before file before defaults."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from gofer.config.gather import Gathering
from gofer.config.table import Doc, build, table
from gofer.errors import ConfigError

PATH_VARIABLE = "GOFER_CLI_CONFIG"

PREFIX = "GOFER_CLI_"

_STRENGTH = ("file", "environment", "option")


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every command needs to know."""

    namespace: Annotated[str, Doc("The namespace that commands work in.")] = "default"
    format: Annotated[Literal["pretty", "json", "silent"], Doc("How results are printed.")] = "pretty"
    host: Annotated[str, Doc("Address of the server.")] = "localhost:8080"
    no_color: Annotated[bool, Doc("Print without colours. Also set by the variable NO_COLOR.")] = False
    ca_file: Annotated[
        Path | None,
        Doc(
            "File (PEM) of the authority that has signed the server's certificate. Default: those of the system.",
            "path",
            example="~/gofer-ca.pem",
        ),
    ] = None
    insecure: Annotated[
        bool,
        Doc(
            "Speak https without checking who answers, and send the token over plain HTTP too. Whoever is between here "
            "and the server can then read and change everything."
        ),
    ] = False
    python: Annotated[
        str, Doc("Python to run pipelines with: a path, a name, or a virtual environment. Empty: Gofer's own.")
    ] = ""
    token: Annotated[str, Doc("What proves who you are.", secret=True)] = ""
    token_file: Annotated[str, Doc("File that holds the token, in place of `token`. `-`: stdin.")] = ""


class Loaded(NamedTuple):
    """`settings` hold; at most one of `token` and `token_file` is set. `token_from` says where, in words. `exposed` is
    the file that was read, if it has a token and others may read it."""

    settings: ClientSettings
    exposed: Path | None
    token_from: str


def load_client_settings(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str]) -> Loaded:
    """The settings that hold. `overrides` are global options by name.

    The file is `path`, else what `GOFER_CLI_CONFIG` names, else the first of `$HOME/.gofer.hcl` and
    `$HOME/.config/gofer.hcl` that exists. Where none of these names a server, the task counts that Gofer itself has
    started this one in: its server, token and namespace. Raises ConfigError, with the place and what was expected.
    """
    found = Gathering(table(ClientSettings))
    if environ.get("NO_COLOR"):
        found.values["no_color"] = True
    file = _file(path, environ)
    exposed = None
    if file is not None:
        found.file(file)
        if found.values.get("token") and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            exposed = file
    found.environment(environ, PREFIX, lambda rest: rest == "CONFIG")
    found.options(overrides)
    found.check()
    given = _one_token(found)
    of_task = _in_a_task(found.values, environ)
    return Loaded(build(ClientSettings, found.values), exposed, "GOFER_API_TOKEN" if of_task else given)


def _one_token(found: Gathering) -> str:
    """Leaves the one of `token` and `token_file` that stands in the stronger place; where that is. Raises ConfigError
    where both stand in the same."""
    given = [key for key in ("token", "token_file") if found.values.get(key)]
    if not given:
        return ""
    ranks = [_STRENGTH.index(found.sources[key].kind) for key in given]
    if len(given) == 2:
        if ranks[0] == ranks[1]:
            places = " and ".join(found.sources[key].place for key in given)
            raise ConfigError(f"token and token_file are both set ({places})", "Leave one of the two out.")
        del found.values[given.pop(ranks.index(min(ranks)))]
    return found.sources[given[0]].place or "--token-file"


def _in_a_task(values: dict[str, Any], environ: Mapping[str, str]) -> bool:
    """What Gofer gives to tasks, in place of defaults. Its token is for that server, and never sent to another.

    Whether that token holds now.
    """
    if "host" in values or not environ.get("GOFER_API_URL"):
        return False
    values["host"] = environ["GOFER_API_URL"]
    if environ.get("GOFER_NAMESPACE_ID"):
        values.setdefault("namespace", environ["GOFER_NAMESPACE_ID"])
    if "token" in values or "token_file" in values:
        return False
    values["token"] = environ.get("GOFER_API_TOKEN", "")
    return bool(values["token"])


def _file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if environ.get(PATH_VARIABLE):
        return Path(environ[PATH_VARIABLE])
    home = environ.get("HOME")
    if not home:
        return None
    candidates = (Path(home) / ".gofer.hcl", Path(home) / ".config" / "gofer.hcl")
    return next((candidate for candidate in candidates if os.path.isfile(candidate)), None)
