"""What the SDK makes of whatever bytes come: a frame, or a ProtocolError and nothing else."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_sdk.trigger.errors import ProtocolError
from gofer_sdk.trigger.frames import MAX_ID, Failure, Reply, Request, decode, encode

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)
FIELDS = st.dictionaries(st.text().filter(lambda name: name not in ("id", "kind", "re", "error")), VALUES, max_size=5)
IDS = st.integers(1, MAX_ID)


def nested(depth: int, innermost: bytes = b"\xc0") -> bytes:
    """A frame with lists `depth` deep in its one field."""
    return b"\x82\xa4kind\xa1x\xa1a" + b"\x91" * depth + innermost


@given(IDS, st.text(), FIELDS)
def test_what_is_encoded_is_decoded(known: int, kind: str, fields: dict[str, Any]) -> None:
    assert repr(decode(encode({**fields, "id": known, "kind": kind}))) == repr(Request(known, kind, fields))
    assert repr(decode(encode({**fields, "kind": kind}))) == repr(Request(None, kind, fields))
    assert repr(decode(encode({**fields, "re": known}))) == repr(Reply(known, fields))


@given(st.binary(max_size=300))
def test_junk(data: bytes) -> None:
    expect_frame_or_error(data)


@given(VALUES)
def test_what_is_messagepack_and_no_frame(value: object) -> None:
    expect_frame_or_error(msgpack.packb(value, use_bin_type=True))


@given(IDS, FIELDS, st.data())
def test_a_frame_that_was_damaged(known: int, fields: dict[str, Any], data: st.DataObject) -> None:
    whole = bytearray(encode({**fields, "id": known, "kind": "fire"}))
    at = data.draw(st.integers(0, len(whole) - 1))
    match data.draw(st.sampled_from(["cut", "change", "insert", "repeat"])):
        case "cut":
            del whole[at:]
        case "change":
            whole[at] = data.draw(st.integers(0, 255))
        case "insert":
            whole[at:at] = data.draw(st.binary(max_size=8))
        case _:
            whole += whole[at:]
    expect_frame_or_error(bytes(whole))


def expect_frame_or_error(data: bytes) -> None:
    try:
        frame = decode(data)
    except ProtocolError:
        return
    assert isinstance(frame, Request | Reply | Failure)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "breaks off"),
        (b"\x90", "is a map; what came is a list"),
        (b"\xc0", "is a map; what came is nothing"),
        (b"\x07\x07", "goes on for 1 bytes after its end"),
        (b"\xc1", r"type of value that frames do not have \(0xc1\)"),
        (b"\xd6\xff\0\0\0\0", r"0xd6"),  # a timestamp
        (b"\x81\x01\x02", "The keys of a map are texts"),
        (b"\x81\xc4\x01a\x02", "The keys of a map are texts"),
        (b"\x81\x90\x02", "The keys of a map are texts"),
        (b"\x81\xa4kind\xa1\xff", "not MessagePack: 'utf-8'"),
        (b"\x80", '"kind" of this one is nothing'),
        (b"\x82\xa4kind\xa1x\xa2id\x00", "this one is 0"),
        (b"\x82\xa4kind\xa1x\xa2id\xc3", "this one is a boolean"),
        (b"\x82\xa4kind\xa1x\xa2id\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "this one is 18446744073709551615"),
        (b"\x82\xa4kind\xa1x\xa2re\x01", "this one has both"),
        (b"\x82\xa2re\x01\xa5error\xa1x", '"error" is a map of two texts'),
        (b"\x81\xa4kind\xdb\xff\xff\xff\xff", "says that it is longer than it is"),
        (b"\xdf\xff\xff\xff\xff", "says that it is longer than it is"),
        (nested(31) + b"\x00", "goes on"),
        (nested(32), "may lie 32 deep"),
        (nested(1_000_000), "may lie 32 deep"),
    ],
)
def test_why_something_is_no_frame(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode(data)


def test_limits() -> None:
    assert decode(nested(31)) == Request(None, "x", {"a": value_at(31)})
    with pytest.raises(ProtocolError, match="Expected a binary message, got a text"):
        decode("text")
    with pytest.raises(ProtocolError, match=r"may have 10 bytes; this one has 42"):
        decode(nested(31), 10)
    with pytest.raises(ProtocolError, match="may have 10 bytes; this one would have"):
        encode({"kind": "x" * 20}, 10)
    for unsendable in ({"kind": object()}, {"kind": 2**64}, {"kind": "\ud800"}, {1: 2}, {"a": value_at(40)}):
        with pytest.raises(ProtocolError):
            encode(unsendable)  # type: ignore[arg-type]


def value_at(depth: int) -> object:
    value: object = None
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "bomb",
    [
        # Each list says that it has as many items as there are bytes left: a decoder that believes it makes room.
        b"".join(b"\xdd" + (1_000_000 - 5 * n).to_bytes(4, "big") for n in range(200_000))[:1_000_000],
        b"".join(b"\xdc\xff\xff" for _ in range(300_000)),
        b"".join(b"\xdf" + (400_000).to_bytes(4, "big") + b"\xa0" for _ in range(150_000)),
        b"\xdd\x00\x0f\x00\x00" + b"\xdc\xff\xff" * 300_000,
    ],
)
def test_what_says_that_it_is_huge_costs_no_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
