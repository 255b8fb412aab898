"""Measure, print as it goes, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import uvloop

from benchmarks.catalogue import ALL, Benchmark
from benchmarks.conditions import Conditions, busy, look
from benchmarks.host import work_folder
from benchmarks.page import NOTES, PAGE, page, read_notes
from benchmarks.results import Result, Results


def main() -> int:
    """The exit code: 2 for a wrong name; falling short of a figure is no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; the others keep their last results")
    parser.add_argument("--list", action="store_true", help="show what there is, and measure nothing")
    parser.add_argument("--page", action="store_true", help="write the page from the last results, measure nothing")
    options = parser.parse_args()
    if options.list:
        for benchmark in ALL:
            print(f"{benchmark.name:18} {benchmark.about}")
        return 0
    wrong = set(options.names) - {benchmark.name for benchmark in ALL}
    if wrong:
        parser.error(f"there is no benchmark {', '.join(sorted(wrong))}; --list shows what there is")
    chosen = [benchmark for benchmark in ALL if not options.names or benchmark.name in options.names]
    results = Results(work_folder() / "results")
    if not options.page:
        conditions = look()
        for benchmark in chosen:
            results.keep(benchmark.name, _measure(benchmark, conditions))
    _write(results)
    return 0


def _measure(benchmark: Benchmark, conditions: Conditions) -> Result:
    print(f"{benchmark.name}: {benchmark.about}", flush=True)
    at, load, began = datetime.now(UTC), busy(), time.monotonic()
    figures = uvloop.run(benchmark.measure())
    took = time.monotonic() - began
    for figure in figures:
        verdict = "reached" if figure.met else "FALLS SHORT"
        print(f"  {figure.name}\n    {figure.measured}   (to reach: {figure.wanted}; floor: {figure.floor})  {verdict}")
        if figure.note:
            print(f"    {figure.note}")
    print(f"  took {took:.0f} s", flush=True)
    return Result(conditions, figures, f"{at:%Y-%m-%d %H:%M} UTC", took, load)


def _write(results: Results) -> None:
    found: Sequence[tuple[Benchmark, Result | None]] = [(b, results.get(b.name)) for b in ALL]
    missing = [benchmark.name for benchmark, result in found if result is None]
    if missing:
        print(f"{PAGE.name} is not written: not measured yet: {', '.join(missing)}", file=sys.stderr)
        return
    measured = [(benchmark, result) for benchmark, result in found if result is not None]
    PAGE.write_text(page(measured, read_notes(NOTES.read_text())))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    sys.exit(main())
