"""`gofer pipeline versions …`, and where a run says its version."""

from __future__ import annotations

import getpass
import json

from tests.cli.conftest import Gofer
from tests.support.server import Api


def manifest(name: str) -> dict[str, object]:
    return {"id": "versioned", "name": name, "tasks": [{"id": "t", "image": "i", "script": f"echo {name}"}]}


def test_versions_from_their_registration_to_their_end(gofer: Gofer, server: Api) -> None:
    for name in ("one", "two", "three"):
        path = gofer.home / "versioned.json"
        path.write_text(json.dumps(manifest(name)))
        gofer.ok("pipeline", "create", str(path))
    versions = ("pipeline", "versions")

    listed = gofer.ok(*versions, "list", "versioned").out.splitlines()
    assert listed[0].split() == ["VERSION", "REGISTERED", "BY", "HASH"]
    assert [line.split()[0] for line in listed[1:]] == ["3", "2", "1"]
    assert listed[1].split()[1] == "live"
    assert f"user {getpass.getuser()}" in listed[1]

    long = "Uses the new bucket.\nSee the ticket."
    assert gofer.ok(*versions, "note", "versioned", "1", long).out == "version 1 of versioned noted\n"
    assert gofer.ok(*versions, "note", "versioned", "2", "-", stdin=b"from a pipe\n").out.endswith("noted\n")
    no_text = gofer(*versions, "note", "versioned", "2", "-", stdin=b"\xff\xfe")
    assert (no_text.code, "no text" in no_text.err) == (2, True)
    shown = gofer.ok(*versions, "list", "versioned").out
    assert "Uses the new bucket." in shown
    assert "See the ticket." not in shown
    first = gofer.ok(*versions, "get", "versioned", "1").out
    assert "  See the ticket.\n" in first
    assert "1: t" in first
    live = gofer.ok(*versions, "get", "versioned", "--format", "json").json
    assert (live["number"], live["live"], live["manifest"]["name"]) == (3, True, "three")
    path.write_text(gofer.ok(*versions, "get", "versioned", "1", "--manifest").out)

    assert gofer.ok("run", "start", "versioned").out == "run versioned #1 queued, version 3\n"
    assert gofer.ok("run", "start", "versioned", "--version", "1").out == "run versioned #2 queued, version 1\n"
    server.ended("versioned", 2)
    assert gofer.ok("run", "retry", "versioned", "2").out == "run versioned #3 queued, version 1\n"
    for number in (1, 3):
        server.ended("versioned", number)
    assert [line.split()[4] for line in gofer.ok("run", "list", "versioned").out.splitlines()[1:]] == ["1", "1", "3"]

    used = gofer(*versions, "delete", "versioned", "1")
    assert used.code == 5
    assert "run 3 is of it" in used.err
    going_back = gofer(*versions, "delete", "versioned", "2")
    assert "gofer pipeline rollback leads to it" in going_back.err
    assert "pipeline versioned updated, version 1 " in gofer.ok("pipeline", "create", str(path)).out
    assert gofer.ok(*versions, "delete", "versioned", "2").out == "version 2 of versioned deleted\n"
    gone = gofer("run", "start", "versioned", "--version", "2")
    assert gone.code == 4
    assert "has no version 2 any more" in gone.err
    assert "gofer pipeline versions list versioned" in gone.err
    assert gofer(*versions, "note", "versioned", "2", "x").code == 4
    assert gofer.ok(*versions, "note", "versioned", "1", "").out == "version 1 of versioned has no notes any more\n"
    assert [one["number"] for one in gofer.ok(*versions, "list", "versioned", "--format", "json").json["items"]] == [
        3,
        1,
    ]
    assert "1 (2 in all)" in gofer.ok("pipeline", "get", "versioned").out
