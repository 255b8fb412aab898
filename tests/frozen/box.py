"""A bare Debian without Python, which has nothing of Gofer's but the one file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

IMAGE = "gofer-test-debian"
DOCKER = "/var/run/docker.sock"
FILES = "/files"
"""Where the folder that the tests write into is found."""
_ADDRESS = re.compile(rb"https?://[^\s]+")


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Box:
    """A container that waits for commands. It shares this machine's network, its Docker socket, and one folder."""

    def __init__(self, name: str, program: Path, files: Path, options: Sequence[str] = ()) -> None:
        self.name = name
        self.files = files
        self._program = program
        self._options = list(options)
        self._environ: dict[str, str] = {}

    def start(self) -> None:
        self.remove()
        command = ["docker", "run", "--detach", "--init", "--name", self.name, "--network", "host"]
        command += ["--label", "gofer.test=frozen"]
        command += ["--volume", f"{self._program}:/usr/local/bin/gofer:ro", "--volume", f"{self.files}:{FILES}"]
        command += ["--volume", f"{DOCKER}:{DOCKER}", "--group-add", str(Path(DOCKER).stat().st_gid)]
        command += [*self._options, IMAGE, "sleep", "infinity"]
        subprocess.run(command, check=True, capture_output=True)

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], check=False, capture_output=True)

    def run(self, *command: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Said:
        argv = [*self._exec(environ), self.name, *command]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=100)
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def gofer(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Said:
        return self.run("gofer", *arguments, stdin=stdin, environ=environ)

    def ok(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Said:
        """A call of gofer that must succeed."""
        said = self.gofer(*arguments, stdin=stdin, environ=environ)
        assert said.code == 0, said
        return said

    def sh(self, script: str) -> str:
        """What a script prints that must succeed."""
        said = self.run("sh", "-c", script)
        assert said.code == 0, said
        return said.out

    @contextlib.contextmanager
    def serving(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[str]:
        """`gofer service start` on a free port, for as long as the body lasts; yields its address."""
        script = 'echo $$; exec gofer service start --host localhost:0 "$@"'
        argv = [*self._exec(environ), self.name, "sh", "-c", script, "sh", *arguments]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            number = process.stdout.readline().strip().decode()
            try:
                yield _address(process)
            finally:
                self.run("sh", "-c", f"kill -TERM {number}")
                rest = process.stdout.read()
                code = process.wait(timeout=60)
            assert code == 0, rest

    def _exec(self, environ: Mapping[str, str] | None) -> list[str]:
        given = {"GOFER_CLI_HOST": "localhost:1", **(environ or {})}
        options = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        return ["docker", "exec", "--interactive", *options]


def _address(process: subprocess.Popen[bytes]) -> str:
    said = b""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        found = _ADDRESS.search(line)
        if found:
            return found[0].decode()
    raise AssertionError(f"the server did not start: {said.decode()}")


def box_name(what: str) -> str:
    """One that no other test run has."""
    return f"gofer-test-frozen-{what}-{os.getpid()}"
