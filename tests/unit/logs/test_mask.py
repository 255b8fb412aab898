"""Masking: everything that is to be hidden is, all else stays, however the text is cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.server.logs.mask import Masks, Step, StreamMasker, hide
from gofer.server.logs.mask_forms import forms
from tests.unit.logs.masked import HIDDEN, cut, hidden, masked, outputs, replaced, secrets

MANY = settings(max_examples=300, deadline=None)
SOME = settings(max_examples=60, deadline=None)


def begin(values: list[str]) -> StreamMasker:
    return StreamMasker(Masks(values), Step(), 0)


@given(st.data())
@MANY
def test_all_that_is_hidden_is_gone_and_all_else_stays(data: st.DataObject) -> None:
    values = data.draw(secrets())
    output = data.draw(outputs(values))
    pieces = data.draw(cut(output))
    masker = begin(values)
    shown = b"".join(map(masker.feed, pieces)) + masker.flush()
    assert shown == masked(values, output)
    assert (masker.source, masker.out) == (len(output), len(shown))


@given(st.data())
@MANY
def test_no_more_is_held_back_than_may_begin_a_form(data: st.DataObject) -> None:
    values = data.draw(secrets())
    output = data.draw(outputs(values))
    known, masker = forms(values), begin(values)
    came = shown = b""
    for piece in data.draw(cut(output)):
        came += piece
        shown += masker.feed(piece)
        decided = next(
            (at for at in range(len(came)) if any(form.startswith(came[at:]) for form in known - {came[at:]})),
            len(came),
        )
        assert masker.source == decided
        # Of what comes behind only the `***` is out, if it is hidden in any case.
        marks = hidden(values, came)
        behind = next((at for at in range(decided, len(came)) if not marks[at]), len(came))
        assert shown == replaced(came[:behind], marks[:behind])


@given(st.data())
@SOME
def test_another_masker_goes_on_from_any_byte_of_the_output(data: st.DataObject) -> None:
    values = data.draw(secrets())
    output = data.draw(outputs(values))
    masker, steps, shown = begin(values), [Step()], b""
    for piece in data.draw(cut(output)):
        shown += masker.feed(piece)
        steps += masker.steps
        masker.steps = []
    whole = shown + masker.flush()
    assert masker.steps in ([], masker.steps[-1:]) or [step.out for step in masker.steps] == sorted(
        {step.out for step in masker.steps}
    )
    for end in range(len(shown) + 1):
        last = max((step for step in steps if step.out <= end), key=lambda step: (step.out, step.source))
        if any(step.out - len(HIDDEN) < end < step.out for step in steps):
            continue
        again = StreamMasker(Masks(values), last, end)
        rest = b"".join(map(again.feed, data.draw(cut(output[again.source :])))) + again.flush()
        assert shown[:end] + rest == whole


@given(st.data())
@SOME
def test_what_is_held_back_and_comes_again_is_shown_once(data: st.DataObject) -> None:
    values = data.draw(secrets())
    output = data.draw(outputs(values))
    masker, shown = begin(values), b""
    for count in data.draw(st.lists(st.integers(0, 40), max_size=4)):
        # The source breaks off after so many bytes.
        shown += b"".join(map(masker.feed, data.draw(cut(output[masker.source :][:count]))))
        masker.restart()
    shown += b"".join(map(masker.feed, data.draw(cut(output[masker.source :]))))
    assert shown + masker.flush() == masked(values, output)


@given(st.data())
@SOME
def test_whole_texts_are_masked_alike(data: st.DataObject) -> None:
    values = data.draw(secrets())
    text = data.draw(outputs(values)).decode("utf-8", "replace")
    assert Masks(values).text(text).encode() == masked(values, text.encode())
    one, two = Masks(values[:1]), Masks(values[1:])
    assert hide(text, [masks for masks in (one, two) if masks]).encode() == masked(values, text.encode())


@given(st.data())
@SOME
def test_large_pieces_which_are_searched_by_other_means(data: st.DataObject) -> None:
    values = data.draw(secrets())
    fill = st.builds(
        lambda letters, seed, size: bytes(random.Random(seed).choices(letters, k=size)),
        st.sampled_from([b"x", b"abcdefgh \n", bytes(range(256)), values[0].encode() + b" "]), st.integers(0, 99),
        st.integers(0, 4_000),
    )  # fmt: skip
    output = b"".join(data.draw(fill) + data.draw(outputs(values)) for _ in range(data.draw(st.integers(1, 4))))
    known, masker = forms(values), begin(values)
    longest = max(map(len, known), default=0)
    came = shown = b""
    for piece in data.draw(cut(output)):
        came += piece
        shown += masker.feed(piece)
        ends = (at for at in range(max(0, len(came) - longest), len(came)))
        beginning = (at for at in ends if any(form.startswith(came[at:]) for form in known - {came[at:]}))
        assert masker.source == next(beginning, len(came))
    assert shown + masker.flush() == masked(values, output)


@pytest.mark.parametrize("offset", range(7))
def test_large_pieces_with_secrets_across_each_other_and_cut_ones(offset: int) -> None:
    source = random.Random(offset)
    letters = "".join(source.choices("abcdefgh", k=200))
    # Each begins within the one before; the last two only touch.
    values = [
        letters[begin : begin + size] for begin, size in ((0, 40), (7, 40), (20, 41), (60, 30), (90, 24), (114, 9))
    ]
    fill = b"." * (3_000 + offset)
    whole = letters[:123].encode()
    assert Masks(values).text((fill + whole + fill).decode()).encode() == fill + HIDDEN + fill
    for size in range(1, 40):
        for value in values:
            beginning = value[:size].encode()
            masker = begin(values)
            if not Masks(values).look(beginning).spans and len(beginning) < len(value):
                assert masker.feed(fill + beginning) == fill
                assert masker.feed(fill) == beginning + fill
