from __future__ import annotations

from pathlib import Path

from gofer.config.hcl_file import parse
from gofer.config.reference import page

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_in_step_with_the_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m gofer.config.reference > docs/configuration.md"


def test_the_example_can_be_read() -> None:
    example = page().split("```hcl\n")[1].split("```")[0]
    assert "scheduler.docker.start_concurrency" in {entry.key for entry in parse(example, "example").entries}
