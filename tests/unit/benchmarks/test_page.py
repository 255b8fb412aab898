"""The page of figures, and what it is made of."""

from __future__ import annotations

from pathlib import Path

from benchmarks.catalogue import ALL
from benchmarks.conditions import look
from benchmarks.figure import Figure, percentile
from benchmarks.page import NOTES, page, read_notes
from benchmarks.results import Result, Results


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert percentile([7.0], 0.5) == 7


def test_every_benchmark_says_how_it_measures() -> None:
    assert set(read_notes(NOTES.read_text())) == {"method", *(benchmark.name for benchmark in ALL)}


def test_a_result_is_kept_and_shown(tmp_path: Path) -> None:
    figures = [Figure("a|b", "0", "≤ 1", "2", met=False, note="why"), Figure("c", "–", "≤ 3", "1", met=True)]
    result = Result(look(), figures, "2026-01-01 00:00 UTC", 12.0, 0.1)
    results = Results(tmp_path / "results")
    assert results.get("one") is None
    results.keep("one", result)
    assert results.get("one") == result

    text = page([(ALL[0], result)], {"method": "Carefully.", ALL[0].name: "In words."})
    assert "| a\\|b | ≤ 1 | 2 | **no** |" in text
    assert "| c | ≤ 3 | 1 | yes |" in text
    assert text.index("Carefully.") < text.index("In words.") < text.index("why")
