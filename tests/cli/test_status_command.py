"""`gofer pipeline status` against a real server."""

from __future__ import annotations

import re
from typing import Any

from tests.cli.conftest import Gofer, Said
from tests.support.server import Api
from tests.support.until import until

PIPELINES = "namespaces/default/pipelines"


def store(server: Api, pipeline: str, script: str, *, deploy: bool) -> None:
    load: dict[str, Any] = {"id": "load", "image": "i", "command": ["sh", "-c", script]}
    tasks = [{"id": "fetch", "image": "i", "command": ["true"]}, load | {"depends_on": [{"task": "fetch"}]}]
    server.post(f"{PIPELINES}?deploy={str(deploy).lower()}", {"id": pipeline, "tasks": tasks})


def run(server: Api, pipeline: str, times: int) -> None:
    """So many runs, all of which have ended."""
    for number in [server.start(pipeline) for _ in range(times)]:
        server.ended(pipeline, number)


def lines(said: Said) -> dict[str, str]:
    """What stands behind the first column, by the words in it."""
    found = [re.split(r"  +", line, maxsplit=1) for line in said.out.splitlines()]
    return {pair[0]: pair[1] for pair in found if len(pair) == 2}


def test_two_versions_are_compared(gofer: Gofer, server: Api) -> None:
    store(server, "compared", "true", deploy=True)
    store(server, "compared", "exit 1", deploy=False)
    gofer.ok("pipeline", "deploy", "compared", "--strategy", "ab")
    run(server, "compared", 20)
    said = gofer.ok("pipeline", "status", "compared")
    found = lines(said)
    assert found["live"] == "version 1"
    assert found["status"] == "running"
    assert found["successful runs"].split() == ["10", "0"]
    assert found["failed"].split() == ["0", "10"]
    rate = "100.0 % (72.2 % to 100.0 %)  0.0 % (0.0 % to 27.8 %)  -100.0 points (-100.0 to -60.8)  worse"
    assert re.sub(" {3,}", "  ", found["success rate"]) == rate
    assert found["attempts a run"].split()[:3] == ["2.00", "2.00", "x1.00"]
    assert re.match(r"[\d.]+m?s \([\d.]+m?s to [\d.]+m?s\)", found["duration: median"])
    assert re.match(r"100.0 % -> 100.0 % ", found["fetch"])
    assert re.match(r"100.0 % -> 0.0 % .*worse: success rate", found["load"])
    assert "gofer pipeline promote compared, or gofer pipeline abort compared" in said.err
    shown = gofer.ok("pipeline", "status", "compared", "--format", "json").json
    assert (shown["pipeline"]["version"], shown["deployment"]["number"]) == (1, 2)
    path = f"{PIPELINES}/compared/deployments/2/comparison"
    assert shown["comparison"] == server.get(path)
    assert shown["comparison"]["difference"]["success_rate"]["verdict"] == "worse"


def test_a_canary_says_how_far_it_is_and_what_was_decided(gofer: Gofer, server: Api) -> None:
    store(server, "bird", "true", deploy=True)
    store(server, "bird", "true; true", deploy=False)
    rule = ("--every", "2", "--runs", "3", "--duration-factor", "100")
    gofer.ok("pipeline", "deploy", "bird", "--strategy", "canary", *rule)
    run(server, "bird", 4)
    found = lines(gofer.ok("pipeline", "status", "bird"))
    assert found["rule says"] == "nothing yet"
    assert found["because"].startswith("2 of 3 runs of the new version have ended")
    run(server, "bird", 2)
    done = lines(gofer.ok("pipeline", "status", "bird"))
    assert (done["live"], done["status"], "rule says" in done) == ("version 2", "completed", False)
    assert done["detail"].startswith("3 of 3 runs of the new version succeeded")
    first = gofer.ok("pipeline", "status", "bird", "--deployment", "1")
    assert lines(first)["deployment"] == "1"
    assert "VERSION 1" in first.out
    assert "unclear" not in first.out


def test_where_there_is_nothing_to_compare_it_says_what_to_do(gofer: Gofer, server: Api) -> None:
    store(server, "unborn", "true", deploy=False)
    said = gofer.ok("pipeline", "status", "unborn")
    assert lines(said)["live"] == "none: no version was deployed yet"
    assert "gofer pipeline deploy unborn" in said.err
    gofer.ok("pipeline", "deploy", "unborn")
    assert "SUCCESS" not in gofer.ok("pipeline", "status", "unborn").out.upper()
    missing = gofer("pipeline", "status", "unborn", "--deployment", "7")
    assert missing.code == 4
    assert "has no deployment 7" in missing.err
    assert "gofer pipeline deployments list unborn" in missing.err


def test_a_deployment_that_waits_says_for_what(gofer: Gofer, server: Api) -> None:
    store(server, "waits", "true", deploy=True)
    store(server, "waits", "true; true", deploy=False)
    gofer.ok("pipeline", "disable", "waits")
    gofer.ok("pipeline", "deploy", "waits", "--strategy", "blue_green", "--smoke", "2")
    deployment = f"{PIPELINES}/waits/deployments/2"
    until(lambda: server.get(deployment)["reason"] == "waiting", "the deployment waits")
    found = lines(gofer.ok("pipeline", "status", "waits"))
    assert found["enabled"] == "no: new runs are refused"
    assert "gofer pipeline enable waits" in found["detail"]
    assert (found["rule says"], found["because"]) == ("nothing yet", "0 of 2 smoke runs successful.")
    gofer.ok("pipeline", "enable", "waits")
    until(lambda: server.get(deployment)["status"] == "completed", "the deployment is completed")
    assert lines(gofer.ok("pipeline", "status", "waits"))["live"] == "version 2"
