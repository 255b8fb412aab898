"""docs/benchmarks.md: made of the results, and of what people wrote about them in benchmarks/notes.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.catalogue import Benchmark
from benchmarks.conditions import Conditions
from benchmarks.results import Result

NOTES = Path(__file__).with_name("notes.md")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

_HEAD = """\
# Benchmarks

Written by `make bench`; the text between the tables is kept in `benchmarks/notes.md`. One figure again:
`python -m benchmarks NAME`. What there is: `python -m benchmarks --list`.
"""
_SECTION = re.compile(r"^## +(\S+) *$", re.MULTILINE)


def page(results: Sequence[tuple[Benchmark, Result]], notes: Mapping[str, str]) -> str:
    """The whole page. `notes`: a benchmark's name, or `method`, and the text that stands beside its tables."""
    parts = [_HEAD, _overview(results), _conditions(results[0][1].conditions), _section("How", notes, "method")]
    for benchmark, result in results:
        parts += [_section(benchmark.about[0].upper() + benchmark.about[1:], notes, benchmark.name)]
        parts += [_tables(benchmark, result)]
    return "\n".join(part for part in parts if part)


def read_notes(text: str) -> dict[str, str]:
    """The sections of the notes, by the word in their heading."""
    parts = _SECTION.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _overview(results: Sequence[tuple[Benchmark, Result]]) -> str:
    rows = [
        (figure.name, figure.wanted, figure.measured, _met(figure.met))
        for _, result in results
        for figure in result.figures
    ]
    return _table(("figure", "to reach", "measured", "met"), rows)


def _conditions(one: Conditions) -> str:
    return "## Conditions\n\n" + _table(
        ("", ""),
        [
            ("Gofer", one.gofer),
            ("CPU", f"{one.cpu}, {one.cores} cores"),
            ("memory", one.memory),
            ("file system", one.disk),
            ("kernel", one.kernel),
            ("Python", one.python),
            ("SQLite", one.sqlite),
            ("Docker Engine", one.docker),
            ("Chromium", one.chromium),
        ],
    )


def _section(title: str, notes: Mapping[str, str], name: str) -> str:
    text = notes.get(name, "")
    return f"## {title}\n" + (f"\n{text}\n" if text else "")


def _tables(benchmark: Benchmark, result: Result) -> str:
    when = f"`{benchmark.name}`, {result.at}, took {result.took:.0f} s; load of the machine before: {result.load:.1f}\n"
    tables = [
        f"**{figure.name}**\n\n"
        + _table(
            ("floor", "to reach", "measured", "met"), [(figure.floor, figure.wanted, figure.measured, _met(figure.met))]
        )
        + (f"\n{figure.note}\n" if figure.note else "")
        for figure in result.figures
    ]
    return "\n".join([*tables, when])


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
