"""What `gofer` tells the script that calls it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Documented in docs/cli.md; a number never changes its meaning."""

    OK = 0
    OUTCOME_BAD = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    REFUSED = 5
    CANCELLED = 6
    SERVER_FAULT = 7
    PROGRAM_FAILED = 8
    DEFECT = 70
    OUTPUT_FAILED = 74
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


MEANINGS = {
    ExitCode.OK: "The command did what it was asked. Where a run was followed: the run was successful.",
    ExitCode.OUTCOME_BAD: "The command worked, and what it tells is bad: the followed run failed, "
    "`service doctor` found an error.",
    ExitCode.USAGE: "The command line or a setting is wrong; nothing was done.",
    ExitCode.UNREACHABLE: "No Gofer server answers at the address, or it was lost and did not come back in time.",
    ExitCode.NOT_FOUND: "What was named does not exist, or no longer does.",
    ExitCode.REFUSED: "The server refused: invalid input, a conflict with the present state, or not allowed.",
    ExitCode.CANCELLED: "The followed run was cancelled.",
    ExitCode.SERVER_FAULT: "The server has a fault of its own, such as a full disk or an engine that is away.",
    ExitCode.PROGRAM_FAILED: "The program that describes the pipeline failed, or printed no manifest.",
    ExitCode.DEFECT: "A defect in Gofer's command line itself.",
    ExitCode.OUTPUT_FAILED: "The output could not be written, or Gofer itself not be unpacked, such as to a full disk.",
    ExitCode.INTERRUPTED: "Interrupted by Ctrl-C. A run that was only followed goes on.",
    ExitCode.PIPE_CLOSED: "The reader of the output went away (`gofer … | head`).",
    ExitCode.TERMINATED: "Ended by SIGTERM or SIGHUP.",
}
