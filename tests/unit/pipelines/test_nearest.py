from __future__ import annotations

import pytest

from gofer.server.nearest import Nearest


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("dmup", "dump"),
        ("dum", "dump"),
        ("dumpp", "dump"),
        ("DUMP", "dump"),
        ("load_files", "load-files"),
        ("load-fiels-x", "load-files"),
        ("zzz", None),
    ],
)
def test_the_nearest_name(wrong: str, right: str | None) -> None:
    assert Nearest(["dump", "load-files", "check"]).find(wrong) == right


def test_among_thousands_a_single_mistake_is_always_found() -> None:
    nearest = Nearest(f"{'x' * 40}-{i:04d}" for i in range(2_000))
    for i in range(0, 2_000, 7):
        assert nearest.find(f"{'x' * 39}-{i:04d}") is not None
    assert nearest.find("y" * 50) is None


def test_hints() -> None:
    assert Nearest(["dump"]).hint("dmp") == 'Did you mean "dump"?'
    assert Nearest(["a1", "b1"]).hint("zzzz") == 'Known: "a1", "b1".'
    assert Nearest([]).hint("x") == ""
    assert Nearest(f"name{i}" for i in range(50)).hint("zzzz") == ""
    assert Nearest(["a\x1b[31m"]).hint("zz") == "Known: 'a\\x1b[31m'."


def test_long_names_cost_nothing() -> None:
    assert Nearest(["a" * 1_000_000]).find("b" * 1_000_000) is None
