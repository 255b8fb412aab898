"""Every block of Python in the guide runs; those marked `raises` raise what the guide says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from gofer.models.manifest import Manifest
from gofer.server.pipelines.validate import validate
from gofer_sdk import CommonTask, Pipeline, PipelineError, Task
from gofer_sdk.client import Client, Objects

ROOT = Path(__file__).parents[3]
GUIDES = [ROOT / "docs" / "sdk.md", ROOT / "sdk" / "python" / "README.md"]
_BLOCK = re.compile(r"^```python( raises)?\n(.*?)^```\n(?:\n```text\n(.*?)\n```\n)?", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    path: Path
    line: int
    source: str
    raises: str | None


def blocks() -> list[Block]:
    found = []
    for path in GUIDES:
        text = path.read_text()
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start(2))
            found.append(Block(path, line, match[2], match[3] if match[1] else None))
    return found


def execute(block: Block) -> dict[str, object]:
    """The names that the block leaves. Lines are those of the guide, so that tracebacks and the SDK can read them."""
    scope: dict[str, object] = {"__name__": "snippet"}
    exec(compile("\n" * block.line + block.source, block.path, "exec"), scope)
    return scope


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.path.name}:{block.line}")
def test_block(block: Block) -> None:
    if block.raises is not None:
        with pytest.raises(PipelineError) as caught:
            execute(block)
        assert str(caught.value) == block.raises
        return
    pipeline = execute(block).get("pipeline")
    if isinstance(pipeline, Pipeline):
        assert validate(msgspec.convert(pipeline.manifest(), Manifest)) == []


def test_there_are_blocks_and_each_error_has_its_text() -> None:
    found = blocks()
    assert len(found) == sum(path.read_text().count("```python") for path in GUIDES) > 10
    assert sum(block.raises is not None for block in found) == sum(
        path.read_text().count("```python raises") for path in GUIDES
    )


@pytest.mark.parametrize("kind", [Task, CommonTask, Pipeline, Client, Objects])
def test_the_reference_names_every_method(kind: type) -> None:
    reference = GUIDES[0].read_text().partition("## Reference")[2]
    methods = [name for name in dir(kind) if not name.startswith("_")]
    assert [name for name in methods if not re.search(rf"[`.]{name}[(`]", reference)] == []
