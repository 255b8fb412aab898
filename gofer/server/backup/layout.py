"""Where everything is that belongs to a backup: in the archive and on the disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from gofer.config.settings import Settings
from gofer.models.backup import PartName
from gofer.models.ids import is_id

DATABASE = "gofer.db"
SECRETS = "secrets.db"
LOGS = "logs"
OBJECTS = "objects"

_LOG_NAME = re.compile(r"logs/([^/]+)/([^/]+)/[1-9]\d{0,17}/([^/]+)/[1-9]\d{0,17}\.log\Z")
_CONTENT_NAME = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})\Z")
_FANS = re.compile(r"[0-9a-f]{2}\Z")


class Place(NamedTuple):
    """Where one server keeps its data: the folder of its database; that of its logs, which may be in it or elsewhere;
    the file of its secrets (None: in the first folder); its object store's engine, and that one's file or folder
    (None: in the first folder)."""

    storage: Path
    logs: Path
    secrets_path: Path | None = None
    engine: str = "sqlite"
    objects_path: Path | None = None

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

    @property
    def secrets_file(self) -> Path:
        return self.secrets_path or self.storage / SECRETS

    @property
    def secrets(self) -> Store:
        """The secret store's file."""
        path = self.secrets_file
        return Store(path.parent, (path.name,), path.parent / ".restoring-secrets", SECRETS, "before-restore-")

    @property
    def objects(self) -> Store:
        """The object store's file or folder."""
        if self.engine == "filesystem":
            folder = self.objects_path or self.storage / "objects"
            return Store(folder, (), folder / ".restoring", "objects", ".before-restore-")
        path = self.objects_path or self.storage / "objects.db"
        return Store(path.parent, (path.name,), path.parent / ".restoring-objects", "objects.db", "before-restore-")

    @property
    def stores(self) -> list[Store]:
        return [self.secrets, self.objects]


class Store(NamedTuple):
    """What a store keeps in `folder`: a file of SQLite's with the one name of `names`, or, where there is none, folders
    for the first two digits of digests. It is unpacked to the folder `restoring`, under the name `unpacked`; what was
    there is kept in a folder whose name begins with `kept`."""

    folder: Path
    names: tuple[str, ...]
    restoring: Path
    unpacked: str
    kept: str

    @property
    def lock(self) -> Path:
        """The lock that a server holds which uses it."""
        return self.folder / (f"{self.names[0]}.lock" if self.names else "lock")

    def present(self) -> list[str]:
        """The names in `folder` that are there and the store's."""
        if self.names:
            tails = ("", "-wal", "-shm", "-journal")
            wanted = [self.names[0] + tail for tail in tails]
            return [name for name in wanted if (self.folder / name).exists() or (self.folder / name).is_symlink()]
        return sorted(fans(self.folder))

    def fresh(self) -> list[tuple[Path, Path]]:
        """What was unpacked, and where it belongs."""
        unpacked = self.restoring / self.unpacked
        if self.names:
            # The log is there if a full disk kept SQLite from moving it into the file: the contents are in it then.
            names = [(unpacked.name + tail, self.names[0] + tail) for tail in ("", "-wal")]
            return [(self.restoring / a, self.folder / b) for a, b in names if (self.restoring / a).exists()]
        return [(unpacked / name, self.folder / name) for name in fans(unpacked)]


def place_of(settings: Settings) -> Place:
    """The place of the server that has these settings."""
    objects = settings.object_store
    path = {"sqlite": objects.sqlite.path, "filesystem": objects.filesystem.path}[objects.engine]
    return Place(
        settings.server.storage_path,
        settings.task_run_logs_dir,
        settings.secret_store.sqlite.path,
        objects.engine,
        path,
    )


def part_names(logs: bool, secrets: bool = False, objects: bool = False) -> list[PartName]:
    """The parts of an archive in their order. A further one is a line here and where it is written and put back."""
    parts = [
        (True, PartName(name=DATABASE, kind="sqlite")),
        (secrets, PartName(name=SECRETS, kind="sqlite")),
        (logs, PartName(name=LOGS, kind="folder")),
        (objects, PartName(name=OBJECTS, kind="folder")),
    ]
    return [part for there, part in parts if there]


def is_log_name(name: str) -> bool:
    """Whether a file of an archive may be the log of an attempt: `logs/namespace/pipeline/run/task/attempt.log`."""
    match = _LOG_NAME.match(name)
    return match is not None and all(map(is_id, match.groups()))


def content_name(digest: str) -> str:
    """What a content is called in an archive."""
    return f"{OBJECTS}/{digest[:2]}/{digest}"


def digest_of(name: str) -> str | None:
    """The digest of the content that a file of an archive is; None if it is none."""
    match = _CONTENT_NAME.match(name)
    return match[2] if match else None


def fans(folder: Path) -> list[str]:
    """The folders for the first two digits of digests, in the folder of a `filesystem` object store."""
    return sorted(path.name for path in folder.iterdir() if _FANS.match(path.name)) if folder.is_dir() else []
