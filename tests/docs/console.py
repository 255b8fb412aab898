"""Runs what a page of the documentation tells its reader to do, and compares what is printed.

A fenced block with `title="FILE"` is a file; it is written into the reader's folder. A `console` block is what the
reader types, after `$ `, and sees. `gofer service start` goes on in the background, on a free port. Everything else
must end with exit code 0, unless `echo $?` follows. Blocks of any other kind are only read.

Times, durations, hashes, ports, folders, users and widths of columns may differ, and so may the order of lines; a line
`…` stands for any number of lines.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_START = "gofer service start"
_LISTENS = re.compile(r"http://(localhost:\d+)")
_SECONDS = 60.0
_MARK = "--- ended with"

# What is not the same each time, and what stands for it in a comparison.
_VARIES = [
    (re.compile(r"^\d+ +(?=\d{4}-)"), "NUMBER "),
    # The pages' server listens where every command looks for it.
    (re.compile(r" --host http://localhost:\d+$"), ""),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?"), "TIME"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\btok-[a-z2-7]{10}\b"), "TOKEN"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b(now|(\d+(\.\d+)?(ms|s|m|h|d))+( ago)?)\b"), "SPAN"),
    (re.compile(r"\b\d{13}\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{24}\b"), "ID"),
    (re.compile(r"\b(localhost|127\.0\.0\.1):\d+"), "ADDRESS"),
    (re.compile(r"/\S*/(data|gofer)\b"), "FOLDER"),
    (re.compile(r"\bgofer\.\w+\.\d+\.\S+"), "CONTAINER"),
    (re.compile(r"\d+(\.\d+)?GB\b"), "SIZE"),
    (re.compile(r"process \d\S+"), "process"),
    (re.compile(r"\buser \w+(?=$| {2})"), "user NAME"),
    (re.compile(r"\bPython \d\S+"), "Python"),
    (re.compile(r"-{3,}|─{3,}"), "-"),
    (re.compile(r"\s+"), " "),
]


class Step(NamedTuple):
    """A command and what the page says it prints. `at` is its line in the page."""

    at: int
    command: str
    prints: list[str]


class File(NamedTuple):
    """A file that the page shows."""

    name: str
    body: str


class Page:
    """The files and steps of one page, in their order."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        self.parts: list[Step | File] = []
        for fence in _FENCE.finditer(text):
            kind, options, body = fence.groups()
            title = _TITLE.search(options)
            if title is not None:
                self.parts.append(File(title[1], body))
            elif kind == "console":
                self.parts += _steps(body, text.count("\n", 0, fence.start()) + 2)

    @property
    def steps(self) -> list[Step]:
        """The commands alone."""
        return [part for part in self.parts if isinstance(part, Step)]


def _steps(body: str, line: int) -> list[Step]:
    steps: list[Step] = []
    for number, text in enumerate(body.splitlines(), line):
        if text.startswith("$ "):
            steps.append(Step(number, text[2:], []))
        elif steps and steps[-1].command.endswith("\\") and not steps[-1].prints:
            steps[-1] = steps[-1]._replace(command=f"{steps[-1].command}\n{text}")
        else:
            assert steps, f"line {number}: a console block begins with a command"
            steps[-1].prints.append(text)
    return steps


