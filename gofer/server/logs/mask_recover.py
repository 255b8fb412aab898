"""A masked log after the machine went down: kept as far as its side file is known to tell of all that was hidden.

When the power goes, the log may be on the disk and the end of its side file not. A `***` behind the last entry may then
stand for anything, and nobody knows with which byte of the source to go on. A process that dies takes nothing along.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from gofer.server.logs import index, mask_steps
from gofer.server.logs.file import LogFile
from gofer.server.logs.mask import HIDDEN
from gofer.server.logs.record import HEADER, Mark, kind, walk


def is_doubtful(log: os.stat_result) -> bool:
    """Whether a log file, as it was found, was last written to before this machine was started."""
    return log.st_mtime < time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def cut_doubtful(log: Path, end: Mark) -> Mark:
    """Cut a log before the first `***` that no entry tells of; it is read again from the engine. Returns its end.

    Blocks. Raises OSError.
    """
    ends = (end.stdout_bytes, end.stderr_bytes)
    steps = mask_steps.last_steps(log.with_suffix(mask_steps.SUFFIX), ends)
    mark = _first_doubtful(log, end, (steps[0].out, steps[1].out))
    if mark.offset < end.offset:
        with suppress(OSError):
            index.cut_behind(log.with_suffix(".idx"), mark)
        os.truncate(log, mark.offset)
    return mark


def _first_doubtful(log: Path, end: Mark, known: tuple[int, int]) -> Mark:
    """The mark before the first record with a `***` of which no entry tells, `end` if there is none."""
    file = LogFile(log)
    file.open(end)
    try:
        here = Mark()
        for after in file.marks(here, end.offset):
            for mark, record in walk(here, file.block(here.offset, after.offset, after.offset - here.offset)):
                found = kind(record)
                if found is None or found[1] == "N":
                    continue
                place = record.rfind(HIDDEN, HEADER)
                if place >= 0 and mark[3 + found[0]] + place + len(HIDDEN) - HEADER > known[found[0]]:
                    return mark
            here = after
        return end
    finally:
        file.close()
