"""Whatever comes as an export: it is taken for what it is, or refused with a reason."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gofer.errors import GoferError, InvalidInput
from gofer.models.export import ExportedPipeline, ExportedVersion
from gofer.models.manifest import Manifest
from gofer.server.pipelines.check_export import check_export
from gofer.server.pipelines.decode_export import decode_export
from gofer.server.pipelines.manifest_hash import manifest_hash
from tests.unit.pipelines.strategies import JSON, NEARLY_MANIFESTS, dags
from tests.unit.pipelines.test_validate_properties import encodable

QUICK = settings(deadline=None, max_examples=60, derandomize=True)
TIMES = st.integers(0, 2**53 - 1)
HOLDS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["paused", "frozen", "deprecated"]), "at": TIMES | JSON}, optional={"reason": JSON}
    ),
    max_size=3,
)
VERSIONS = st.lists(
    st.fixed_dictionaries(
        {"number": st.integers(-1, 5) | JSON, "hash": st.text(max_size=64), "created_at": TIMES | JSON},
        optional={"manifest": NEARLY_MANIFESTS, "notes": JSON, "registered_by": st.text(max_size=10), "holds": HOLDS},
    ),
    max_size=3,
)
NEARLY_EXPORTS = st.fixed_dictionaries(
    {"format": st.just("gofer-pipeline") | JSON, "format_version": st.sampled_from([1, 2]) | JSON},
    optional={
        "pipeline": st.sampled_from(["nightly", "", "a b"]) | JSON,
        "live_version": st.integers(-1, 5) | JSON,
        "versions": VERSIONS | JSON,
        "holds": HOLDS | JSON,
        "subscriptions": st.lists(st.dictionaries(st.sampled_from(["label", "trigger", "settings"]), JSON)) | JSON,
        "other": JSON,
    },
)


def check(body: bytes, content_type: str) -> None:
    """It is taken, or refused as the sender's fault."""
    try:
        check_export(decode_export(body, content_type))
    except GoferError as error:
        refusal = error
    else:
        return
    assert refusal.status in (400, 422)
    assert refusal.hint
    if isinstance(refusal, InvalidInput):
        assert refusal.problems


@QUICK
@given(NEARLY_EXPORTS | JSON)
def test_anything_is_judged(content: Any) -> None:
    assume(encodable(content))
    check(msgspec.msgpack.encode(content), "application/msgpack")
    check(msgspec.json.encode(content), "application/json")


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(body: bytes) -> None:
    check(body, "application/json")
    check(body, "application/msgpack")


@QUICK
@given(st.lists(dags(), min_size=1, max_size=3, unique_by=manifest_hash), st.booleans())
def test_what_was_exported_is_taken(manifests: list[Manifest], binary: bool) -> None:
    pipeline = manifests[0].id
    same = [msgspec.structs.replace(one, id=pipeline) for one in manifests]
    known = {manifest_hash(one): one for one in same}
    versions = [
        ExportedVersion(number=number, hash=hash_, created_at=1, manifest=one)
        for number, (hash_, one) in enumerate(known.items(), 1)
    ]
    document = ExportedPipeline(
        format="gofer-pipeline", format_version=1, pipeline=pipeline, live_version=len(versions), versions=versions
    )
    body = msgspec.msgpack.encode(document) if binary else msgspec.json.encode(document)
    read = decode_export(body, "application/msgpack" if binary else "application/json")
    assert read == document
    checked = check_export(read)
    assert [msgspec.json.decode(one.json, type=Manifest) for one in checked] == list(known.values())
