from __future__ import annotations

import pytest

from gofer.engines.scheduler.base import Chunk, Position
from gofer.models.log import Stream
from gofer.models.manifest import Notifier, Outcome
from gofer.models.status import RunStatus
from gofer.server.logs.mask import Masks
from gofer.server.notifiers.tail import Tail
from gofer.server.notifiers.tell import change
from gofer.server.runs.notify import is_wanted

S, F, C = RunStatus.SUCCESSFUL, RunStatus.FAILED, RunStatus.CANCELLED


@pytest.mark.parametrize(
    ("when", "on_change", "wanted"),
    [
        ([], False, {(S, None), (S, S), (S, F), (F, None), (F, S), (F, F), (C, None), (C, S), (C, F)}),
        (["failed"], False, {(F, None), (F, S), (F, F)}),
        (["successful", "cancelled"], False, {(S, None), (S, S), (S, F), (C, None), (C, S), (C, F)}),
        ([], True, {(S, F), (F, None), (F, S)}),
        (["failed"], True, {(F, None), (F, S)}),
        (["successful"], True, {(S, F)}),
    ],
)
def test_who_wants_to_hear(
    when: list[Outcome], on_change: bool, wanted: set[tuple[RunStatus, RunStatus | None]]
) -> None:
    one = Notifier(label="a", common_task="b", when=when, on_change=on_change)
    befores: list[RunStatus | None] = [None, S, F]
    assert {(now, before) for now in (S, F, C) for before in befores if is_wanted(one, now, before)} == wanted


def test_what_it_is_called() -> None:
    told = {(now, before): change(now, before) for now in (S, F, C) for before in ("", S, F)}
    assert {pair for pair, word in told.items() if word == "broken"} == {(F, ""), (F, S)}
    assert {pair for pair, word in told.items() if word == "mended"} == {(S, F)}


def feed(tail: Tail, *pieces: tuple[Stream, bytes]) -> str:
    for stream, data in pieces:
        tail.take(Chunk(stream, data, 0))
    return tail.text()


def test_the_end_of_an_output_is_masked_however_it_is_cut() -> None:
    tail = Tail(Masks(["hunter2-the-secret"]))
    text = feed(tail, ("stdout", b"a hunter2-"), ("stderr", b"hunter2-the-"), ("stdout", b"the-secret b\n"))
    # What stderr has held back was no secret after all.
    assert text == "a *** b\nhunter2-the-"
    assert tail.position == Position(23, 12)


def test_only_the_end_is_kept_and_nothing_that_a_terminal_obeys() -> None:
    text = feed(Tail(Masks(())), ("stdout", b"".join(b"line %d\n" % n for n in range(5_000)) + b"\x1b[31m\xff red\n\n"))
    assert text.splitlines() == [*(f"line {n}" for n in range(4_982, 5_000)), "�[31m� red"]
    assert len(feed(Tail(Masks(())), ("stdout", b"x" * 1_000_000))) == 4_000
