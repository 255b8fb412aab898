"""The one-file program on this machine, with its own folder for temporary files, so that left-overs are seen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.frozen.box import Said
from tests.support.server import ServerProcess
from tests.support.until import until


class Place:
    """`home` and `temporary` are its folders; of this process's environment only PATH is handed on."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.home = folder / "home"
        self.temporary = folder / "temporary"
        for made in (self.home, self.temporary):
            made.mkdir()
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.temporary)}
        self.environ["GOFER_CLI_HOST"] = "localhost:1"
        # They would outlive the servers that tests start.
        self.environ["GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS"] = "false"

    def run(self, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Said:
        done = subprocess.run(
            [self.program, *arguments],
            input=stdin.encode(),
            capture_output=True,
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            timeout=100,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Said:
        """A call that must succeed."""
        said = self.run(*arguments, stdin=stdin, environ=environ)
        assert said.code == 0, said
        return said

    def popen(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A call that goes on; stdout is a pipe, and its group of processes is its own."""
        return subprocess.Popen(
            [self.program, *arguments],
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def folders(self) -> list[Path]:
        """What is unpacked at this moment."""
        return sorted(self.temporary.glob("_MEI*"))

    def processes(self) -> dict[int, str]:
        """Every process that runs out of this place, and its command line."""
        return dict(_processes(str(self.temporary).encode()))

    def is_still(self) -> bool:
        """Waits until no process is left."""
        return until(lambda: not self.processes(), f"the end of {self.processes()}")


class FrozenServer(ServerProcess):
    """`service start` of the one-file program, in a place."""

    def __init__(self, place: Place, program: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        given: Sequence[str] = [str(program or place.program)]
        super().__init__(place.home, "process", {**place.environ, **(environ or {})}, program=given)


def _processes(mark: bytes) -> list[tuple[int, str]]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # Empty for a zombie.
            if mark in (folder / "environ").read_bytes():
                found.append((int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
        except (OSError, ProcessLookupError):
            continue
    return found
