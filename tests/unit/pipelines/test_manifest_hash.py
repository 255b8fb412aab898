from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from gofer.models.manifest import Limits, Manifest
from gofer.server.pipelines.manifest_hash import canonical, manifest_hash
from tests.unit.pipelines.building import manifest, needs, task


def test_the_canonical_form_is_sorted_json_without_defaults() -> None:
    text = canonical(manifest(task("a", variables={"B": "2", "A": "1"}), labels={"z": "1", "y": "2"}))
    assert text == (
        b'{"id":"nightly","labels":{"y":"2","z":"1"},"schema_version":1,'
        b'"tasks":[{"id":"a","image":"busybox","variables":{"A":"1","B":"2"}}]}'
    )
    assert manifest_hash(manifest(task("a"))) == hashlib.sha256(canonical(manifest(task("a")))).hexdigest()


def test_the_hash_never_changes() -> None:
    """Stored hashes are compared with it for ever."""
    assert manifest_hash(manifest(task("a"))) == "7a74490f861135b3eae922c7a77c7f9bf605d4b9e5f3eb505030a3194bf563b8"


def test_how_it_was_written_makes_no_difference() -> None:
    one = b'{"id":"a","tasks":[{"id":"x","image":"b","limits":{"cpu":1},"variables":{"A":"1","B":"2"}}]}'
    other = (
        b'{ "tasks": [{"variables": {"B": "2", "A": "\\u0031"}, "image": "b", "id": "x", "limits": {"cpu": 1.0},'
        b' "pull": "if_not_present", "timeout": null, "retries": {"count": 0}}], "schema_version": 1, "id": "a"}'
    )
    first, second = (msgspec.json.decode(text, type=Manifest) for text in (one, other))
    assert manifest_hash(first) == manifest_hash(second)
    assert manifest_hash(msgspec.msgpack.decode(msgspec.msgpack.encode(first), type=Manifest)) == manifest_hash(first)
    # A manifest made in Python may hold 1 where the field is a float.
    made = manifest(task("x", image="b", limits=Limits(cpu=1), variables={"A": "1", "B": "2"}), id="a")
    assert manifest_hash(made) == manifest_hash(first)


@pytest.mark.parametrize(
    "different",
    [
        manifest(task("a"), id="other"),
        manifest(task("a"), name="x"),
        manifest(task("a", command=["x"])),
        manifest(task("a"), task("b")),
        manifest(task("b"), task("a")),
        manifest(task("a"), task("b", depends_on=needs(a="any"))),
    ],
)
def test_other_content_has_another_hash(different: Manifest) -> None:
    assert manifest_hash(different) != manifest_hash(manifest(task("a")))


def test_it_decodes_to_the_same_manifest() -> None:
    full = manifest(task("a", script="é\n"), task("b", "a", when="any", matrix={"k": ["1", "2"]}), run_timeout="1h")
    assert msgspec.json.decode(canonical(full), type=Manifest) == full
    assert canonical(msgspec.json.decode(canonical(full), type=Manifest)) == canonical(full)
    assert json.loads(canonical(full))["schema_version"] == 1
