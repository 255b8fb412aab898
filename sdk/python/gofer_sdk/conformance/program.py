"""Starts the trigger that is checked, as a child process or in a container."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gofer_sdk.conformance.step import Failed

_LINES = 200
_IN_CONTAINER = "/run/gofer-trigger"


class CannotStart(Exception):
    """The program could not be started at all."""


class Program(Protocol):
    """What is checked. It may be started several times, one after the other."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs beside the environment of this process."""
        ...

    def command(self, environment: Mapping[str, str], folder: Path, name: str) -> list[str]:
        """The command line, and what is to be set before it."""
        ...

    def socket(self, socket: Path) -> str:
        """Where the program sees the socket."""
        ...

    def remove(self, name: str) -> list[str]:
        """The command that removes what is left of it; empty if nothing is."""
        ...


@dataclass(frozen=True)
class Command:
    """A command of this machine; `environment` is what it needs beside that of this process."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, environment: Mapping[str, str], folder: Path, name: str) -> list[str]:
        """The command line."""
        return list(self.arguments)

    def socket(self, socket: Path) -> str:
        """Where it is."""
        return str(socket)

    def remove(self, name: str) -> list[str]:
        """Nothing is left of a process."""
        return []


@dataclass(frozen=True)
class Image:
    """A container image, which the `docker` command runs; the folder of the socket is mounted into it."""

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, environment: Mapping[str, str], folder: Path, name: str) -> list[str]:
        """The command line; the values of the variables are taken from its environment."""
        variables = [argument for variable in environment for argument in ("--env", variable)]
        mount = ["--volume", f"{folder}:{_IN_CONTAINER}"]
        return ["docker", "run", "--rm", "--name", name, *mount, *variables, self.image]

    def socket(self, socket: Path) -> str:
        """Where it is in the container."""
        return f"{_IN_CONTAINER}/{socket.name}"

    def remove(self, name: str) -> list[str]:
        """`docker run` may have been killed before the container has ended."""
        return ["docker", "rm", "--force", name]


class Process:
    """A program that was started. `output` has the last lines of its standard output and error."""

    def __init__(self, process: asyncio.subprocess.Process, remove: list[str], output: deque[str]) -> None:
        self._process = process
        self._remove = remove
        self._output = output
        self._reading = asyncio.create_task(self._read(), name="output")

    async def exit_code(self, timeout: float) -> int:
        """Its exit code. Raises Failed if it does not end in time."""
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout)
        except TimeoutError:
            raise Failed(f"the program ends within {timeout:g} s", "it goes on") from None
        return code

    def terminate(self) -> None:
        """Send SIGTERM."""
        # It may have ended a moment ago.
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    async def end(self) -> None:
        """Kill it, with all that it has started, if it has not ended."""
        with suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._remove:
            removing = await asyncio.create_subprocess_exec(
                *self._remove, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
            await removing.wait()
        # A child that has got away may hold the pipe open.
        await asyncio.wait({self._reading}, timeout=1)
        self._reading.cancel()

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while chunk := await stream.read(64 * 1024):
            self._output.extend(chunk.decode(errors="replace").splitlines())


async def start(program: Program, environment: Mapping[str, str], folder: Path, output: deque[str]) -> Process:
    """Start it. Raises CannotStart."""
    name = f"gofer-check-{secrets.token_hex(6)}"
    # What this command itself was given is not for the program.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GOFER_")}
    arguments = program.command(environment, folder, name)
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env={**inherited, **program.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotStart(f'"{arguments[0]}" cannot be started: {error.strerror or error}.') from None
    return Process(process, program.remove(name), output)


def kept_lines() -> deque[str]:
    """What keeps a program's last lines."""
    return deque(maxlen=_LINES)
