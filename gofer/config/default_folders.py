"""Where things are unless a setting says otherwise: the folders that systemd names, else the user's own.

systemd sets STATE_DIRECTORY, LOGS_DIRECTORY and CONFIGURATION_DIRECTORY for a unit with StateDirectory= and the like;
several folders are joined by colons, and the first is the unit's main one (systemd.exec(5)). Elsewhere the XDG base
directory rules hold. It is never /tmp: what lies there is gone after a boot, or belongs to everybody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_FILE = "gofer.hcl"


def default_storage_path(environ: Mapping[str, str]) -> Path:
    """Folder of the data: systemd's StateDirectory, else `$XDG_DATA_HOME/gofer`, else `~/.local/share/gofer`."""
    given = _folders(environ, "STATE_DIRECTORY")
    if given:
        return given[0]
    home = environ.get("XDG_DATA_HOME", "")
    # The XDG rules say that a relative one is to be ignored.
    base = Path(home) if home.startswith("/") else _home(environ) / ".local" / "share"
    return base / "gofer"


def default_logs_path(environ: Mapping[str, str], storage_path: Path) -> Path:
    """Folder of the logs of task runs: systemd's LogsDirectory, else `logs` in the data folder."""
    given = _folders(environ, "LOGS_DIRECTORY")
    return given[0] if given else storage_path / "logs"


def default_file(environ: Mapping[str, str]) -> Path | None:
    """`gofer.hcl` in systemd's ConfigurationDirectory, if it exists. Raises OSError."""
    for folder in _folders(environ, "CONFIGURATION_DIRECTORY"):
        if (folder / _FILE).exists():
            return folder / _FILE
    return None


def _folders(environ: Mapping[str, str], name: str) -> list[Path]:
    return [Path(part) for part in environ.get(name, "").split(":") if part.startswith("/")]


def _home(environ: Mapping[str, str]) -> Path:
    """The user's home; a service may be started without HOME."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")
