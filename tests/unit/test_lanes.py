"""The two lanes in which all tests run."""

from __future__ import annotations

from tests.lanes import LANES, ROOT


def test_each_folder_of_tests_is_in_exactly_one_lane() -> None:
    there = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(there) == sorted(folder for lane in LANES.values() for folder in lane)
