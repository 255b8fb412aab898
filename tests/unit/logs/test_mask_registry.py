"""Which masks Gofer's own log hides."""

from __future__ import annotations

import io

from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.own_log import OwnLog
from gofer.server.own_log_ring import Wanted


def test_masks_are_in_use_until_their_last_user_is_gone() -> None:
    registry, masks = MaskRegistry(), Masks(["swordfish"])
    assert registry.text("a swordfish") == "a swordfish"
    registry.hold(masks)
    registry.hold(masks)
    registry.release(masks)
    assert registry.text("a swordfish") == "a ***"
    registry.release(masks)
    registry.release(masks)
    assert registry.text("a swordfish") == "a swordfish"


def test_values_of_several_runs_that_overlap_are_hidden_whole() -> None:
    registry = MaskRegistry()
    for value in ("abcdef", "efghij"):
        registry.hold(Masks([value]))
    assert registry.text("<abcdefghij>") == "<***>"


def test_nothing_is_hidden_for_values_too_short() -> None:
    registry = MaskRegistry()
    registry.hold(Masks(["abc", "    ", ""]))
    assert registry.text("abc     ") == "abc     "


def test_the_own_log_hides_events_fields_and_tracebacks_before_they_are_cut() -> None:
    stream, registry = io.StringIO(), MaskRegistry()
    log = OwnLog(stream)
    log.mask = registry.text
    registry.hold(Masks(["swordfish\nsecond line"]))
    trace = 'Traceback (most recent call last):\n  login("swordfish\\nsecond line")\nValueError: swordfish\nsecond line'
    log.add("error", "gofer", "login with swordfish failed", {"exception": trace, "long": "x" * 32_766 + "swordfish"})
    (line,) = log.ring.oldest_first(Wanted(), 0, 10).lines
    for text in (stream.getvalue(), line.event, *line.fields.values()):
        assert "sword" not in text
        assert "second" not in text
    assert line.event == "login with *** failed"
    assert line.fields["exception"] == 'Traceback (most recent call last):\n  login("***")\nValueError: ***'
    assert line.fields["long"] == "x" * 32_766 + "**"  # cut after it was hidden
