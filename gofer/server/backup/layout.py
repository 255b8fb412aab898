"""Where everything is that belongs to a backup: in the archive and on the disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from gofer.models.backup import PartName
from gofer.models.ids import is_id

DATABASE = "gofer.db"
LOGS = "logs"

_LOG_NAME = re.compile(r"logs/([^/]+)/([^/]+)/[1-9]\d{0,17}/([^/]+)/[1-9]\d{0,17}\.log\Z")


class Place(NamedTuple):
    """The folders of one server: that of the database, and that of the logs, which may be in it or elsewhere."""

    storage: Path
    logs: Path

    @property
    def database(self) -> Path:
        return self.storage / DATABASE

    @property
    def taking(self) -> Path:
        """The passing files of a backup that is being taken."""
        return self.storage / ".backup"

    @property
    def restoring(self) -> Path:
        """What is being unpacked, and the plan of what to do with it."""
        return self.storage / ".restoring"

    @property
    def restoring_logs(self) -> Path:
        """Logs that are being unpacked: on the same file system as the place where they will be."""
        return self.logs / ".restoring"


def part_names(logs: bool) -> list[PartName]:
    """The parts of an archive in their order. A further one is a line here and where it is written and put back."""
    parts = [PartName(name=DATABASE, kind="sqlite")]
    return [*parts, PartName(name=LOGS, kind="folder")] if logs else parts


def is_log_name(name: str) -> bool:
    """Whether a file of an archive may be the log of an attempt: `logs/namespace/pipeline/run/task/attempt.log`."""
    match = _LOG_NAME.match(name)
    return match is not None and all(map(is_id, match.groups()))
