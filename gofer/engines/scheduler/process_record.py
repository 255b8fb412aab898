"""What the process engine keeps on disk. Standard library only: the nursery and its shims load nothing else.

`<root>/records/<name>` is one attempt: a head, a description in JSON, then frames of output. It appears complete and at
once (a hard link), before the command is started: where it stands, the command is never started again.
`<root>/work/<name>` is the attempt's scratch folder. `<root>/spare` has what shims prepared before they got a job: a
blank record is on disk for good by then, so to make a claim durable only its head must be written in place.
"""

from __future__ import annotations

import json
import os
import struct
from typing import NamedTuple

MAGIC = b"gofer-p1"
# Magic, where the frames begin, whether the command has ended, its exit code.
HEAD = struct.Struct("<8sIBB2x")
BLANK = bytes(4096)
_ENDED_AT = 12
# Nanoseconds since the epoch, length, stream; then the bytes.
FRAME = struct.Struct("<qIB3x")
STDOUT = 1
STDERR = 2


class Folders(NamedTuple):
    """Where things are below the engine's root."""

    root: str

    @property
    def records(self) -> str:
        return f"{self.root}/records"

    @property
    def work(self) -> str:
        return f"{self.root}/work"

    @property
    def spare(self) -> str:
        return f"{self.root}/spare"

    @property
    def lock(self) -> str:
        """Held shared by a shim from before it looks whether Gofer lives until its record stands."""
        return f"{self.root}/lock"

    def record(self, name: str) -> str:
        return f"{self.records}/{name}"

    def scratch(self, name: str) -> str:
        return f"{self.work}/{name}"

    def make(self) -> None:
        """Create what is missing. Raises OSError."""
        # Root's tasks may run as other users, who must get through to their folders.
        through = 0o711 if os.geteuid() == 0 else 0o700
        os.makedirs(os.path.dirname(self.root), mode=through, exist_ok=True)  # noqa: PTH103, PTH120
        os.makedirs(self.root, mode=0o711, exist_ok=True)  # noqa: PTH103 - pathlib costs a shim time and memory
        for folder, mode in ((self.records, 0o700), (self.work, 0o711), (self.spare, 0o700)):
            os.makedirs(folder, mode=mode, exist_ok=True)  # noqa: PTH103
        os.close(os.open(self.lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


class Description(NamedTuple):
    """What a record says of its attempt. `pid`, `born` (clock ticks since boot) and `boot` name the shim's process.

    `directory` is the working directory, below the scratch folder or absolute; earlier programs did not write it.
    """

    name: str
    labels: dict[str, str]
    image: str
    token: str
    pid: int
    born: int
    boot: str
    directory: str = "."


class Record(NamedTuple):
    """`start`: offset of the first frame. `exit_code` is None until the command has ended."""

    description: Description
    start: int
    exit_code: int | None


def address(token: str) -> bytes:
    """The abstract socket on which the shim with this token listens."""
    return b"\0gofer-" + token.encode()


def head(description: Description) -> bytes:
    """The bytes before the first frame."""
    text = json.dumps(description._asdict()).encode()
    start = max(len(BLANK), HEAD.size + len(text))
    return (HEAD.pack(MAGIC, start, 0, 0) + text).ljust(start, b"\0")


def mark_ended(fd: int, exit_code: int) -> None:
    """Record the end: the last thing that a shim writes."""
    os.pwrite(fd, bytes((1, exit_code & 0xFF)), _ENDED_AT)


def frames_start(fd: int) -> int:
    """Where the frames begin; the file's end if its head is damaged."""
    data = os.pread(fd, HEAD.size, 0)
    if len(data) == HEAD.size and data.startswith(MAGIC):
        return int(HEAD.unpack(data)[1])
    return os.fstat(fd).st_size


def read(fd: int) -> Record | None:
    """The record in an open file; None where there is no head: nothing claims it, or its bytes were lost with power."""
    data = os.pread(fd, len(BLANK), 0)
    if len(data) < HEAD.size:
        return None
    magic, start, ended, exit_code = HEAD.unpack_from(data)
    if magic != MAGIC:
        return None
    if start > len(data):
        data = os.pread(fd, start, 0)
    try:
        description = Description(**json.loads(data[HEAD.size : start].rstrip(b"\0")))
    except (ValueError, TypeError):
        return None
    return Record(description, start, exit_code if ended else None)
