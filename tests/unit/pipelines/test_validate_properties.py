from __future__ import annotations

from itertools import pairwise
from typing import Any

import jsonschema
import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gofer.errors import GoferError
from gofer.models.ids import is_id
from gofer.models.manifest import Dependency, Manifest
from gofer.server.pipelines.advice import advice
from gofer.server.pipelines.decode import decode_manifest
from gofer.server.pipelines.graph import expand, layers
from gofer.server.pipelines.manifest_hash import canonical, manifest_hash
from gofer.server.pipelines.render import to_mermaid, to_svg, to_text
from gofer.server.pipelines.schema import schema
from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.strategies import JSON, NEARLY_MANIFESTS, dags

CHECKER = jsonschema.Draft202012Validator(schema())
ANY_BYTES = st.binary(max_size=200)
QUICK = settings(deadline=None, max_examples=150, derandomize=True)


def encodable(content: Any) -> bool:
    try:
        msgspec.json.encode(content)
        msgspec.msgpack.encode(content)
    except (UnicodeEncodeError, OverflowError):
        return False
    return True


def check(body: bytes, content_type: str) -> None:
    """Decoding and validating give a manifest, problems or a GoferError; a valid manifest can be used."""
    try:
        decoded = decode_manifest(body, content_type)
    except GoferError as error:
        refusal: GoferError | None = error
    else:
        refusal = None
    if refusal is not None:
        assert refusal.status in (400, 413, 422)
        assert refusal.hint
        return
    if validate(decoded):
        return
    nodes = expand(decoded)
    assert len({node.id for node in nodes}) == len(nodes)
    assert all(is_id(node.id) for node in nodes)
    assert len(manifest_hash(decoded)) == 64
    assert isinstance(advice(decoded), list)
    assert to_text(decoded)
    assert to_mermaid(decoded)
    assert to_svg(decoded)


@QUICK
@given(st.one_of(JSON, NEARLY_MANIFESTS).filter(encodable))
def test_arbitrary_json_and_msgpack_never_crash(content: Any) -> None:
    check(msgspec.json.encode(content), "application/json")
    check(msgspec.msgpack.encode(content), "application/msgpack")


@QUICK
@given(ANY_BYTES, st.sampled_from(["application/json", "application/msgpack"]))
def test_arbitrary_bytes_never_crash(body: bytes, content_type: str) -> None:
    check(body, content_type)


@QUICK
@given(dags(), st.data())
def test_a_damaged_manifest_never_crashes(good: Manifest, data: st.DataObject) -> None:
    body = bytearray(msgspec.json.encode(good))
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(body), "application/json")


@QUICK
@given(dags())
def test_valid_graphs_pass_and_satisfy_the_schema(good: Manifest) -> None:
    assert validate(good) == []
    CHECKER.validate(msgspec.to_builtins(good))
    check(canonical(good), "application/json")


@QUICK
@given(dags())
def test_expansion_keeps_the_graph(good: Manifest) -> None:
    nodes = expand(good)
    depth = layers(nodes)
    by_id = {task.id: task for task in good.tasks}
    for node in nodes:
        for edge in node.parents:
            assert depth[edge.parent] < depth[node.position]
        parents = {(nodes[edge.parent].task.id, edge.when) for edge in node.parents}
        assert parents == {(needed.task, needed.when) for needed in node.task.depends_on}
        expected = sum(max(1, len(by_id[d.task].matrix.get("version", []))) for d in node.task.depends_on)
        assert len(node.parents) == expected


@QUICK
@given(dags(), st.data())
def test_one_more_edge_that_closes_a_cycle_is_found(good: Manifest, data: st.DataObject) -> None:
    ancestors: dict[str, set[str]] = {}
    nodes = expand(good)
    for _, node in sorted(zip(layers(nodes), nodes, strict=True), key=lambda pair: pair[0]):
        of_parents = (ancestors[needed.task] | {needed.task} for needed in node.task.depends_on)
        ancestors[node.task.id] = set().union(*of_parents)
    pairs = sorted((above, below) for below, all_above in ancestors.items() for above in all_above)
    assume(pairs)
    above, below = data.draw(st.sampled_from(pairs))
    tasks = [
        msgspec.structs.replace(t, depends_on=[*t.depends_on, Dependency(task=below)]) if t.id == above else t
        for t in good.tasks
    ]
    problems = [p for p in validate(msgspec.structs.replace(good, tasks=tasks)) if "cycle" in p.message]
    assert problems
    for problem in problems:
        way = problem.message.split(": ")[-1].split(" → ")
        assert way[0] == way[-1]
        needs = {t.id: [d.task for d in t.depends_on] for t in tasks}
        assert all(after in needs[before] for before, after in pairwise(way))


@QUICK
@given(dags(), st.data())
def test_a_mutation_is_found_at_its_place(good: Manifest, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(good.tasks) - 1))
    mutations: list[tuple[dict[str, Any], str]] = [
        ({"id": "not an id"}, f"tasks[{i}].id"),
        ({"image": "not an image"}, f"tasks[{i}].image"),
        ({"timeout": "never"}, f"tasks[{i}].timeout"),
        ({"user": "a b"}, f"tasks[{i}].user"),
        ({"script": "param{{ghost}}"}, f"tasks[{i}].script"),
        ({"variables": {"GOFER_X": "1"}}, f"tasks[{i}].variables.GOFER_X"),
        ({"depends_on": [Dependency(task="ghost")]}, f"tasks[{i}].depends_on[0].task"),
        ({"depends_on": [Dependency(task=good.tasks[i].id)]}, f"tasks[{i}].depends_on[0].task"),
        ({"matrix": {"a": ["x", "x"]}}, f"tasks[{i}].matrix.a[1]"),
    ]
    change, place = data.draw(st.sampled_from(mutations))
    tasks = list(good.tasks)
    tasks[i] = msgspec.structs.replace(tasks[i], **change)
    found = [problem.place for problem in validate(msgspec.structs.replace(good, tasks=tasks))]
    assert place in found
    if "id" not in change:
        assert found == [place]
