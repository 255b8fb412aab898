"""Frames: what is one, what is none, and that no bytes whatever do more than be refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.models.trigger import TriggerInfo
from gofer.server.triggers import frames
from gofer.server.triggers.frames import Answered, Asked, Error, Invalid, NoFrame

LIMIT = 1024 * 1024

_plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
_values = st.recursive(_plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
_maps = st.dictionaries(
    st.sampled_from(["id", "kind", "re", "error", "event", "subscription", "variables", "message", "settings"])
    | st.text(),
    _values,
)


def packed(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


def look_at_all(data: bytes) -> None:
    """Everything that is done with what comes: nothing but these two errors may come of it."""
    try:
        frame = frames.decode(data, LIMIT)
        if isinstance(frame, Answered):
            frames.info_of(frames.answer_of(frame))
            return
    except (NoFrame, Invalid):
        return
    for read in (frames.hello_of, frames.log_of, frames.fire_of):
        with suppress(Invalid):
            read(frame)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    look_at_all(data)


@given(_maps)
def test_any_map(fields: dict[str, Any]) -> None:
    look_at_all(msgspec.msgpack.encode(fields))


@given(_maps, st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_any_map_with_other_bytes_in_it(fields: dict[str, Any], at: int, other: bytes) -> None:
    data = msgspec.msgpack.encode({"kind": "fire", **fields})
    look_at_all(data[:at] + other + data[at + 1 :])


@given(st.dictionaries(st.text().filter(lambda name: name != "re"), _values))
def test_a_reply_comes_as_it_went(fields: dict[str, Any]) -> None:
    frame = frames.decode(frames.reply(7, fields), LIMIT)
    if "kind" in fields or "error" in fields or "id" in fields:
        return
    assert isinstance(frame, Answered)
    assert repr(frames.answer_of(frame)) == repr(fields)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "A text message came"),
        (b"", "truncated"),
        (b"\xc1", "malformed"),
        (b"\x93\x01\x02\x03", "Expected `object`"),
        (b"\x82\xa2id\x01\xa4more" + b"\x91" * 100_000, "recursion"),
        (b"\xdd\xff\xff\xff\xff", "Expected `object`"),
        (packed(id=1), "neither"),
        (packed(kind="ping", re=1), "or both"),
        (packed(id=0, kind="ping"), ">= 1"),
        (packed(id=2**53, kind="ping"), "<= "),
        (packed(id=True, kind="ping"), "Expected `int"),
        (packed(id=1, kind=b"ping"), "Expected `str"),
        (packed(re=1, error="no"), "Expected `object"),
        (packed(id=1, kind="ping", more=bytes(LIMIT)), "it may have 1048576"),
    ],
)
def test_what_is_no_frame(data: bytes | None, said: str) -> None:
    with pytest.raises(NoFrame) as raised:
        frames.decode(data, LIMIT)
    assert said in raised.value.reason


def test_what_is_one() -> None:
    asked = packed(id=2**53 - 1, kind="ping", unknown=[1, {"a": None}])
    assert frames.decode(asked, LIMIT) == Asked("ping", 2**53 - 1, asked)
    notice = packed(kind="log", message="x")
    assert frames.decode(notice, LIMIT) == Asked("log", None, notice)
    failed = packed(re=3, error={"code": "refused", "message": "no", "more": 1})
    assert frames.decode(failed, LIMIT) == Answered(3, Error("refused", "no"), failed)
    assert frames.decode(frames.refusal(3, "refused", "no"), LIMIT) == Answered(
        3, Error("refused", "no"), frames.refusal(3, "refused", "no")
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "event"),
        ({"event": "", "subscription": "1"}, "0 characters"),
        ({"event": "x" * 201, "subscription": "1"}, "201 characters"),
        ({"event": "e"}, "without one `outcome` must not be `start`"),
        ({"event": "e", "subscription": "1", "outcome": "begin"}, "Invalid enum value"),
        ({"event": "e", "subscription": "1", "occurred_at": -1}, "no time"),
        ({"event": "e", "subscription": "1", "variables": {"A": 1}}, "Expected `str`"),
        ({"event": "e", "subscription": "1", "variables": {"a b": "1"}}, '"a b" is no name'),
        ({"event": "e", "subscription": "1", "variables": {"GOFER_X": "1"}}, "begins with GOFER_"),
        ({"event": "e", "subscription": "1", "variables": {"A": "\0"}}, "NUL"),
        ({"event": "e", "subscription": "1", "variables": {"A": "x" * 262_144}}, "262145 bytes"),
        ({"event": "e", "subscription": "1", "objects_of": {"pipeline": "p"}}, "run"),
    ],
)
def test_events_that_are_none(fields: dict[str, Any], said: str) -> None:
    asked = frames.decode(packed(id=1, kind="fire", **fields), LIMIT)
    assert isinstance(asked, Asked)
    with pytest.raises(Invalid) as raised:
        frames.fire_of(asked)
    assert said in str(raised.value)


def test_an_event() -> None:
    variables = {"A": "1", "_b2": "x" * 1000}
    asked = frames.decode(
        packed(id=1, kind="fire", event="e", subscription="s", variables=variables, detail="d" * 5000, more=1), LIMIT
    )
    assert isinstance(asked, Asked)
    fire = frames.fire_of(asked)
    assert (fire.event, fire.subscription, fire.outcome, fire.variables) == ("e", "s", "start", variables)
    assert len(fire.detail) == 2000


def test_a_reply_may_not_be_deep_nor_have_what_frames_do_not() -> None:
    deep: Any = 1
    for _ in range(33):
        deep = [deep]
    for bad in (
        packed(re=1, state=deep),
        msgspec.msgpack.encode({"re": 1, "state": {1: 2}}),
        msgspec.msgpack.encode({"re": 1, "state": msgspec.msgpack.Ext(5, b"x")}),
    ):
        frame = frames.decode(bad, LIMIT)
        assert isinstance(frame, Answered)
        with pytest.raises(NoFrame):
            frames.answer_of(frame)


@pytest.mark.parametrize(
    "fields",
    [
        {"settings": "none"},
        {"settings": [{"name": "a b"}]},
        {"settings": [{"type": "string"}]},
        {"settings": [{"name": "a", "type": "colour"}]},
        {"subscription_settings": [{"name": f"a{n}"} for n in range(101)]},
        {"description": 3},
    ],
)
def test_what_a_trigger_may_not_say_of_itself(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        frames.info_of(fields)


def test_what_a_trigger_says_of_itself_is_cut() -> None:
    assert frames.info_of({}) == TriggerInfo()
    assert len(frames.info_of({"description": "x" * 9000, "version": "y" * 999}).description) == 500


def test_what_cannot_be_sent() -> None:
    with pytest.raises(Invalid):
        frames.encode({"settings": {"number": 2**70}}, id=1, kind="configure")
