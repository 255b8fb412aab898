"""`gofer pipeline diff` and `gofer pipeline versions diff` against a real server."""

from __future__ import annotations

import json
from typing import Any

from gofer.cli.changes import Changes
from gofer.models.diff import Change
from tests.cli.conftest import Gofer


def write(gofer: Gofer, id_: str, *tasks: dict[str, Any], **fields: Any) -> str:
    path = gofer.home / f"{id_}.json"
    path.write_text(json.dumps({"id": id_, "tasks": list(tasks), **fields}))
    return str(path)


BUILD = {"id": "build", "image": "alpine:3.19", "script": "set -e\nmake clean\nmake\nmake install\n"}
LATER = {**BUILD, "image": "alpine:3.20", "script": "set -e\nmake clean\nmake all\nmake install\n", "timeout": "10m"}
CHECK = {"id": "check", "image": "alpine:3.20", "command": ["true"], "depends_on": [{"task": "build"}]}


def test_task_by_task_and_field_by_field(gofer: Gofer) -> None:
    old = {"id": "old", "image": "i", "command": ["c"]}
    gofer.ok("pipeline", "create", write(gofer, "told", BUILD, old, labels={"team": "a"}))
    path = write(gofer, "told", LATER, CHECK, labels={"team": "b"})
    said = gofer.ok("pipeline", "diff", path)
    assert said.out.splitlines() == [
        f"pipeline told: version 1 → {path}",
        '~ labels[team]: "a" → "b"',
        "~ task build",
        '    ~ image: "alpine:3.19" → "alpine:3.20"',
        "    ~ script:",
        "          set -e",
        "          make clean",
        "        - make",
        "        + make all",
        "          make install",
        '    + timeout: "10m"',
        "+ task check",
        '    + image: "alpine:3.20"',
        '    + command: ["true"]',
        '    + depends_on: [{"task":"build"}]',
        "- task old",
        "1 task added, 1 task changed, 1 task removed, 1 change of the pipeline itself",
    ]
    assert said.err == ""
    assert gofer.ok("pipeline", "get", "told", "--format", "json").json["versions"] == 1

    document = gofer.ok("pipeline", "diff", path, "--format", "json").json
    assert (document["from_version"], document["to_version"]) == (1, 0)
    assert [one["path"] for one in document["changes"]] == [
        "labels[team]",
        "tasks[build].image",
        "tasks[build].script",
        "tasks[build].timeout",
        "tasks[check]",
        "tasks[old]",
    ]

    gofer.ok("pipeline", "create", path)
    assert gofer.ok("pipeline", "diff", path).out == f"pipeline told unchanged: version 2 has the content of {path}\n"
    back = gofer.ok("pipeline", "diff", write(gofer, "told", BUILD, old, labels={"team": "a"})).out
    assert "(the content of version 1)" in back.splitlines()[0]
    assert "the content of" in gofer.ok("pipeline", "diff", path, "--version", "2").out

    between = gofer.ok("pipeline", "versions", "diff", "told", "1", "2").out
    assert between.splitlines()[0] == "pipeline told: version 1 → version 2"
    assert between.splitlines()[1:] == said.out.splitlines()[1:]
    assert gofer.ok("pipeline", "versions", "diff", "told", "1").out == between
    backwards = gofer.ok("pipeline", "versions", "diff", "told", "2", "1", "--format", "json").json
    assert {one["kind"] for one in backwards["changes"]} == {"added", "removed", "changed"}
    assert "unchanged: version 2 has the content of" in gofer.ok("pipeline", "versions", "diff", "told", "2", "2").out
    assert gofer("pipeline", "versions", "diff", "told", "1", "9").code == 4


def test_a_new_pipeline(gofer: Gofer) -> None:
    said = gofer.ok("pipeline", "diff", write(gofer, "not-there", CHECK | {"depends_on": []}, name="N"))
    assert said.out.splitlines()[:3] == ["pipeline not-there is new", '+ name: "N"', "+ task check"]
    assert gofer("pipeline", "get", "not-there").code == 4


def test_what_is_wrong_is_said_as_validate_says_it(gofer: Gofer) -> None:
    for id_ in ("wrong", "no id", ""):
        path = gofer.home / "wrong.json"
        path.write_text(json.dumps({"id": id_, "tasks": [{"id": "a", "image": ""}]}))
        said = gofer("pipeline", "diff", str(path))
        assert (said.code, said.out) == (5, "")
        assert "tasks[0]: " in said.err
    path.write_text(json.dumps({"tasks": []}))
    assert gofer("pipeline", "diff", str(path)).code == 5


def lines(*changes: Change, color: bool = False) -> list[str]:
    return list(Changes(list(changes), color=color).lines())


def changed(field: str, before: Any, after: Any) -> Change:
    return Change(kind="changed", path=field, field=field, before=before, after=after)


def test_colours_tell_what_signs_tell() -> None:
    added = Change(kind="added", path="tasks[a].timeout", task="a", field="timeout", after="1m")
    assert lines(changed("name", "x", "y"), added, color=True) == [
        '\x1b[33m~ name: "x" → "y"\x1b[0m',
        "\x1b[33;1m~ task a\x1b[0m",
        '\x1b[32m    + timeout: "1m"\x1b[0m',
        "\x1b[2m1 task changed, 1 change of the pipeline itself\x1b[0m",
    ]


def test_nothing_in_a_manifest_reaches_the_terminal_as_it_is() -> None:
    evil = "\x1b]0;x\x07"
    for line in lines(changed("name", evil, f"a\n{evil}\n"), changed(f"labels[{evil}]", evil, "x")):
        assert line.isprintable()


def test_texts_that_differ_only_in_how_lines_end_are_shown_whole() -> None:
    assert lines(changed("script", "a\nb", "a\nb\n"))[0] == '~ script: "a\\nb" → "a\\nb\\n"'


def test_of_a_long_text_only_what_is_near_is_shown() -> None:
    before = [f"line {number}" for number in range(100)]
    after = [*before[:10], "other", *before[11:90], *before[91:]]
    shown = lines(changed("script", "\n".join(before), "\n".join(after)))
    assert "    - line 10" in shown
    assert "    + other" in shown
    assert "      …" in shown
    assert "    - line 90" in shown
    assert len(shown) < 20
