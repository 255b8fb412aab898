"""What the guide and the how-to pages tell a reader to type does what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT
from tests.docs.console import Page, Reader

DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): Page(path)
    for path in [*sorted(DOCS.glob("guide/*.md")), *sorted(DOCS.glob("how-to/*.md")), DOCS / "tokens.md"]
}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.steps])
def test_page(name: str, reader: Reader) -> None:
    reader.follow(PAGES[name])


def test_the_guide_is_run() -> None:
    assert all(PAGES[f"guide/{name}.md"].steps for name in ("first-pipeline", "first-run"))
    assert sum(len(page.steps) for page in PAGES.values()) > 40


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```console\n$ echo one\ntwo\n```\n", "promises"),
        ("```console\n$ echo one; echo two\none\n```\n", "does not say"),
        ("```console\n$ false\n```\n", "ended with 1"),
        ("```console\n$ gofer run get nothing 1\n```\n", "ended with 4"),
    ],
)
def test_a_page_that_is_wrong_is_found_out(text: str, fault: str, tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(AssertionError, match=fault):
        reader.follow(Page(tmp_path / "page.md"))


def test_a_page_that_is_right(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "page.md").write_text(
        '```sh title="say.sh"\necho "said $1 at 12:30:59"\n```\n'
        "```console\n$ sh say.sh \\\n    that\nsaid that at 01:02:03\n$ seq 5\n1\n…\n5\n$ false\n$ echo $?\n1\n```\n"
    )
    reader.follow(Page(tmp_path / "page.md"))
