"""Where log files stand, and taking them away without ever leaving the folder of the logs."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gofer.errors import InvalidInput
from gofer.models.ids import check_id, is_id

TRASH = ".trash"
"""No id begins with a dot."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_OURS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_FILE_NAME = re.compile(r"[1-9]\d{0,17}\.(log|idx|masked)\Z")
_NUMBER = re.compile(r"[1-9]\d{0,17}\Z")


class LogId(NamedTuple):
    """Names the log of one attempt."""

    namespace: str
    pipeline: str
    run: int
    task: str
    attempt: int


def prepare(root: Path) -> None:
    """Make the folder of all logs, and see that it can be written. Raises OSError."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    probe = root / ".probe"
    probe.write_bytes(b"")
    probe.unlink()


def log_path(root: Path, log: LogId) -> Path:
    """Raises InvalidInput if a part is no id, or a number not positive."""
    parts = check_run(log.namespace, log.pipeline, log.run)
    return root.joinpath(*parts, check_id(log.task, "task"), _number(log.attempt, "attempt") + ".log")


def check_run(namespace: str, pipeline: str, run: int) -> tuple[str, str, str]:
    """The folders on the way to a run's. Raises as `log_path`."""
    return check_id(namespace, "namespace"), check_id(pipeline, "pipeline"), _number(run, "run")


def discard(root: Path, *parts: str) -> None:
    """Move `root/parts…` out of sight at once, then delete it. Does nothing if it is not there.

    No symbolic link is followed, neither on the way nor below. Raises OSError.
    """
    trash = root / TRASH
    trash.mkdir(mode=0o700, exist_ok=True)
    name = uuid.uuid4().hex
    try:
        with _descend(root, parts[:-1]) as folder, _descend(root, (TRASH,)) as aside:
            os.rename(parts[-1], name, src_dir_fd=folder, dst_dir_fd=aside)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return
        raise
    _delete(trash / name)
    if len(parts) > 1:
        with suppress(OSError), _descend(root, parts[:-2]) as above:
            os.rmdir(parts[-2], dir_fd=above)


def empty_trash(root: Path) -> None:
    """Delete what a sudden end has left half deleted. Raises OSError."""
    trash = root / TRASH
    with suppress(FileNotFoundError):
        for path in trash.iterdir():
            _delete(path)


def pipelines(root: Path) -> list[tuple[str, str]]:
    """Namespace and pipeline of every folder that may be a pipeline's."""
    return [
        (namespace, pipeline)
        for namespace in filter(is_id, _folders(root))
        for pipeline in filter(is_id, _folders(root / namespace))
    ]


def runs(root: Path, namespace: str, pipeline: str) -> list[int]:
    """The numbers of the runs of a pipeline that have a folder."""
    return [int(name) for name in _folders(root / namespace / pipeline) if _NUMBER.match(name)]


def holds_only_logs(root: Path, namespace: str, pipeline: str) -> bool:
    """Whether everything below a pipeline's folder looks as if Gofer had made it, and there is something."""
    folder = root / namespace / pipeline
    found = False
    for path, folders, files in os.walk(folder, followlinks=False):
        depth = len(Path(path).relative_to(folder).parts)
        if depth == 0:
            right = not files and all(_NUMBER.match(name) for name in folders)
        elif depth == 1:
            right = not files and all(is_id(name) for name in folders)
        else:
            right = not folders and all(_FILE_NAME.match(name) for name in files)
        if not right:
            return False
        found = found or bool(files)
    return found


def _number(number: int, what: str) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InvalidInput(f"{number!r} is not the number of a {what}", "Use a whole number from 1 on.")
    return str(number)


def _folders(path: Path) -> list[str]:
    """The names of the folders in a folder, links left out; none if it is not there."""
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


@contextmanager
def _descend(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of the folder `root/parts…`, no part of which (but root) may be a link."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            below = os.open(part, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _delete(path: Path) -> None:
    """Delete a file, link or folder with all that is in it; `rmtree` follows no links."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
