"""`gofer namespace …` and `gofer event …` against a real server."""

from __future__ import annotations

import json
import signal

from tests.cli.conftest import Gofer, Register
from tests.support.server import Api


def test_the_life_of_a_namespace(gofer: Gofer) -> None:
    created = gofer.ok("namespace", "create", "team-a", "--name", "Team A")
    assert created.out == "namespace team-a created\n"
    assert "--namespace team-a" in created.err
    assert gofer("namespace", "create", "team-a").code == 5
    gofer.ok("namespace", "update", "team-a", "--description", "Reports")
    found = gofer.ok("namespace", "get", "team-a", "--format", "json").json
    assert (found["name"], found["description"]) == ("Team A", "Reports")
    assert "team-a" in gofer.ok("namespace", "list").out
    assert gofer("namespace", "update", "team-a").code == 2
    gofer.ok("namespace", "delete", "team-a")
    assert gofer("namespace", "get", "team-a").code == 4
    assert gofer("namespace", "delete", "default").code == 5


def test_the_namespace_comes_from_option_environment_or_file(gofer: Gofer, server: Api) -> None:
    for name in ("by-option", "by-environment", "by-file"):
        gofer.ok("namespace", "create", name)
        server.post(f"namespaces/{name}/pipelines", {"id": name, "tasks": [{"id": "x", "image": "i"}]})
    (gofer.home / ".gofer.hcl").write_text('namespace = "by-file"\n')
    listed = ["pipeline", "list", "--format", "json"]
    environ = {"GOFER_CLI_NAMESPACE": "by-environment"}
    assert gofer(*listed).json["items"][0]["id"] == "by-file"
    assert gofer(*listed, environ=environ).json["items"][0]["id"] == "by-environment"
    assert gofer(*listed, "--namespace", "by-option", environ=environ).json["items"][0]["id"] == "by-option"
    other = gofer.home / "other.hcl"
    other.write_text('namespace = "by-option"\n')
    assert gofer(*listed, "--config", str(other)).json["items"][0]["id"] == "by-option"
    other.write_text('namespase = "x"\n')
    wrong = gofer(*listed, "--config", str(other))
    assert wrong.code == 2
    assert "namespace" in wrong.err


def test_list_events(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    gofer("run", "start", pipeline, "-f")
    run = ["--pipeline", pipeline, "--run", "1", "--format", "json"]
    newest = gofer.ok("event", "list", *run).json["items"]
    oldest = gofer.ok("event", "list", "--from", "0", *run).json["items"]
    assert [event["seq"] for event in newest] == [event["seq"] for event in oldest][::-1]
    assert oldest[0]["kind"] == "run.queued"
    assert oldest[-1]["kind"] == "run.ended"
    later = gofer.ok("event", "list", "--from", str(oldest[2]["seq"]), *run).json["items"]
    assert later == oldest[2:]
    kinds = gofer.ok("event", "list", "--kind", "run.*", "--from", "0", *run).json["items"]
    assert {event["kind"] for event in kinds} == {"run.queued", "run.started", "run.ended"}
    page = gofer.ok("event", "list", "--pipeline", pipeline, "--limit", "1")
    assert "run.ended" in page.out
    assert "--cursor" in page.err


def test_events_of_the_server_itself(gofer: Gofer) -> None:
    assert "server.started" in gofer.ok("event", "list", "--everywhere", "--kind", "server.*").out
    assert "server.started" not in gofer.ok("event", "list", "--all").out


def test_a_wrong_kind_is_explained(gofer: Gofer) -> None:
    said = gofer("event", "list", "--kind", "run.finished")
    assert said.code == 2
    assert "run.*" in said.err
    assert gofer("event", "list", "--run", "1").code == 2


def test_follow_from_the_past_and_what_is_new(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    gofer("run", "start", pipeline, "-f")
    command = ["event", "follow", "--pipeline", pipeline, "--kind", "run.ended", "--format", "json"]
    with gofer.popen(*command, "--from", "1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["run"] == 1
        gofer("run", "start", pipeline, "-f")
        assert json.loads(process.stdout.readline())["run"] == 2
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b""


def test_who_did_what(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    gofer.ok("run", "start", pipeline, "-f")
    path = f"/api/v1/namespaces/default/pipelines/{pipeline}/runs"
    listed = gofer.ok("event", "list", "--audit")
    line = next(line for line in listed.out.splitlines() if f"POST {path}" in line)
    assert [part for part in line.split("  ") if part][2:] == ["local", "127.0.0.1", f"POST {path}", "done"]
    newest = gofer.ok("event", "list", "--by", "local", "--limit", "1", "--format", "json").json["items"][0]
    assert (newest["kind"], newest["data"]["path"], newest["pipeline"]) == ("audit.write", path, pipeline)
    assert "audit." not in gofer.ok("event", "list", "--everywhere", "--all").out
    named = gofer.ok("event", "list", "--kind", "audit.write", "--pipeline", pipeline)
    assert f"POST {path}" in named.out
    assert gofer.ok("event", "list", "--by", "nobody").err == "No such audit events.\n"
    assert gofer("event", "list", "--audit", "--kind", "run.ended").code == 5
    with gofer.popen("event", "follow", "--audit", "--from", "0") as process:
        assert process.stdout is not None
        assert any(f"POST {path}  done" in said.decode() for said in iter(process.stdout.readline, b""))
        process.send_signal(signal.SIGINT)
        process.wait()


def test_what_was_refused(gofer: Gofer, server: Api) -> None:
    status, _ = server.call("GET", "/api/v1/no/such/path", headers={"Authorization": "Bearer garbage"})
    assert status == 401
    with gofer.popen("event", "follow", "--kind", "audit.refused", "--from", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        process.wait()
    assert "anonymous" in line
    assert "GET /api/v1/no/such/path  refused with 401: This is no token that Gofer has made." in line
