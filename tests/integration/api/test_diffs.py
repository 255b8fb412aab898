"""What changes: from version to version, and by a manifest that is not registered yet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.server import ServerThread

PIPELINES = "namespaces/default/pipelines"


def of(image: str = "fake", **fields: Any) -> dict[str, Any]:
    return {"id": "compared", "tasks": [{"id": "t", "image": image, "command": ["say", "hello"]}], **fields}


@pytest.fixture(scope="module", autouse=True)
def compared(server: ServerThread) -> None:
    """A pipeline of two versions; the second is live."""
    for manifest in (of(), of("other", name="N")):
        server.api.register(manifest)


def asked(server: ServerThread, manifest: Any, query: str = "", pipeline: str = "compared") -> tuple[int, Any]:
    return server.api.call("POST", f"{PIPELINES}/{pipeline}/diff{query}", manifest)


def image(before: str, after: str) -> dict[str, str]:
    shared = {"kind": "changed", "path": "tasks[t].image", "task": "t", "field": "image"}
    return {**shared, "before": before, "after": after}


def name(kind: str, before: str | None, after: str | None) -> dict[str, str | None]:
    return {"kind": kind, "path": "name", "task": "", "field": "name", "before": before, "after": after}


def test_a_manifest_is_compared_with_the_live_version_and_not_registered(server: ServerThread) -> None:
    status, answer = asked(server, of("third", name="N"))
    assert (status, answer) == (
        200,
        {
            "namespace": "default",
            "pipeline": "compared",
            "from_version": 2,
            "to_version": 0,
            "changes": [image("other", "third")],
        },
    )
    assert server.api.get(f"{PIPELINES}/compared")["versions"] == 2


def test_the_same_content_has_no_changes(server: ServerThread) -> None:
    answer = asked(server, of("other", name="N", description=""))[1]
    assert (answer["from_version"], answer["to_version"], answer["changes"]) == (2, 2, [])


def test_content_that_an_older_version_has_is_known(server: ServerThread) -> None:
    answer = asked(server, of())[1]
    assert (answer["from_version"], answer["to_version"]) == (2, 1)
    assert answer["changes"] == [name("removed", "N", None), image("other", "fake")]


def test_any_version_may_be_compared_with(server: ServerThread) -> None:
    answer = asked(server, of(name="M"), "?version=1")[1]
    assert (answer["from_version"], answer["changes"]) == (1, [name("added", None, "M")])


def test_of_a_pipeline_that_is_not_there_yet_everything_is_added(server: ServerThread) -> None:
    answer = asked(server, {**of(), "id": "new"}, pipeline="new")[1]
    assert (answer["from_version"], answer["to_version"]) == (0, 0)
    assert [(one["kind"], one["path"]) for one in answer["changes"]] == [("added", "tasks[t]")]
    assert server.api.call("GET", f"{PIPELINES}/new")[0] == 404


def test_from_version_to_version(server: ServerThread) -> None:
    forward = {
        "namespace": "default",
        "pipeline": "compared",
        "from_version": 1,
        "to_version": 2,
        "changes": [name("added", None, "N"), image("fake", "other")],
    }
    assert server.api.get(f"{PIPELINES}/compared/versions/1/diff?with=2") == forward
    assert server.api.get(f"{PIPELINES}/compared/versions/1/diff") == forward
    back = server.api.get(f"{PIPELINES}/compared/versions/2/diff?with=1")
    assert back["changes"] == [name("removed", "N", None), image("other", "fake")]
    assert server.api.get(f"{PIPELINES}/compared/versions/2/diff?with=2")["changes"] == []


@pytest.mark.parametrize(
    ("path", "manifest", "status", "said"),
    [
        ("compared/diff", {**of(), "id": "another"}, 422, "not of"),
        ("compared/diff", {"id": "compared"}, 422, "problem"),
        ("compared/diff?version=9", of(), 404, "no version 9"),
        ("new/diff?version=1", {**of(), "id": "new"}, 404, "no pipeline"),
        ("compared/diff?version=0", of(), 422, "whole number"),
    ],
)
def test_what_cannot_be_compared(server: ServerThread, path: str, manifest: Any, status: int, said: str) -> None:
    got, answer = server.api.call("POST", f"{PIPELINES}/{path}", manifest)
    assert (got, said in answer["detail"]) == (status, True), answer
    assert answer["hint"]


def test_versions_that_are_not_there(server: ServerThread) -> None:
    for path in ("compared/versions/9/diff", "compared/versions/1/diff?with=9", "none/versions/1/diff"):
        status, answer = server.api.call("GET", f"{PIPELINES}/{path}")
        assert status == 404, answer


def test_no_such_namespace(server: ServerThread) -> None:
    assert server.api.call("POST", "namespaces/none/pipelines/compared/diff", of())[0] == 404
