"""What a command does not need it does not import: that is most of the time that a short command takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Gofer

_ASK = """\
import runpy, sys
sys.argv = ["gofer", *sys.argv[1:]]
try:
    runpy.run_module("gofer", run_name="__main__")
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""

NEVER = {"gofer.server", "gofer.engines", "gofer_sdk", "aiosqlite", "aiodocker", "starlette", "uvicorn", "hcl"}
STREAMS = {"asyncio", "websockets", "rich"}


def imported(gofer: Gofer, *arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _ASK, *arguments], env=gofer.environ, capture_output=True, check=True)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("--version", {*NEVER, *STREAMS, "click", "msgspec", "http.client"}),
        ("--help", {*NEVER, *STREAMS, "msgspec", "http.client", "gofer.cli.pipeline"}),
        ("run --help", {*NEVER, *STREAMS, "http.client", "gofer.cli.pipeline", "gofer.cli.compile"}),
        ("pipeline list", {*NEVER, *STREAMS, "ssl", "subprocess", "gofer.cli.run", "gofer.cli.compile"}),
        ("run list", {*NEVER, *STREAMS, "ssl", "subprocess", "gofer.cli.pipeline", "gofer.cli.follow"}),
        ("event list", {*NEVER, *STREAMS, "subprocess"}),
        ("service info", {*NEVER, *STREAMS, "ssl", "subprocess"}),
        ("token list", {*NEVER, *STREAMS, "ssl", "subprocess"}),
        ("service printenv", {*NEVER, *STREAMS, "ssl", "subprocess", "http.client"}),
        ("service init-config", {*NEVER, *STREAMS, "ssl", "subprocess", "http.client"}),
    ],
)
def test_imports(line: str, unwanted: set[str], gofer: Gofer) -> None:
    modules = imported(gofer, *line.split())
    assert modules & unwanted == set()


def test_a_follow_in_a_pipe_needs_no_rich(gofer: Gofer) -> None:
    manifest = b'{"id": "imports", "tasks": [{"id": "x", "image": "i", "command": ["true"]}]}'
    gofer.ok("pipeline", "create", "-", stdin=manifest)
    modules = imported(gofer, "run", "start", "imports", "--follow")
    assert "websockets" in modules
    assert modules & {*NEVER, "rich"} == set()
