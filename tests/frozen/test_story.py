"""What README.md tells a newcomer, with the one file and nothing else: no Python, for one user no name either, and no
place to write but /tmp."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

import gofer
from tests.frozen.box import FILES, Box, Said
from tests.support.program import ROOT


@pytest.fixture(scope="module", autouse=True)
def _examples(files: Path) -> None:
    shutil.copytree(ROOT / "examples", files / "examples", ignore=shutil.ignore_patterns("__pycache__"))


class Story:
    """The story of one user, with one engine and one server."""

    def __init__(self, box: Box, engine: str, address: str, environ: Mapping[str, str]) -> None:
        self.box = box
        self.engine = engine
        self.environ = {**environ, "GOFER_CLI_HOST": address}

    def ok(self, *arguments: str, stdin: bytes = b"") -> Said:
        return self.box.ok(*arguments, stdin=stdin, environ=self.environ)

    def tell(self) -> None:
        self.register()
        self.run()
        self.look_back()
        self.look_around()

    def register(self) -> None:
        said = self.ok("pipeline", "create", f"{FILES}/examples/simple.py")
        assert "pipeline simple created, version 1" in said.out
        again = self.ok("--format", "json", "pipeline", "create", f"{FILES}/examples/simple.py")
        assert again.json["version"] == 1
        assert self.ok("--format", "json", "pipeline", "get", "simple").json["id"] == "simple"
        assert "simple" in self.ok("pipeline", "list").out

    def run(self) -> None:
        said = self.ok("pipeline", "run", "simple", "--follow")
        assert "hello | Hello from Gofer" in said.out + said.err
        assert "run simple #1 successful" in said.out + said.err
        assert self.ok("run", "follow", "simple", "1").code == 0

    def look_back(self) -> None:
        assert self.ok("taskrun", "logs", "simple", "1", "hello").out == "Hello from Gofer\n"
        assert "Good-bye" in self.ok("taskrun", "logs", "simple", "1", "goodbye").out
        assert self.ok("--format", "json", "run", "get", "simple", "1").json["status"] == "successful"
        assert "successful" in self.ok("run", "list", "simple").out
        events = self.ok("--format", "json", "event", "list").json["items"]
        assert {"pipeline.created", "run.ended"} <= {event["kind"] for event in events}

    def look_around(self) -> None:
        info = self.ok("--format", "json", "service", "info").json
        assert info["engine"]["name"] == self.engine
        doctor = self.box.gofer("--format", "json", "service", "doctor", environ=self.environ)
        assert doctor.code == 0, doctor
        found = {one["name"]: one["level"] for one in doctor.json}
        assert found["database"] == "ok"
        assert "error" not in found.values()
        made_of = self.ok("version", "--json").json
        assert made_of["version"] == made_of["server"] == gofer.__version__
        assert made_of["libraries"]["uvicorn"]


def tell(box: Box, engine: str, **environ: str) -> None:
    storage = box.sh("mktemp -d").strip()
    try:
        with box.serving("--engine", engine, "--storage", storage, environ=environ) as address:
            Story(box, engine, address, environ).tell()
    finally:
        box.sh(f"rm -r {storage}")
    assert box.sh("ls /tmp") == ""


@pytest.mark.parametrize("engine", ["docker", "process"])
def test_as_root(box: Box, engine: str) -> None:
    tell(box, engine)


@pytest.mark.parametrize("engine", ["docker", "process"])
def test_as_a_user_without_a_name_on_a_read_only_disk(user_box: Box, engine: str) -> None:
    tell(user_box, engine, HOME="/tmp")


def test_without_a_home_and_with_the_plainest_locale(box: Box) -> None:
    plain = ["env", "-i", f"PATH={box.sh('printf %s $PATH')}", "LANG=C", "LC_ALL=POSIX", "gofer"]
    said = box.run(*plain, "local", "run", f"{FILES}/examples/simple.py", "--engine", "process")
    assert said.code == 0, said
    assert "✔ run simple" in said.out + said.err
    assert box.run(*plain, "--version").out == f"gofer {gofer.__version__}\n"


@pytest.mark.parametrize("engine", ["docker", "process"])
def test_a_run_without_a_server(box: Box, engine: str) -> None:
    said = box.ok("local", "run", f"{FILES}/examples/dag.py", "--engine", engine)
    assert "run dag #1 successful" in said.out + said.err
    assert box.sh("ls /tmp") == ""


def test_the_shell_is_told_what_there_is(box: Box) -> None:
    script = 'eval "$(gofer completion bash)"; COMP_WORDS=(gofer pipeline ru); COMP_CWORD=2; '
    script += '_gofer_completion gofer ru pipeline; echo "${COMPREPLY[@]}"'
    said = box.run("bash", "-c", script)
    assert (said.code, said.out.split(), said.err) == (0, ["run"], "")


def test_there_is_no_python_in_the_box(box: Box) -> None:
    """Else all this would show nothing."""
    assert box.run("sh", "-c", "ls /usr/bin/python* /usr/lib/python*").out == ""
