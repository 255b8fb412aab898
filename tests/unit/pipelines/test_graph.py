from __future__ import annotations

from gofer.server.pipelines.graph import Edge, expand, layers
from gofer.server.pipelines.matrix import combinations, count, node_id
from tests.unit.pipelines.building import manifest, needs, task


def test_nodes_are_in_the_manifests_order_and_know_their_parents() -> None:
    nodes = expand(manifest(task("c", depends_on=needs(a="failed", b="any")), task("a"), task("b", "a")))
    assert [(node.position, node.id, node.parents, node.matrix) for node in nodes] == [
        (0, "c", (Edge(1, "failed"), Edge(2, "any")), {}),
        (1, "a", (), {}),
        (2, "b", (Edge(1, "successful"),), {}),
    ]


def test_a_matrix_is_fanned_out_and_waited_for_as_a_whole() -> None:
    nodes = expand(
        manifest(
            task("start"),
            task("build", "start", matrix={"os": ["linux", "mac"], "arch": ["x86/64", "arm"]}),
            task("join", "build", when="any"),
        )
    )
    # Keys in alphabetical order: arch before os.
    assert [node.id for node in nodes] == [
        "start",
        "build-x86-64-linux",
        "build-x86-64-mac",
        "build-arm-linux",
        "build-arm-mac",
        "join",
    ]
    assert nodes[2].matrix == {"arch": "x86/64", "os": "mac"}
    assert all(node.parents == (Edge(0, "successful"),) for node in nodes[1:5])
    assert nodes[5].parents == tuple(Edge(i, "any") for i in (1, 2, 3, 4))


def test_siblings_share_their_parents_in_memory() -> None:
    values = [str(i) for i in range(300)]
    nodes = expand(manifest(task("a", matrix={"n": values}), task("b", "a", matrix={"n": values})))
    assert len({id(node.parents) for node in nodes[300:]}) == 1


def test_ids_of_odd_values() -> None:
    assert node_id("t", {"v": "3.11"}) == "t-3-11"
    assert node_id("t", {"v": "--a  b/c_d-"}) == "t-a-b-c_d"
    assert node_id("t", {"b": "2", "a": "1"}) == "t-1-2"
    odd = node_id("t", {"v": "日本"})
    assert odd != node_id("t", {"v": "中国"})
    assert odd.isascii()


def test_counting_needs_no_combinations() -> None:
    many = task("t", matrix={f"k{i}": [str(n) for n in range(2_000)] for i in range(10)})
    assert count(many) == 2_000**10
    assert count(task("t")) == 1
    assert list(combinations(task("t"))) == [{}]


def test_layers_follow_the_longest_way() -> None:
    nodes = expand(manifest(task("d", "a", "c"), task("a"), task("b", "a"), task("c", "b"), task("e", "a"), task("f")))
    assert dict(zip((node.id for node in nodes), layers(nodes), strict=True)) == {
        "d": 3,
        "a": 0,
        "b": 1,
        "c": 2,
        "e": 1,
        "f": 0,
    }
    assert layers([]) == []


def test_a_chain_of_two_thousand_needs_no_recursion() -> None:
    chain = manifest(*(task(f"t{i}", *([f"t{i + 1}"] if i < 1_999 else [])) for i in range(2_000)))
    assert layers(expand(chain))[0] == 1_999
