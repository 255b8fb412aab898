"""Masks that are made outside the event loop, and kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import pytest

from gofer.server.logs import mask_forms
from gofer.server.logs.mask_cache import MaskCache


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[frozenset[str], threading.Thread]]:
    """For what values masks were made, and in which thread."""
    found = []
    forms = mask_forms.forms

    def noted(values: Iterable[str]) -> set[bytes]:
        found.append((frozenset(values), threading.current_thread()))
        return forms(values)

    monkeypatch.setattr(mask_forms, "forms", noted)
    return found


Made = list[tuple[frozenset[str], threading.Thread]]


async def test_they_are_made_once_and_not_in_the_event_loop(made: Made) -> None:
    cache = MaskCache()
    first, *others = await asyncio.gather(*(cache.of(["swordfish", "tuna"], keep=True) for _ in range(5)))
    assert all(one is first for one in others)
    assert first.text("a swordfish") == "a ***"
    ((values, thread),) = made
    assert values == {"swordfish", "tuna"}
    assert thread is not threading.main_thread()


async def test_nothing_is_made_where_there_is_nothing_to_hide(made: Made) -> None:
    assert not await MaskCache().of([], keep=True)
    assert not await MaskCache().of(["abc"], keep=True)
    assert made == []


async def test_what_nobody_else_will_want_is_not_kept(made: Made) -> None:
    cache = MaskCache()
    for _ in range(2):
        await cache.of(["swordfish"], keep=False)
    assert len(made) == 2


@pytest.mark.parametrize(("length", "kept"), [(10, 16), (50_000, 2), (200_000, 0)])
async def test_how_many_are_kept(made: Made, length: int, kept: int) -> None:
    cache = MaskCache()
    values = [f"{i:x}" * length for i in range(10, 10 + (17 if kept == 16 else 4))]
    for value in values:
        await cache.of([value[:length]], keep=True)
    made.clear()
    for value in reversed(values):
        before = len(made)
        await cache.of([value[:length]], keep=False)
        if len(made) > before:
            break
        kept -= 1
    assert kept == 0
