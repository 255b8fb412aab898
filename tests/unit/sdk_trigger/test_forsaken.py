"""A trigger whose Gofer never comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gofer_sdk.trigger import runtime
from gofer_sdk.trigger.dial import Address
from gofer_sdk.trigger.event_fields import event_fields
from gofer_sdk.trigger.runtime import FORSAKEN, Runtime
from tests.unit.sdk_trigger.every import Every


async def test_it_ends_after_a_while_unless_an_event_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_LONGEST_ALONE", 0.2)
    address = Address(name="every", url="ws://gofer/", secret="s", socket=str(tmp_path / "nobody.sock"))
    assert await Runtime(Every(), address, "test").serve() == FORSAKEN
    holds_on = Runtime(Every(), address, "test")
    serving = asyncio.create_task(holds_on.serve())
    event = asyncio.create_task(holds_on.fire(event_fields(None, "e", {}, "skip", "", None, 1)))
    # It dials for a second time after more than that while.
    assert await asyncio.wait({serving}, timeout=1.0) == (set(), {serving})
    event.cancel()
    serving.cancel()
    await asyncio.gather(serving, event, return_exceptions=True)
