"""`gofer trigger check` on triggers in two languages, and on one that is broken."""

from __future__ import annotations

import hmac
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gofer.models.built_in import BUILT_INS
from tests.cli.conftest import Gofer

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "examples" / "trigger-python" / "new_files.py"
NODE = ROOT / "examples" / "trigger-node"
PUSH = ROOT / "tests" / "unit" / "triggers" / "github_payloads" / "push.json"
TO_FIRST = ["--event-query", "to=default/checked/subscription-1"]
BROKEN = Path(__file__).with_name("broken_trigger.py")


def test_good_and_bad_ones(alone: Gofer, tmp_path: Path) -> None:
    """All at once, as each waits for most of its time."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.csv").touch()
    folder = tmp_path / "node"
    shutil.copytree(NODE, folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)

    check = ("trigger", "check")
    python = (
        "--subscription",
        f"path={tmp_path / 'data'}",
        "--set",
        "look_every=100ms",
        "--",
        sys.executable,
        str(PYTHON),
    )
    node = ("--format", "json", "--subscription", "every=500ms", "--", "node", str(folder / "trigger.js"))
    broken = ("--fire-within", "1s", "--", sys.executable, str(BROKEN))
    with ThreadPoolExecutor() as pool:
        in_python = pool.submit(alone, *check, *python)
        in_node = pool.submit(alone, *check, *node)
        is_broken = pool.submit(alone, *check, *broken)
        as_json = pool.submit(alone, *check, "--format", "json", *broken)

    said = in_python.result()
    assert (said.code, said.err) == (0, ""), said
    assert "ok           tells again of what was not answered\n" in said.out
    assert "not offered  tells the next times\n" in said.out
    assert "FAILED" not in said.out
    assert "not tried" not in said.out

    said = in_node.result()
    assert said.code == 0, said
    assert said.json["passed"]
    outcomes = {step["name"]: step["outcome"] for step in said.json["steps"]}
    assert set(outcomes.values()) == {"ok", "not offered"}, outcomes
    assert outcomes["notices a connection that is silent, and dials again"] == "ok"

    said = is_broken.result()
    assert said.code == 1
    assert (
        "FAILED       answers what it does not know with unknown_kind\n"
        "             expected  an error\n"
        "             came      the reply {}\n"
        '             see       docs/trigger-protocol.md, "Frames"\n'
    ) in said.out
    assert "The last lines of the program" in said.out
    assert "  told of nothing\n" in said.out

    assert as_json.result().code == 1
    failed = failures(as_json.result().json)
    assert not as_json.result().json["passed"]
    assert {
        "sends its own ping": ("a ping within 3 s", "nothing"),
        "tells the next times": ("at most 1 times", "2"),
        "tells of an event": ('"event", a text of 1 to 200 characters', "''"),
        "dials again when the connection is cut": ("it dials", "it ended with code 1"),
        "ends when it is asked to, before it has settings": ("the exit code 0", "1"),
        "ends when SIGTERM comes": ("the close code 1000", "1006"),
    }.items() <= failed.items(), failed


def test_those_that_come_with_gofer(alone: Gofer, tmp_path: Path) -> None:
    """All of them, all at once."""
    push = tmp_path / "push.json"
    shutil.copy(PUSH, push)
    repository = json.loads(push.read_bytes())["repository"]["full_name"]
    signature = hmac.new(b"key", push.read_bytes(), "sha256").hexdigest()
    given = {
        "interval": ["--set", "min_duration=100ms", "--subscription", "every=500ms", "--subscription", "jitter=false"],
        # A minute is too long to wait for.
        "cron": ["--subscription", "expression=* * * * *", "--fire-within", "1s"],
        "pipeline": ["--subscription", "pipeline=other"],
        "webhook": ["--set", "allow_unauthenticated=true", "--subscription", "verify=none", *TO_FIRST],
        "github": [
            *("--set", "secret=key", "--subscription", f"repository={repository}", "--event-body", str(push)),
            *("--event-header", "X-GitHub-Event=push", "--event-header", "X-GitHub-Delivery=1"),
            *("--event-header", f"X-Hub-Signature-256=sha256={signature}"),
        ],
    }
    assert set(given) == set(BUILT_INS["trigger"])
    with ThreadPoolExecutor() as pool:
        checks = {
            name: pool.submit(alone, "trigger", "check", "--format", "json", f"builtin:{name}", *options)
            for name, options in given.items()
        }
    for name, check in checks.items():
        report = check.result().json
        assert report["passed"], (name, failures(report), report["output"])
        outcomes = {step["name"]: step["outcome"] for step in report["steps"]}
        fires = outcomes["tells again of what could not be taken"]
        assert fires == ("not tried" if name == "cron" else "ok"), (name, outcomes)


def failures(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found = (step for step in report["steps"] if step["outcome"] == "failed")
    return {step["name"]: (step["expected"], step["came"]) for step in found}


def test_what_is_asked_wrongly(alone: Gofer) -> None:
    for arguments, words in [
        ((), "Expected an image, builtin:NAME, or a command behind --"),
        (("image:1", "--", "true"), "one of them alone"),
        (("builtin:moon",), 'no built-in trigger "moon". There are: cron'),
        (("--set", "x", "--", "true"), 'expected NAME=VALUE, such as every=1h, got "x"'),
        (("--fire-within", "5", "--", "true"), "not a duration"),
        (("--", "/no/such/program"), '"/no/such/program" cannot be started: No such file or directory'),
        (("--", sys.executable, str(PYTHON)), "Add --subscription path=…"),
        (
            ("--subscription", f"path={BROKEN}", "--", sys.executable, str(PYTHON)),
            "that it takes the subscription",
        ),
    ]:
        said = alone("trigger", "check", *arguments)
        assert said.code in (1, 2)
        assert words in " ".join((said.err + said.out).split()), said
    ended = alone("--format", "json", "trigger", "check", "--", "false")
    assert json.loads(ended.out)["steps"] == [
        {
            "name": "dials, and says hello",
            "section": "Requests of a trigger",
            "outcome": "failed",
            "expected": "it dials",
            "came": "it ended with code 1",
        }
    ]
