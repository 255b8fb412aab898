from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from gofer.models.manifest import Dependency, Manifest, Task
from gofer.models.status import TaskStatus
from gofer.server.pipelines.graph import expand
from gofer.server.pipelines.layout import arrange
from gofer.server.pipelines.render import symbol, text_rows, to_mermaid, to_svg, to_text
from tests.unit.pipelines.building import manifest, needs, task

DIAMOND = manifest(
    task("fetch"),
    task("lint", "fetch"),
    task("test", "fetch", matrix={"v": ["1", "2"]}, image="python:matrix{{v}}"),
    task("publish", "lint", "test"),
    task("alert", "test", when="failed"),
    task("report", depends_on=needs(fetch="any", publish="any")),
    task("apart"),
)
EVERY = {node.id: status for node, status in zip(expand(DIAMOND), TaskStatus, strict=True)}
HOSTILE = "</text><script>alert('x')</script>&\"]]>\x00\x1b[31m\ud800"
SVG = "{http://www.w3.org/2000/svg}"


def test_text() -> None:
    assert to_text(DIAMOND) == (
        "○ fetch\n"
        "├─○ lint\n"
        "├─│─○ test-1\n"
        "├─│─│─○ test-2\n"
        "│ └─┼─┼─○ publish\n"
        "└───│─│─┴─○ report  (any: fetch, publish)\n"
        "    └─┴─○ alert  (failed: test-1, test-2)\n"
        "○ apart\n"
    )


def test_text_in_ascii_with_statuses() -> None:
    assert to_text(DIAMOND, EVERY, ascii_only=True) == (
        "o fetch\n"
        "+-q lint\n"
        "+-|-~ test-1\n"
        "+-|-|-> test-2\n"
        "| `-+-+-* publish\n"
        "`---|-|-'-! report  (any: fetch, publish)\n"
        "    `-'-x alert  (failed: test-1, test-2)\n"
        ". apart\n"
    )
    assert to_text(DIAMOND, EVERY, ascii_only=True).isascii()


def test_every_status_has_its_own_symbols() -> None:
    for ascii_only in (False, True):
        assert len({symbol(status, ascii_only=ascii_only) for status in TaskStatus}) == len(TaskStatus)
        assert symbol(None, ascii_only=ascii_only) == symbol(TaskStatus.WAITING, ascii_only=ascii_only)


def test_rows_name_their_nodes() -> None:
    rows = text_rows(expand(DIAMOND))
    assert [row.id for row in rows] == ["fetch", "lint", "test-1", "test-2", "publish", "report", "alert", "apart"]
    assert rows[4].drawing == "│ └─┼─┼─○"


@pytest.mark.parametrize("ascii_only", [False, True])
def test_too_wide_a_graph_is_listed(ascii_only: bool) -> None:
    wide = manifest(*(task(f"t{i}") for i in range(40)), task("join", *(f"t{i}" for i in range(40)), when="any"))
    lines = to_text(wide, ascii_only=ascii_only).splitlines()
    assert len(lines) == 43
    assert lines[0] == "Layer 1 of 2 (40 tasks)"
    assert lines[41] == "Layer 2 of 2 (1 task)"
    parents = ", ".join(f"t{i} (any)" for i in range(6))
    arrow, more = ("<-", "...") if ascii_only else ("←", "…")
    assert lines[42] == f"  {'o' if ascii_only else '○'} join  {arrow} {parents}, {more} 34 more"


def connections(drawing: str, width: int) -> list[tuple[str, str]]:
    """The edges that the rails of a drawing show, read back from it."""
    found: list[tuple[str, str]] = []
    owner: dict[int, str] = {}
    for line in drawing.splitlines():
        rails, name = line[:width], line.split("  (")[0].split()[-1]
        here = next(i for i, c in enumerate(rails) if c == "○")
        for i, c in enumerate(rails):
            if c in "├┼└┴┤┘":
                found.append((owner[i], name))
            if c in "└┴┘":
                del owner[i]
        owner[here] = name
    return sorted(found)


def random_dag(count: int, seed: int, span: int) -> Manifest:
    chance = random.Random(seed)
    return manifest(
        *(
            task(
                f"t{i}",
                *(
                    f"t{p}"
                    for p in sorted(chance.sample(range(max(0, i - span), i), min(i, span, chance.randrange(3))))
                ),
            )
            for i in range(count)
        )
    )


@pytest.mark.parametrize("seed", range(30))
def test_the_rails_show_exactly_the_edges(seed: int) -> None:
    some = random_dag(60, seed, 8)
    drawing = to_text(some)
    width = 64  # names that begin within it hold no rail's character
    expected = sorted((parent.task, child.id) for child in some.tasks for parent in child.depends_on)
    assert connections(drawing, width) == expected


