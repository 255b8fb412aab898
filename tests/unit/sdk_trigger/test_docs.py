"""The blocks of Python in docs/triggers.md, and the examples."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from gofer_sdk.testing import running
from gofer_sdk.trigger import Refused

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


async def test_the_page() -> None:
    blocks = _BLOCK.findall((ROOT / "docs" / "triggers.md").read_text())
    scope: dict[str, object] = {"__name__": "snippet"}
    for block in blocks:
        exec(compile(block, "docs/triggers.md", "exec", dont_inherit=True), scope)
    test = scope["test_it_fires"]
    assert callable(test)
    await test()


async def test_the_example_tells_of_each_file_once(tmp_path: Path) -> None:
    trigger = runpy.run_path(str(ROOT / "examples" / "trigger-python" / "new_files.py"))["NewFiles"]
    async with running(trigger) as t:
        with pytest.raises(Refused, match="not a folder"):
            await t.subscribe("files", {"path": str(tmp_path / "none")})
        await t.subscribe("files", {"path": str(tmp_path), "pattern": "*.csv"})
        (tmp_path / "no.txt").touch()
        for name in ("one.csv", "two.csv"):
            (tmp_path / name).touch()
            await t.clock.advance("10s")
            event = await t.fired()
            assert event.event.startswith(name)
            assert event.variables == {"FILE": str(tmp_path / name)}
        await t.clock.advance("30s")
        assert t.events.empty()
