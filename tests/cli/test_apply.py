"""`gofer apply` against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer, Said
from tests.cli.terminal import in_terminal
from tests.support.server import Api

SDK = """\
from gofer_sdk import Pipeline, Task

Pipeline({id!r}).tasks(Task("one", "busybox:stable").script({script!r})).emit()
"""


class Folder:
    """A folder of pipelines, applied to a namespace of its own."""

    def __init__(self, gofer: Gofer, namespace: str) -> None:
        gofer.ok("namespace", "create", namespace)
        self.gofer = gofer
        self.namespace = namespace
        self.path = gofer.home / "pipelines"
        self.path.mkdir()

    def python(self, id_: str, script: str = "echo hello", place: str = "") -> Path:
        path = self.path / (place or f"{id_}.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(SDK.format(id=id_, script=script))
        return path

    def json(self, id_: str, **fields: object) -> Path:
        path = self.path / f"{id_}.json"
        path.write_text(json.dumps({"id": id_, "tasks": [{"id": "x", "image": "i", "command": ["true"]}], **fields}))
        return path

    def apply(self, *options: str) -> Said:
        return self.gofer("apply", "pipelines", "--namespace", self.namespace, *options)

    def versions(self) -> dict[str, int]:
        """The live version of each pipeline of the namespace."""
        listed = self.gofer.ok("pipeline", "list", "--namespace", self.namespace, "--all", "--format", "json").json
        return {one["id"]: one["version"] for one in listed["items"]}


@pytest.fixture
def folder(gofer: Gofer, request: pytest.FixtureRequest) -> Folder:
    return Folder(gofer, request.node.name[:60].replace("_", "-"))


def test_a_folder_becomes_the_namespace(folder: Folder) -> None:
    folder.python("alone")
    folder.python("in-folder", place="sub/pipeline.py")
    folder.json("as-json")
    script = folder.path / "generate"
    script.write_text(
        '#!/bin/sh\necho \'{"id": "by-shell", "tasks": [{"id": "x", "image": "i", "command": ["c"]}]}\'\n'
    )
    script.chmod(0o755)
    (folder.path / "README.md").write_text("what this is")
    (folder.path / "_shared.py").write_text("raise SystemExit(1)")
    (folder.path / "data").mkdir()

    plan = folder.apply("--dry-run")
    assert plan.code == 0
    assert "Plan: 4 to create." in plan.out
    assert "README.md" in plan.err
    assert "data" in plan.err
    assert folder.versions() == {}
    done = folder.apply("--yes", "--notes", "the first")
    assert done.code == 0
    assert "pipeline in-folder created, version 1" in done.out
    assert folder.versions() == dict.fromkeys(("alone", "as-json", "by-shell", "in-folder"), 1)
    where = ("--namespace", folder.namespace)
    assert "the first" in folder.gofer.ok("pipeline", "versions", "list", "alone", *where).out

    again = folder.apply("--yes", "--format", "json")
    assert {one["action"] for one in again.json["pipelines"]} == {"unchanged"}
    folder.python("alone", "echo other")
    folder.json("as-json").unlink()
    kept = folder.apply("--yes")
    assert "~ update alone" in kept.out
    assert "script: " in kept.out
    assert "? not in the folder: as-json" in kept.out
    assert folder.versions() == {"alone": 2, "as-json": 1, "by-shell": 1, "in-folder": 1}
    pruned = folder.apply("--yes", "--prune", "--format", "json")
    steps = {one["pipeline"]: (one["action"], one["done"]) for one in pruned.json["pipelines"]}
    assert steps["as-json"] == ("delete", True)
    assert folder.versions() == {"alone": 2, "by-shell": 1, "in-folder": 1}


def test_everything_that_is_wrong_is_said_before_anything_is_changed(folder: Folder) -> None:
    good = folder.python("good")
    (folder.path / "boom.py").write_text("raise RuntimeError('no luck')\n")
    (folder.path / "nothing.json").write_text('{"tasks": []}')
    (folder.path / "moved.json").write_text('{"format": "gofer-pipeline", "format_version": 1}')
    said = folder.apply("--yes")
    assert said.code == 8
    for text in (
        "no luck",
        "nothing.json: The manifest has 1 problem",
        'the field "id" is missing',
        "moved.json is the export of a pipeline",
    ):
        assert text in said.err
    assert "3 pipelines cannot be applied, of a folder of 4; nothing was changed" in said.err
    for name in ("boom.py", "nothing.json", "moved.json"):
        (folder.path / name).unlink()

    twin = folder.python("good", place="twin.py")
    said = folder.apply("--yes")
    assert said.code == 5
    assert f"{Path('pipelines') / twin.name} describes the pipeline good" in said.err
    assert good.name in said.err
    twin.unlink()
    folder.json("wrong", run_timeout="soon")
    folder.json("wrong-too", parallelism={"limit": -1})
    said = folder.apply("--yes")
    assert said.code == 5
    assert "run_timeout" in said.err
    assert "parallelism.limit" in said.err

    # Of every kind at once, as nobody wants to mend one to be told of the next.
    (folder.path / "boom.py").write_text("raise RuntimeError('no luck')\n")
    folder.python("good", place="twin.py")
    said = folder.apply("--yes", "--prune")
    for text in ("no luck", "describes the pipeline good", "run_timeout", "parallelism.limit"):
        assert text in said.err
    assert "4 pipelines cannot be applied, of a folder of 5; nothing was changed" in said.err
    assert folder.versions() == {}


def test_a_frozen_pipeline(folder: Folder) -> None:
    folder.python("calm")
    folder.python("other")
    where = ("--namespace", folder.namespace)
    folder.apply("--yes")
    folder.gofer.ok("pipeline", "freeze", "calm", "--reason", "the audit", *where)
    assert folder.apply("--yes").code == 0
    folder.python("calm", "echo other")
    folder.python("other", "echo other")
    said = folder.apply("--yes")
    assert said.code == 5
    assert "the pipeline calm would be changed, and is frozen" in said.err
    assert "the audit" in said.err
    (folder.path / "calm.py").unlink()
    assert "would be deleted, and is frozen" in folder.apply("--yes", "--prune").err
    assert folder.versions() == {"calm": 1, "other": 1}
    assert folder.apply("--yes").code == 0
    assert folder.versions() == {"calm": 1, "other": 2}


def test_a_deployment_under_way(folder: Folder) -> None:
    path = folder.python("trying")
    where = ("--namespace", folder.namespace)
    folder.apply("--yes")
    folder.python("trying", "echo other")
    folder.apply("--yes", "--no-deploy")
    folder.gofer.ok("pipeline", "deploy", "trying", "--version", "2", "--strategy", "canary", *where)
    path.write_text(SDK.format(id="trying", script="echo third"))
    said = folder.apply("--yes")
    assert said.code == 5
    assert "would be changed, and its deployment 2 is under way" in said.err
    assert folder.versions() == {"trying": 1}
    assert folder.apply("--yes", "--force").code == 0
    assert folder.versions() == {"trying": 3}


def test_versions_that_are_stored_only(folder: Folder) -> None:
    folder.python("later")
    folder.apply("--yes")
    folder.python("later", "echo other")
    stored = folder.apply("--yes", "--no-deploy")
    assert "pipeline later updated, version 2, not live" in stored.out
    assert "= unchanged: later" in folder.apply("--yes", "--no-deploy").out
    assert folder.versions() == {"later": 1}
    assert folder.apply("--yes").code == 0
    assert folder.versions() == {"later": 2}


def test_a_step_that_fails_stops_no_other(folder: Folder, server: Api) -> None:
    """A common task that is not there is known to the server only when the pipeline is registered."""
    folder.json("a-fails", tasks=[{"id": "x", "common_task": "nowhere"}])
    folder.python("b-works")
    said = folder.apply("--yes")
    assert said.code == 5
    assert "pipeline a-fails: " in said.err
    assert "1 of 2 steps could not be done; the others were" in said.err
    assert folder.versions() == {"b-works": 1}
    again = folder.apply("--yes", "--format", "json")
    assert again.code == 5
    steps = {one["pipeline"]: one for one in again.json["pipelines"]}
    assert steps["b-works"]["action"] == "unchanged"
    assert not steps["a-fails"]["done"]
    assert "common task" in steps["a-fails"]["error"]


def test_what_it_asks(folder: Folder) -> None:
    folder.python("asked")
    nobody = folder.apply()
    assert nobody.code == 2
    assert "--yes" in nobody.err
    line = ["apply", "pipelines", "--namespace", folder.namespace]
    for answer, code, versions in ((b"n\n", 1, {}), (b"\x03", 130, {}), (b"\x04", 2, {}), (b"y\n", 0, {"asked": 1})):
        with in_terminal([*GOFER, *line], folder.gofer.environ, folder.gofer.home) as terminal:
            terminal.until_it_asks(b"[y/N]")
            terminal.type(answer)
            assert terminal.wait() == code
            assert b"Traceback" not in terminal.seen
        assert folder.versions() == versions


def test_folders_that_are_none(folder: Folder) -> None:
    assert "holds no pipelines" in folder.apply("--yes", "--prune").err
    missing = folder.gofer("apply", "nowhere", "--yes")
    assert missing.code == 2
    assert "cannot read nowhere" in missing.err
    folder.python("good")
    assert folder.gofer("apply", "pipelines", "--yes", "--namespace", "nobody").code == 4
