"""`gofer pipeline pause`, `freeze`, `deprecate` and what ends them, against a real server."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Gofer
from tests.support.server import Api

TASK = {"id": "t", "image": "busybox:stable", "command": ["true"]}


def test_a_pause_from_its_beginning_to_its_end(gofer: Gofer, server: Api) -> None:
    server.register({"id": "paused", "tasks": [TASK]})
    said = gofer.ok("pipeline", "pause", "paused", "--reason", "the disk is full")
    assert said.out.startswith("pipeline paused paused since ")
    assert said.out.endswith(": the disk is full\n")
    assert "gofer pipeline resume paused" in said.err
    started = gofer.ok("pipeline", "run", "paused")
    assert started.out == "run paused #1 queued, version 1\n"
    assert "The pipeline is paused" in started.err
    assert "the disk is full" in gofer.ok("run", "get", "paused", "1").out
    assert "the disk is full" in gofer.ok("run", "list", "paused").out
    assert "the disk is full" in gofer.ok("pipeline", "get", "paused").out
    listed = gofer.ok("pipeline", "list").out.splitlines()
    assert next(line for line in listed if line.startswith("paused ")).split()[1:3] == ["yes", "paused"]
    assert gofer.ok("pipeline", "resume", "paused").out == "pipeline paused is no longer paused\n"
    assert gofer.ok("run", "follow", "paused", "1").code == 0
    again = gofer.ok("pipeline", "resume", "paused")
    assert again.out == "pipeline paused is not paused\n"
    assert gofer.ok("pipeline", "resume", "paused", "--format", "json").json["lifted"] is False
    assert gofer.ok("pipeline", "run", "paused", "--format", "json").json["warnings"] == []


def test_a_freeze_names_who_when_and_why(gofer: Gofer, server: Api) -> None:
    server.register({"id": "frozen", "tasks": [TASK]})
    hold = gofer.ok("pipeline", "freeze", "frozen", "--reason", "month's end", "--format", "json").json
    assert (hold["kind"], hold["reason"]) == ("frozen", "month's end")
    assert hold["by"].startswith("user ")
    path = gofer.home / "frozen.json"
    path.write_text(json.dumps({"id": "frozen", "name": "Other", "tasks": [TASK]}))
    for refused in (gofer("pipeline", "create", str(path)), gofer("pipeline", "delete", "frozen")):
        assert refused.code == 5
        for told in ("frozen", hold["by"], "month's end", "gofer pipeline unfreeze frozen"):
            assert told in refused.err
    gofer.ok("pipeline", "run", "frozen", "--follow")
    gofer.ok("pipeline", "unfreeze", "frozen")
    assert "updated, version 2" in gofer.ok("pipeline", "create", str(path)).out
    frozen = gofer.ok("pipeline", "freeze", "frozen", "--version", "1", "--format", "json").json
    assert frozen["kind"] == "frozen"
    assert "frozen" in gofer.ok("pipeline", "versions", "get", "frozen", "1").out
    refused = gofer("pipeline", "delete", "frozen")
    assert "gofer pipeline unfreeze frozen --version 1" in refused.err
    gofer.ok("pipeline", "unfreeze", "frozen", "--version", "1")
    gofer.ok("pipeline", "delete", "frozen")


def test_who_uses_what_is_deprecated_is_warned(gofer: Gofer, server: Api) -> None:
    server.register({"id": "old", "tasks": [TASK]})
    gofer.ok("pipeline", "deprecate", "old", "-m", "use the new one")
    gofer.ok("pipeline", "deprecate", "old", "-m", "slow", "--version", "1")
    for said in (gofer.ok("pipeline", "run", "old", "--follow"), gofer.ok("run", "retry", "old", "1")):
        assert "The pipeline old is deprecated" in said.err
        assert "use the new one" in said.err
        assert "Version 1 of it is deprecated" in said.err
    gofer.ok("pipeline", "undeprecate", "old")
    assert "The pipeline old" not in gofer.ok("pipeline", "run", "old").err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("pause", "nowhere"), 4, "There is no pipeline"),
        (("pause", "held", "--version", "9"), 4, "has no version 9"),
        (("pause", "held", "--version", "1"), 5, "while it is live"),
        (("freeze", "held", "-m", "x" * 1001), 5, "reason: Expected str of length <= 1000, got one of 1001 characters"),
        (("resume", "held", "--version", "9"), 4, "has no version 9"),
        (("pause", "../x"), 5, "not a valid pipeline id"),
    ],
)
def test_what_cannot_be(gofer: Gofer, server: Api, arguments: tuple[str, ...], code: int, told: str) -> None:
    server.register({"id": "held", "tasks": [TASK]})
    refused = gofer("pipeline", *arguments)
    assert refused.code == code
    assert told in refused.err
