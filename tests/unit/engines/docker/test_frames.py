"""Multiplexed frames, in pieces of any size."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.engines.scheduler.docker_frames import Frames
from gofer.errors import EngineUnavailable


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxI", kind, len(payload)) + payload


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 3]), st.binary(max_size=40)), max_size=20),
    st.lists(st.integers(min_value=1, max_value=50)),
)
def test_frames_come_whole_however_they_were_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(kind, payload) for kind, payload in frames)
    reader, got = Frames(), []
    for cut in [*cuts, len(data)]:
        piece, data = data[:cut], data[cut:]
        got += list(reader.feed(piece))
    assert got == frames
    assert not reader.torn


def test_a_frame_that_has_not_ended_is_torn() -> None:
    reader = Frames()
    assert list(reader.feed(frame(1, b"whole") + frame(2, b"half")[:-1])) == [(1, b"whole")]
    assert reader.torn


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\n", frame(4, b"x"), b"\x01\x00\x00\x00\xff\xff\xff\xff"])
def test_something_else_is_not_taken_for_output(data: bytes) -> None:
    with pytest.raises(EngineUnavailable, match="something else"):
        list(Frames().feed(data))
