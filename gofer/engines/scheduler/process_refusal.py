"""What it means when a shim could not begin its job."""

from __future__ import annotations

import errno
import os

from gofer.engines.scheduler.base import ContainerSpec
from gofer.engines.scheduler.process_launcher import unavailable
from gofer.engines.scheduler.process_order import refused
from gofer.errors import EngineUnavailable, StartFailed
from gofer.models.ids import shown

PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""Faults of the machine, not of the job."""


def unavailable_for(number: int) -> EngineUnavailable:
    """What an error number of the machine means."""
    return unavailable(OSError(number, os.strerror(number)))


def start_error(answer: str, spec: ContainerSpec) -> EngineUnavailable | StartFailed:
    """What a shim's `unavailable <errno>` or `failed <step> <errno>` means."""
    word, *details = answer.split()
    number = int(details[-1])
    if word == "unavailable" or number in PASSING:
        return unavailable_for(number)
    if details[0] == "directory":
        return refused(
            f"the working directory {shown(spec.working_directory or '')} cannot be used: {os.strerror(number)}",
            "Use a folder that exists on this machine, or a relative one, which is made.",
        )
    program = [*(spec.entrypoint or ()), *(spec.command or ())][0]
    hints = {
        errno.ENOENT: "The process engine runs programs of this machine: install it, or use the docker engine.",
        errno.EACCES: "Make the file executable (chmod +x).",
        errno.ENOEXEC: 'A script needs a first line such as "#!/bin/sh".',
        errno.E2BIG: "The command and its variables are too long together.",
    }
    return refused(f"{shown(program)} cannot be started: {os.strerror(number)}", hints.get(number, ""))
