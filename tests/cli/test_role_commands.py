"""`gofer role …` against a real server."""

from __future__ import annotations

import json

from tests.cli.conftest import Gofer, Register


def test_the_life_of_a_role(gofer: Gofer) -> None:
    created = gofer.ok("role", "create", "watch", "--allow", "runs,logs:read,run", "--allow", "secrets:read@nightly/*")
    assert created.out == "role watch created\n"
    assert "--role watch" in created.err
    assert gofer("role", "create", "watch", "--allow", "runs:read").code == 5
    found = gofer.ok("role", "get", "watch", "--format", "json").json
    assert found["permissions"] == [
        {"resources": ["runs", "logs"], "actions": ["read", "run"]},
        {"resources": ["secrets"], "actions": ["read"], "names": ["nightly/*"]},
    ]
    shown = gofer.ok("role", "get", "watch").out
    assert "runs,logs:read,run" in shown
    assert "secrets:read@nightly/*" in shown
    gofer.ok("role", "update", "watch", "--description", "For the screen")
    assert len(gofer.ok("role", "get", "watch", "--format", "json").json["permissions"]) == 2
    gofer.ok("role", "update", "watch", "--allow", "runs:read")
    changed = gofer.ok("role", "get", "watch", "--format", "json").json
    assert (changed["description"], len(changed["permissions"])) == ("For the screen", 1)
    listed = gofer.ok("role", "list").out
    assert "watch" in listed
    assert "operator" in listed
    assert gofer.ok("role", "delete", "watch", "--format", "json").json == {"deleted": "watch", "tokens": []}
    assert gofer("role", "get", "watch").code == 4


def test_a_role_in_a_file(gofer: Gofer) -> None:
    file = gofer.home / "role.json"
    file.write_text(gofer.ok("role", "get", "viewer", "--format", "json").out)
    wrong = gofer("role", "create", "seer", "--file", str(file))
    assert wrong.code == 2
    assert '"viewer"' in wrong.err
    role = json.loads(file.read_text())
    del role["id"]
    gofer.ok("role", "create", "seer", "--file", "-", stdin=json.dumps(role).encode())
    made = gofer.ok("role", "get", "seer", "--format", "json").json
    assert (made["permissions"], made["description"]) == (role["permissions"], role["description"])
    file.write_text(json.dumps({"permissions": [{"resources": ["runs"], "actions": ["read"]}]}))
    gofer.ok("role", "update", "seer", "--file", str(file), "--description", "Sees")
    changed = gofer.ok("role", "get", "seer", "--format", "json").json
    assert (changed["description"], len(changed["permissions"])) == ("Sees", 1)
    for text in ("{", '{"permisions": []}', '{"permissions": [1]}'):
        file.write_text(text)
        said = gofer("role", "update", "seer", "--file", str(file))
        assert said.code == 2
        assert "is not a role" in said.err
    assert "cannot be read" in gofer("role", "update", "seer", "--file", "nowhere.json").err
    gofer.ok("role", "delete", "seer")


def test_what_is_wrong_is_said_all_at_once(gofer: Gofer) -> None:
    said = gofer("role", "create", "odd", "--allow", "run:raed", "--allow", "system:read@a")
    assert said.code == 5
    for part in ('Did you mean "runs"?', 'Did you mean "read"?', '"system" has no names'):
        assert part in said.err
    for arguments in (["--allow", "runs"], [], ["--allow", "runs:read", "--file", "x"]):
        assert gofer("role", "create", "odd", *arguments).code == 2
    assert gofer("role", "update", "odd").code == 2
    assert gofer("role", "update", "admin", "--allow", "runs:read").code == 5
    assert gofer("role", "delete", "admin", "--force").code == 5
    assert gofer("role", "delete", "nothing").code == 4


def test_who_may_not_look_at_pipelines_follows_runs_all_the_same(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "says", "command": ["echo", "hello"]})
    allowed = ["--allow", f"runs:read,run@{pipeline}", "--allow", f"logs,events:read@{pipeline}"]
    gofer.ok("role", "create", "starter", *allowed)
    token = gofer.ok("token", "create", "--role", "starter", "--namespace", "default").out.strip()
    said = gofer("run", "start", pipeline, "--follow", environ={"GOFER_CLI_TOKEN": token})
    assert (said.code, "says | hello" in said.out) == (0, True), said
    assert gofer("pipeline", "get", pipeline, environ={"GOFER_CLI_TOKEN": token}).code == 5
    gofer.ok("role", "delete", "starter", "--force")
