"""Starting and killing commands from within a shim. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import termios
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

# What Python, a shim, or the shell that started Gofer in the background ignores, and a command must not find ignored.
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


class Identity(NamedTuple):
    """As whom a command runs."""

    uid: int
    gid: int
    groups: list[int]


class Program(NamedTuple):
    """`memory` in bytes limits each process's data. The command starts in the shim's own working directory."""

    arguments: list[str]
    environment: dict[str, str]
    identity: Identity | None
    memory: int | None


def spawn(program: Program, stdio: Sequence[int]) -> int:
    """Start the job's command in its own process group; returns its pid. Raises OSError with the reason."""
    path = _resolve(program)
    if program.identity is not None or program.memory is not None:
        return _fork(path, program, stdio, session=False, terminal=False)
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(stdio)]
    return os.posix_spawn(
        path,
        program.arguments,
        program.environment,
        file_actions=actions,
        setpgroup=0,
        setsigmask=(),
        setsigdef=_SIGNALS,
    )


def spawn_session(program: Program, stdio: Sequence[int], *, terminal: bool) -> int:
    """Start a command beside the job's own, in its own session; `terminal`: its stdio is one. Raises OSError."""
    if terminal:
        # As Docker has it: without, whatever draws on a terminal refuses to.
        program = program._replace(environment={"TERM": "xterm", **program.environment})
    return _fork(_resolve(program), program, stdio, session=True, terminal=terminal)


def exit_code(status: int) -> int:
    """Of what waitpid says: 128 + N for signal N."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def kill_group(pid: int, number: signal.Signals) -> None:
    """Signal a process that was not reaped yet, and the group it leads."""
    for send in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, number)


def kill_children() -> None:
    """SIGKILL every child of this process."""
    for pid, parent, _ in _processes():
        if parent == os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def kill_session(leader: int) -> None:
    """SIGKILL everything in the session of a leader that was not reaped yet."""
    kill_group(leader, signal.SIGKILL)
    for pid, _, session in _processes():
        if session == leader:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Pid, parent and session of every process there is."""
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                # The name stands in parentheses and may contain anything.
                fields = file.read().rpartition(b")")[2].split()
                yield int(entry), int(fields[1]), int(fields[3])


def _resolve(program: Program) -> str:
    """Where the program is, as a shell with the command's own PATH would find it."""
    name = program.arguments[0]
    if "/" in name:
        return name
    problem = errno.ENOENT
    for folder in os.get_exec_path(program.environment):
        path = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path
            problem = errno.EACCES
    raise OSError(problem, os.strerror(problem))


def _fork(path: str, program: Program, stdio: Sequence[int], *, session: bool, terminal: bool) -> int:
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(path, program, stdio, session=session, terminal=terminal, tell=tell)
    os.close(tell)
    problem = os.read(told, 16)
    os.close(told)
    if problem:
        os.waitpid(pid, 0)
        raise OSError(int(problem), os.strerror(int(problem)))
    return pid


def _become(path: str, program: Program, stdio: Sequence[int], *, session: bool, terminal: bool, tell: int) -> NoReturn:
    """In the child: everything that a process is, and then the program. `tell` closes when the program begins."""
    try:
        if session:
            os.setsid()
        else:
            os.setpgid(0, 0)
        if terminal:
            fcntl.ioctl(stdio[0], termios.TIOCSCTTY, 0)
        for number, fd in enumerate(stdio):
            os.dup2(fd, number)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if program.identity is not None:
            os.setgroups(program.identity.groups)
            os.setgid(program.identity.gid)
            os.setuid(program.identity.uid)
        # Last, as it may leave this interpreter no memory at all.
        if program.memory is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (program.memory, program.memory))
        os.execve(path, program.arguments, program.environment)  # noqa: S606 - there is to be no shell
    except OSError as error:
        os.write(tell, b"%d" % (error.errno or errno.EINVAL))
    except BaseException:
        os.write(tell, b"%d" % errno.EINVAL)
    finally:
        os._exit(127)
