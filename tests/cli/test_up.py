"""`gofer up` against a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Gofer
from tests.cli.small_server import Answer, Request, small_server
from tests.support.server import Api


def write(gofer: Gofer, id_: str, script: str = "echo one", **fields: Any) -> str:
    path = gofer.home / f"{id_}.json"
    path.write_text(json.dumps({"id": id_, "tasks": [{"id": "t", "image": "i", "script": script}], **fields}))
    return str(path)


def live(gofer: Gofer, pipeline: str) -> tuple[int, int]:
    """The live version, and how many there are."""
    found = gofer.ok("pipeline", "get", pipeline, "--format", "json").json
    return found["version"], found["versions"]


def test_shows_what_changes_and_registers(gofer: Gofer) -> None:
    said = gofer.ok("up", write(gofer, "upped"))
    assert said.out.splitlines()[:2] == ["pipeline upped is new", "+ task t"]
    assert "pipeline upped created, version 1" in said.out.splitlines()[-1]
    assert "gofer pipeline run upped --follow" in said.err

    path = write(gofer, "upped", "echo two")
    lines = gofer.ok("up", path).out.splitlines()
    assert lines[:-1] == [
        f"pipeline upped: version 1 → {path}",
        "~ task t",
        '    ~ script: "echo one" → "echo two"',
        "1 task changed",
    ]
    assert lines[-1].startswith("pipeline upped updated, version 2 (")
    # The same again: said, nothing done, no error.
    again = gofer.ok("up", path)
    assert again.out.startswith("pipeline upped unchanged: version 2 has the same content")
    assert len(again.out.splitlines()) == 1
    assert live(gofer, "upped") == (2, 2)


def test_create_shows_what_a_new_version_changes(gofer: Gofer) -> None:
    assert "+ task" not in gofer.ok("pipeline", "create", write(gofer, "shown")).out
    said = gofer.ok("pipeline", "create", write(gofer, "shown", "echo two"))
    assert said.out.splitlines()[:-1] == ["~ task t", '    ~ script: "echo one" → "echo two"', "1 task changed"]
    told = gofer.ok("pipeline", "create", write(gofer, "shown", "echo 3"), "--format", "json").json
    assert (told["compared_with"], [one["path"] for one in told["changes"]]) == (2, ["tasks[t].script"])


def test_runs_and_follows(gofer: Gofer) -> None:
    parameters = [{"name": "day", "required": True}]
    said = gofer.ok("up", write(gofer, "ran", 'echo "on $day"', parameters=parameters), "--run", "-p", "day=monday")
    assert "pipeline ran created, version 1" in said.out
    assert "on monday" in said.out
    failed = gofer("up", write(gofer, "ran", "exit 3"), "--run")
    assert failed.code == 1
    assert "pipeline ran updated, version 2" in failed.out
    # Unchanged content is run all the same.
    assert gofer("up", write(gofer, "ran", "exit 3"), "--run").code == 1
    runs = gofer.ok("run", "list", "ran", "--format", "json").json["items"]
    assert [(one["id"], one["version"]) for one in runs] == [(3, 2), (2, 2), (1, 1)]


def test_json_is_one_document_or_a_stream(gofer: Gofer) -> None:
    document = gofer.ok("up", write(gofer, "streamed"), "--format", "json").json
    assert (document["created"], document["version"]) == (True, 1)
    items = gofer.ok("up", write(gofer, "streamed", "echo two"), "--run", "--format", "json").items
    assert (items[0]["type"], items[0]["registered"]["version"]) == ("registered", 2)
    assert [one["path"] for one in items[0]["registered"]["changes"]] == ["tasks[t].script"]
    assert (items[-1]["type"], items[-1]["run"]["status"]) == ("run", "successful")
    silent = gofer.ok("up", write(gofer, "streamed", "echo 3"), "--format", "silent")
    assert (silent.out, silent.err) == ("", "")


def test_without_deploying_the_live_version_stays(gofer: Gofer) -> None:
    gofer.ok("up", write(gofer, "held-back"))
    path = write(gofer, "held-back", "echo two")
    said = gofer.ok("up", path, "--no-deploy", "--notes", "another word")
    assert "pipeline held-back updated, version 2" in said.out
    assert "version 1 is live" in said.err
    assert "gofer pipeline deploy held-back --version 2" in said.err
    assert live(gofer, "held-back") == (1, 2)
    run = gofer.ok("up", path, "--no-deploy", "--run")
    assert "two" in run.out
    assert gofer.ok("run", "get", "held-back", "1", "--format", "json").json["version"] == 2
    assert live(gofer, "held-back") == (1, 2)
    # What is not live is a change still, though no version is new.
    assert '"echo one" → "echo two"' in gofer.ok("pipeline", "diff", path).out
    assert "(the content of version 2)" in gofer.ok("pipeline", "diff", path).out


def test_of_a_pipeline_that_was_never_deployed_the_newest_version_counts(gofer: Gofer) -> None:
    said = gofer.ok("up", write(gofer, "never"), "--no-deploy")
    assert "no version is live" in said.err
    assert live(gofer, "never") == (0, 1)
    assert "version 1 → " in gofer.ok("pipeline", "diff", write(gofer, "never", "echo two")).out
    gofer.ok("up", write(gofer, "never", "echo two"), "--no-deploy")
    path = write(gofer, "never", "echo two")
    assert "unchanged: version 2" in gofer.ok("pipeline", "diff", path).out
    assert "pipeline never updated, version 2" in gofer.ok("up", path).out
    assert live(gofer, "never") == (2, 2)


def test_a_deployment_under_way_is_in_the_way_unless_forced(gofer: Gofer) -> None:
    gofer.ok("up", write(gofer, "busy"))
    gofer.ok("up", write(gofer, "busy", "echo two"), "--no-deploy")
    gofer.ok("pipeline", "deploy", "busy", "--version", "2", "--strategy", "ab")
    path = write(gofer, "busy", "echo 3")
    refused = gofer("up", path)
    assert refused.code == 5
    assert '"echo one" → "echo 3"' in refused.out
    assert "--force" in refused.err
    assert live(gofer, "busy") == (1, 2)
    gofer.ok("up", path, "--force")
    assert live(gofer, "busy") == (3, 3)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-p", "day=monday"], 2, "--run"),
        (["--run", "-p", "day"], 2, "NAME=VALUE"),
    ],
)
def test_a_wrong_call_does_nothing(gofer: Gofer, arguments: list[str], code: int, said: str) -> None:
    refused = gofer("up", write(gofer, "wrong-call"), *arguments)
    assert refused.code == code
    assert said in refused.err
    assert gofer("pipeline", "get", "wrong-call").code == 4


def test_who_may_only_register_is_told_that_changes_are_not_shown(gofer: Gofer) -> None:
    gofer.ok("role", "create", "up-writer", "--allow", "pipelines,deployments:write")
    token = gofer.ok("token", "create", "--role", "up-writer", "--namespace", "default").out.strip()
    gofer.ok("up", write(gofer, "blind"))
    said = gofer("up", write(gofer, "blind", "echo two"), environ={"GOFER_CLI_TOKEN": token})
    assert said.code == 0, said
    assert "pipeline blind updated, version 2" in said.out
    assert "what changes cannot be shown" in said.err
    assert "echo one" not in said.out + said.err


def test_somebody_else_is_faster(gofer: Gofer, server: Api) -> None:
    gofer.ok("up", write(gofer, "raced"))
    other = {"id": "raced", "tasks": [{"id": "t", "image": "i", "script": "echo other"}]}

    def answers(request: Request) -> Answer:
        answer = Answer(*server.raw(request.method, request.target, request.body))
        if "/diff" in request.target:
            server.register(other)
        return answer

    with small_server(answers) as between:
        said = gofer("up", write(gofer, "raced", "echo two"), environ={"GOFER_CLI_HOST": between.address})
    assert (said.code, "somebody was faster" in said.err, "version 2, not 1" in said.err) == (0, True, True)
    assert "pipeline raced updated, version 3" in said.out


def test_what_has_problems_is_not_registered(gofer: Gofer) -> None:
    for arguments in ([], ["--format", "json"], ["--run"]):
        refused = gofer("up", write(gofer, "faulty", tasks=[]), *arguments)
        assert (refused.code, refused.out) == (5, "")
        assert "tasks" in refused.err
    assert gofer("pipeline", "get", "faulty").code == 4