def test_a_long_chain_begins_at_the_left_again() -> None:
    chain = manifest(*(task(f"t{i}", *([f"t{i - 1}"] if i else [])) for i in range(40)))
    lines = to_text(chain).splitlines()
    assert lines[:3] == ["○ t0", "└─○ t1", "  └─○ t2"]
    assert lines[15:18] == ["                            └─○ t15", "○─────────────────────────────┘ t16", "└─○ t17"]
    assert connections(to_text(chain), 31) == sorted((f"t{i}", f"t{i + 1}") for i in range(39))


def test_mermaid() -> None:
    drawing = to_mermaid(
        manifest(task("end"), task("b", "end", when="failed"), task("c", depends_on=needs(b="any", end="successful")))
    )
    assert drawing == (
        'flowchart LR\n  n0["end"]\n  n1["b"]\n  n2["c"]\n  n0 -. failed .-> n1\n  n1 -- any --> n2\n  n0 --> n2\n'
    )


def test_mermaid_with_statuses() -> None:
    drawing = to_mermaid(DIAMOND, {"fetch": TaskStatus.FAILED, "lint": TaskStatus.FAILED, "gone": TaskStatus.FAILED})
    assert "  classDef failed fill:#fee2e2,stroke:#b91c1c\n  class n0,n1 failed\n" in drawing


def test_svg_shows_every_node_and_every_kind_of_edge() -> None:
    root = ET.fromstring(to_svg(DIAMOND))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for name in ("fetch", "lint", "test-1", "test-2", "publish", "alert", "report", "apart", "python:1", "python:2"):
        assert name in texts
    assert {"on success", "on failure", "in any case"} <= set(texts)
    assert len(list(root.iter(f"{SVG}rect"))) == 8


def test_svg_colours_statuses() -> None:
    plain = {rect.get("fill") for rect in ET.fromstring(to_svg(DIAMOND)).iter(f"{SVG}rect")}
    coloured = {rect.get("fill") for rect in ET.fromstring(to_svg(DIAMOND, EVERY)).iter(f"{SVG}rect")}
    assert len(plain) == 1
    assert len(coloured) > 5
    assert "fetch: waiting" in to_svg(DIAMOND, EVERY)


def hostile() -> Manifest:
    odd = Task(id=HOSTILE, image=HOSTILE, description=HOSTILE, matrix={"x": [HOSTILE, "b"]})
    return Manifest(id="a", name=HOSTILE, tasks=[odd, Task(id="b", image="c", depends_on=[Dependency(task=HOSTILE)])])


def test_user_text_is_always_escaped() -> None:
    svg = to_svg(hostile())
    root = ET.fromstring(svg)  # well formed, whatever was in it
    assert not list(root.iter(f"{SVG}script"))
    allowed = {"svg", "title", "g", "path", "rect", "circle", "text"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == allowed
    assert not re.search(r"\b(on\w+|href|style)=", re.sub(r'"[^"]*"', "", svg))
    for line in to_mermaid(hostile()).splitlines():
        assert re.fullmatch(r'[A-Za-z0-9 #;"\[\]._/>-]*', line)


def test_the_manifests_own_ids_are_safe_for_terminals() -> None:
    assert "\x1b" not in to_text(hostile())


@pytest.mark.parametrize("draw", [to_text, to_mermaid, to_svg])
def test_a_drawing_is_always_the_same(draw: Callable[[Manifest], str]) -> None:
    some = random_dag(60, 1, 20)
    assert draw(some) == draw(some)


@pytest.mark.parametrize("draw", [to_text, to_mermaid, to_svg])
@pytest.mark.parametrize("span", [1, 10, 2_000])
def test_two_thousand_tasks(draw: Callable[[Manifest], str], span: int) -> None:
    drawing = draw(random_dag(2_000, span, span))
    assert "t1999" in drawing


def test_what_is_drawn_does_not_overlap() -> None:
    nodes = expand(random_dag(120, 5, 30))
    layout = arrange(nodes, 50.0, 10.0)
    for layer in set(layout.layer):
        ys = sorted((layout.y[v], 50.0 if v < len(nodes) else 10.0) for v, at in enumerate(layout.layer) if at == layer)
        for (upper, height), (lower, below) in pairwise(ys):
            assert lower - upper >= (height + below) / 2 - 0.2
    for line in layout.lines:
        assert layout.layer[line.end] == layout.layer[line.start] + 1


def test_lines_do_not_cross_where_they_need_not() -> None:
    ladder = manifest(task("b1"), task("a1"), task("a2", "a1"), task("b2", "b1"), task("b3", "b2"), task("a3", "a2"))
    nodes = expand(ladder)
    layout = arrange(nodes, 50.0, 10.0)
    y = {node.id: layout.y[node.position] for node in nodes}
    assert y["a1"] == y["a2"] == y["a3"]
    assert y["b1"] == y["b2"] == y["b3"]
