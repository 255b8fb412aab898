"""`gofer pipeline deploy`, `rollback`, `promote`, `abort` and `deployments` against a real server."""

from __future__ import annotations

import json

from tests.cli.conftest import Gofer


def register(gofer: Gofer, pipeline: str, name: str, *options: str) -> str:
    """A version whose content only `name` tells from others; what was printed to people."""
    path = gofer.home / f"{pipeline}.json"
    path.write_text(json.dumps({"id": pipeline, "name": name, "tasks": [{"id": "t", "image": "i", "script": "true"}]}))
    said = gofer.ok("pipeline", "create", str(path), *options)
    return said.out + said.err


def live(gofer: Gofer, pipeline: str) -> int:
    found: int = gofer.ok("pipeline", "get", pipeline, "--format", "json").json["version"]
    return found


def test_from_nothing_to_a_rollback(gofer: Gofer) -> None:
    register(gofer, "stored", "one", "--no-deploy")
    assert "was live so far" in gofer("pipeline", "rollback", "stored").err
    said = register(gofer, "steps", "one", "--no-deploy", "--notes", "the first")
    assert "gofer pipeline deploy steps" in said
    [row] = [line for line in gofer.ok("pipeline", "list").out.splitlines() if line.startswith("steps ")]
    assert "none" in row.split()
    refused = gofer("run", "start", "steps")
    assert (refused.code, "gofer pipeline deploy steps" in refused.err) == (5, True)
    assert gofer.ok("pipeline", "deploy", "steps").out == "pipeline steps: version 1 is live\n"
    unchanged = gofer.ok("pipeline", "deploy", "steps", "--version", "1")
    assert unchanged.out == "pipeline steps unchanged: version 1 is live already\n"
    register(gofer, "steps", "two")
    register(gofer, "steps", "three", "--no-deploy")
    assert live(gofer, "steps") == 2
    said3 = gofer.ok("pipeline", "deploy", "steps", "--version", "3", "--notes", "faster")
    assert said3.out == "pipeline steps: version 3 is live (version 2 was)\n"
    back = gofer.ok("pipeline", "rollback", "steps", "--reason", "slower", "--format", "json").json
    assert (back["deployment"]["cause"], back["deployment"]["to_version"], back["changed"]) == ("rollback", 2, True)
    assert (gofer.ok("pipeline", "rollback", "steps").out, live(gofer, "steps")) == (
        "pipeline steps: version 1 is live (version 2 was)\n",
        1,
    )
    nothing = gofer("pipeline", "rollback", "steps")
    assert (nothing.code, "--version" in nothing.err) == (5, True)
    listed = gofer.ok("pipeline", "deployments", "list", "steps")
    assert listed.out.splitlines()[0].split()[:6] == ["DEPLOYMENT", "STRATEGY", "CAUSE", "FROM", "TO", "STATUS"]
    rows = [line.split()[:6] for line in listed.out.splitlines()[1:]]
    assert rows[1] == ["4", "instant", "rollback", "3", "2", "completed"]
    assert [row[0] for row in rows] == ["5", "4", "3", "2", "1"]
    assert "faster" in gofer.ok("pipeline", "deployments", "get", "steps", "3").out
    for missing in (("get", "steps", "9"), ("list", "nothing")):
        assert gofer("pipeline", "deployments", *missing).code == 4


def test_what_is_under_way(gofer: Gofer) -> None:
    register(gofer, "tried", "one")
    register(gofer, "tried", "two", "--no-deploy")
    nothing = gofer("pipeline", "promote", "tried")
    assert (nothing.code, "no deployment" in nothing.err, "version 1 is live" in nothing.err) == (5, True, True)
    started = gofer.ok("pipeline", "deploy", "tried", "--strategy", "canary", "--every", "3", "--runs", "5")
    assert started.out == "deployment 2 of tried started: canary of version 2, version 1 is live\n"
    assert "gofer pipeline status tried" in started.err
    assert "2, under way: gofer pipeline status tried" in gofer.ok("pipeline", "get", "tried").out
    shown = gofer.ok("pipeline", "deployments", "get", "tried", "2").out
    assert "every=3, runs=5, success_margin=5, duration_factor=1.5" in shown
    for command in (("deploy", "tried"), ("rollback", "tried", "--version", "2")):
        refused = gofer("pipeline", *command)
        assert (refused.code, "deployment 2" in refused.err, "abort tried" in refused.err) == (5, True, True)
    # Nothing was live before version 1: what is meant is to go back from version 2.
    back = gofer("pipeline", "rollback", "tried")
    assert (back.code, "deployment 2" in back.err, "abort tried" in back.err) == (5, True, True)
    ended = gofer.ok("pipeline", "abort", "tried", "--reason", "wrong one")
    assert ended.out == "deployment 2 of tried aborted: version 1 stays live\n"
    gofer.ok("pipeline", "deploy", "tried", "--strategy", "ab")
    forced = gofer.ok("pipeline", "deploy", "tried", "--strategy", "canary", "--force").out
    assert forced.splitlines()[0] == "deployment 3 of tried aborted"
    promoted = gofer.ok("pipeline", "promote", "tried", "--deployment", "4").out
    assert (promoted, live(gofer, "tried")) == ("pipeline tried: version 2 is live (version 1 was)\n", 2)
    assert gofer("pipeline", "promote", "tried", "--deployment", "4").code == 5


def test_settings_that_make_no_sense(gofer: Gofer) -> None:
    register(gofer, "odd", "one")
    register(gofer, "odd", "two", "--no-deploy")
    wrong = gofer("pipeline", "deploy", "odd", "--strategy", "ab", "--percent", "0", "--smoke", "2")
    assert (wrong.code, "percent" in wrong.err, "smoke" in wrong.err) == (5, True, True)
    assert gofer("pipeline", "deploy", "odd", "--strategy", "bluegreen").code == 2
    for number in ("nan", "inf", "many"):
        wrong = gofer("pipeline", "deploy", "odd", "--strategy", "canary", "--percent", number)
        assert (wrong.code, f'expected a number, got "{number}"' in wrong.err) == (2, True)
    for command in ("deploy", "rollback"):
        large = gofer("pipeline", command, "odd", "--version", str(10**30))
        assert (large.code, f"version: Expected int <= {2**53 - 1}, got {10**30}" in large.err) == (5, True)
    assert f"it is {10**15}" in gofer("pipeline", "deploy", "odd", "--strategy", "canary", "--runs", str(10**15)).err
    assert gofer("pipeline", "deploy", "odd", "--version", "7").code == 4
    assert "unknown" in gofer("pipeline", "deploy", "odd", "--strategy", "blue-green", "-p", "unknown=1").err
    assert live(gofer, "odd") == 1
