"""`gofer pipeline …` against a real server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Gofer, Register
from tests.support.server import Api

SDK = """\
from gofer_sdk import Pipeline, Task

Pipeline({id!r}, "A name").tasks(
    Task("one", "busybox:stable").script({script!r}),
    Task("two", "busybox:stable").depends_on("one").command("true"),
).emit()
"""


def write(gofer: Gofer, id_: str, script: str = "echo hello") -> str:
    path = gofer.home / f"{id_}.py"
    path.write_text(SDK.format(id=id_, script=script))
    return str(path)


def test_create_a_new_version_and_the_same_again(gofer: Gofer) -> None:
    created = gofer.ok("pipeline", "create", write(gofer, "created"))
    assert "pipeline created created, version 1" in created.out
    assert "gofer pipeline run created --follow" in created.err
    assert "unchanged: version 1 has the same content" in gofer.ok("pipeline", "create", write(gofer, "created")).out
    assert "updated, version 2" in gofer.ok("pipeline", "create", write(gofer, "created", "echo other")).out


def test_create_from_stdin_and_as_json(gofer: Gofer) -> None:
    manifest = {"id": "from-stdin", "tasks": [{"id": "x", "image": "busybox:stable", "command": ["true"]}]}
    said = gofer.ok("pipeline", "create", "-", "--format", "json", stdin=json.dumps(manifest).encode())
    assert said.json["pipeline"]["id"] == "from-stdin"
    assert said.json["created"] is True
    assert said.err == ""


def test_create_from_an_executable_and_from_a_folder(gofer: Gofer) -> None:
    script = gofer.home / "generate"
    script.write_text(
        '#!/bin/sh\necho \'{"id": "by-shell", "tasks": [{"id": "x", "image": "i", "command": ["c"]}]}\'\n'
    )
    script.chmod(0o755)
    assert "by-shell created" in gofer.ok("pipeline", "create", str(script)).out
    folder = gofer.home / "folder"
    folder.mkdir()
    Path(write(gofer, "by-folder")).rename(folder / "pipeline.py")
    assert "by-folder created" in gofer.ok("pipeline", "create", str(folder)).out


def test_all_problems_are_shown_with_their_places(gofer: Gofer) -> None:
    manifest = {
        "id": "bad",
        "tasks": [
            {"id": "a", "image": "i", "command": ["c"], "depends_on": [{"task": "nobody"}], "timeout": "soon"},
            {"id": "a", "image": "", "command": ["c"]},
        ],
    }
    path = gofer.home / "bad.json"
    path.write_text(json.dumps(manifest))
    for command in ("create", "validate"):
        said = gofer("pipeline", command, str(path))
        assert said.code == 5
        assert said.out == ""
        for place in ("tasks[0].depends_on[0].task", "tasks[0].timeout", "tasks[1].id"):
            assert place in said.err
    assert gofer("pipeline", "get", "bad").code == 4
    problems = gofer("pipeline", "validate", str(path), "--format", "json")
    assert problems.code == 5
    assert len(problems.json["problems"]) >= 3


def test_validate_a_good_one_registers_nothing(gofer: Gofer) -> None:
    assert "is valid" in gofer.ok("pipeline", "validate", write(gofer, "only-validated")).out
    assert gofer("pipeline", "get", "only-validated").code == 4


def test_a_program_that_fails_is_explained(gofer: Gofer) -> None:
    path = gofer.home / "boom.py"
    path.write_text("def f():\n    return 1 / 0\n\nf()\n")
    said = gofer("pipeline", "create", str(path))
    assert said.code == 8
    assert "boom.py failed with exit code 1" in said.err
    assert "line 2, in f" in said.err
    assert "ZeroDivisionError" in said.err
    assert "gofer/cli" not in said.err


def test_list_get_and_pages(gofer: Gofer, server: Api) -> None:
    gofer.ok("namespace", "create", "many")
    for number in range(3):
        manifest = {"id": f"p{number}", "tasks": [{"id": "x", "image": "i", "command": ["c"]}]}
        server.post("namespaces/many/pipelines", manifest)
    first = gofer.ok("--namespace", "many", "pipeline", "list", "--limit", "2")
    assert "p0" in first.out
    assert "p2" not in first.out
    cursor = first.err.split("--cursor ")[1].split()[0]
    rest = gofer.ok("pipeline", "list", "--namespace", "many", "--cursor", cursor)
    assert "p2" in rest.out
    assert "p0" not in rest.out
    assert rest.err == ""
    everything = gofer.ok("pipeline", "list", "--namespace", "many", "--all", "--format", "json").json
    assert [item["id"] for item in everything["items"]] == ["p0", "p1", "p2"]
    assert everything["next"] is None
    assert "p1" in gofer.ok("pipeline", "get", "p1", "--namespace", "many").out


def test_an_empty_list_says_what_to_do(gofer: Gofer) -> None:
    gofer.ok("namespace", "create", "empty")
    said = gofer.ok("pipeline", "list", "--namespace", "empty")
    assert said.out == ""
    assert "gofer pipeline create" in said.err


def test_disable_and_enable(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    assert "disabled" in gofer.ok("pipeline", "disable", pipeline).out
    refused = gofer("run", "start", pipeline)
    assert refused.code == 5
    assert "enable" in refused.err
    assert "enabled" in gofer.ok("pipeline", "enable", pipeline).out
    assert gofer("pipeline", "run", pipeline, "--follow").code == 0


def test_delete(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    assert gofer.ok("pipeline", "delete", pipeline, "--format", "json").json == {"deleted": pipeline}
    again = gofer("pipeline", "delete", pipeline)
    assert again.code == 4
    assert again.err.startswith("error: ")
    assert "\nhint: " in again.err


def test_graph_of_a_registered_one_and_of_a_file(gofer: Gofer) -> None:
    path = write(gofer, "drawn")
    of_file = gofer.ok("pipeline", "graph", path).out
    gofer.ok("pipeline", "create", path)
    assert gofer.ok("pipeline", "graph", "drawn").out == of_file
    assert "one" in of_file
    assert gofer.ok("pipeline", "graph", "drawn", "--format", "mermaid").out.startswith(("graph", "flowchart"))
    svg = gofer.ok("pipeline", "graph", "drawn", "--format", "svg").out
    assert svg.startswith("<svg")
    assert gofer.ok("--format", "json", "pipeline", "graph", "drawn").json["format"] == "text"


def test_a_description_cannot_move_the_terminal(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]}, description="a\x1b]0;title\x07b\nc")
    said = gofer.ok("pipeline", "get", pipeline)
    assert "\x1b" not in said.out
    assert "a\\x1b]0;title\\x07b\\nc" in said.out