class Reader:
    """Somebody at a shell, with a home folder and a server of their own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        programs = home / ".bin"
        programs.mkdir()
        for name, module in [("gofer", "-m gofer"), ("python", "")]:
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
            (programs / name).chmod(0o755)
        self._environ = {k: v for k, v in os.environ.items() if not k.startswith(("GOFER_", "XDG_"))} | {
            "HOME": str(home),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
            "GOFER_SERVER__HOST": "localhost:0",
            "GOFER_SCHEDULER__ENGINE": "process",
            # They would outlive the server.
            "GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "false",
            "PYTHONUNBUFFERED": "1",
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._shell: subprocess.Popen[bytes] | None = None
        self._address = ""

    def follow(self, page: Page) -> None:
        """Do what the page says. Raises AssertionError where something else happens than the page promises."""
        if not any(_START in step.command for step in page.steps):
            self._start_server(_START)
        for part, after in zip(page.parts, [*page.parts[1:], None], strict=True):
            if isinstance(part, File):
                file = self._home / part.name
                file.parent.mkdir(exist_ok=True)
                file.write_text(part.body)
                file.chmod(0o755)
                continue
            tested = isinstance(after, Step) and after.command == "echo $?"
            self._do(part, may_fail=tested)

    def close(self) -> None:
        """Ends the shell and the server."""
        # As Ctrl-C does: triggers end with it.
        for process, how in ((self._shell, signal.SIGTERM), (self._server, signal.SIGINT)):
            if process is not None:
                process.send_signal(how)
                process.communicate(timeout=_SECONDS)

    def _do(self, step: Step, *, may_fail: bool) -> None:
        where = f"line {step.at}, `{step.command}`"
        if _START in step.command:
            printed, code = self._start_server(step.command), 0
        else:
            printed, code = self._call(step.command)
        told = "\n".join(printed)
        assert code == 0 or may_fail, f"{where}: ended with {code}:\n{told}"
        missing, left = _difference(step.prints, printed)
        assert not missing, f"{where}: the page promises\n  {missing}\nbut this was printed:\n{told}"
        assert not left or "…" in step.prints, f"{where}: this the page does not say:\n  {left}\nof\n{told}"

    def _call(self, command: str) -> tuple[list[str], int]:
        """Types a command into the shell; returns its lines and its exit code."""
        if self._shell is None:
            pipe = subprocess.PIPE
            self._shell = subprocess.Popen(
                ["bash", "--norc"],
                cwd=self._home,
                env=self._environ | {"GOFER_CLI_HOST": self._address},
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.STDOUT,
            )
        assert self._shell.stdin is not None
        command = command.replace("localhost:8080", self._address)
        # The exit code is put back, so that `echo $?` sees it.
        self._shell.stdin.write(f"{command}\n{{ s=$?; printf '\\n{_MARK} %s\\n' $s; (exit $s); }} 2>&1\n".encode())
        self._shell.stdin.flush()
        lines = [line.replace(str(self._home), "/home/you") for line in _until(self._shell, _MARK)]
        if not lines[-2]:
            del lines[-2]
        return lines[:-1], int(lines[-1].removeprefix(_MARK))

    def _start_server(self, command: str) -> list[str]:
        self._server = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self._home,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed = _until(self._server, "Next: ")
        found = _LISTENS.search("\n".join(printed))
        assert found is not None, printed
        self._address = found[1]
        if self._shell is not None and self._shell.stdin is not None:
            self._shell.stdin.write(f"export GOFER_CLI_HOST={self._address}\n".encode())
        # Which engine answers, and what it says of itself, is the machine's affair.
        return [line for line in printed if not line.startswith(("  engine", "warning: the process engine"))]


def _until(process: subprocess.Popen[bytes], beginning: str) -> list[str]:
    """The lines that it prints, up to one that begins so."""
    assert process.stdout is not None
    text = b""
    deadline = time.monotonic() + _SECONDS
    while not re.search(rb"^" + re.escape(beginning.encode()) + rb".*\n\Z", text, re.MULTILINE):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert piece, f"it {'ended' if ready else 'goes on for too long'} after: {text.decode()}"
        text += piece
    return text.decode().splitlines()


def _difference(promised: list[str], printed: list[str]) -> tuple[list[str], list[str]]:
    """What was promised and not printed, and the other way round."""
    wanted = Counter(_plain(line) for line in promised if line.strip() not in ("", "…"))
    wanted = Counter({line: count for line, count in wanted.items() if not line.startswith("engine ")})
    came = Counter(_plain(line) for line in printed if line.strip())
    came = Counter({line: count for line, count in came.items() if not line.startswith("engine ")})
    return sorted((wanted - came).elements()), sorted((came - wanted).elements())


def _plain(line: str) -> str:
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line.strip()
