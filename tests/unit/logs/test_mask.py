"""Masking: everything that is to be hidden is, all else stays, however the text is cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.server.logs.mask import Masks, Step, StreamMasker, hide
from gofer.server.logs.mask_forms import forms
from tests.unit.logs.masked import HIDDEN, cut, hidden, masked, outputs, secrets

FEW, MANY = settings(max_examples=100, deadline=None), settings(max_examples=300, deadline=None)


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
        # Behind `decided` only what is hidden in any case is out already.
        marks = hidden(values, came)
        behind = next((at for at in range(decided, len(came)) if not marks[at]), len(came))
        assert shown == masked(values, came[:behind]) or (
            # Two forms of which the second begins before `decided`: its mark is known, its text not cut in two.
            shown == masked(values, came)[: len(shown)]
        )
        assert masker.source == decided


@given(st.data())
@MANY
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
@FEW
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
@FEW
def test_whole_texts_are_masked_alike(data: st.DataObject) -> None:
    values = data.draw(secrets())
    text = data.draw(outputs(values)).decode("utf-8", "replace")
    assert Masks(values).text(text).encode() == masked(values, text.encode())
    one, two = Masks(values[:1]), Masks(values[1:])
    assert hide(text, [masks for masks in (one, two) if masks]).encode() == masked(values, text.encode())
