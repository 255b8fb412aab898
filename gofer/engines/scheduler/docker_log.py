"""Reading the engine's own log of a container: what every reader gets that did not attach before the start.

The log is asked for from its beginning, with timestamps, and what the reader has already is skipped by counting bytes.
Two things make that harder than it sounds:

- Drivers keep lines of more than 16 KiB in parts, all with the time of the first. `local` (in engines up to 20.10 at
  least) and `journald` lose the newline after the last part, so it is put back here.
- An engine that dies loses what it had not written to its log yet, though a reader may have it. What was printed after
  such an interruption is never skipped, however many bytes the reader has.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Final

from gofer.engines.scheduler.base import Chunk, Position
from gofer.engines.scheduler.docker_frames import ENGINE_ERROR, STREAMS, Frames

_STAMP: Final = len("2006-01-02T15:04:05.000000000Z")
_MILLISECONDS: Final = len("2006-01-02T15:04:05.000")
_SECONDS: Final = len("2006-01-02T15:04:05")
_CHUNK: Final = 256 * 1024
# An engine takes ten times as long to come back; clocks of virtual machines may be a little off.
_MARGIN: Final = 10_000_000


class Gap:
    """Of one stream of one container. `limit`: nobody has anything with a later timestamp than this; b"" when no
    interruption matters any more. `missing`: bytes that the reader has and the engine's log lacks."""

    __slots__ = ("limit", "missing")

    def __init__(self) -> None:
        self.limit = b""
        self.missing = 0


class Gaps:
    """What is known of how the engine's log differs from what the container's reader was given."""

    def __init__(self) -> None:
        self.stdout = Gap()
        self.stderr = Gap()

    def interrupted(self, at_ns: int) -> None:
        """The connection broke at `at_ns`, nanoseconds since the epoch, as the engine died."""
        for gap in (self.stdout, self.stderr):
            # With a limit still set, nothing was given since then: the earlier one is the exact one.
            gap.limit = gap.limit or stamp_of(at_ns + _MARGIN)


def stamp_of(at_ns: int) -> bytes:
    """A time as the engine writes it in its logs."""
    seconds, nanoseconds = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z".encode()


def time_of(stamp: bytes) -> int:
    """Nanoseconds since the epoch of a timestamp of the log; 0 if it is none."""
    try:
        whole = datetime.fromisoformat(stamp[:_SECONDS].decode() + "+00:00")
        return int(whole.timestamp()) * 1_000_000_000 + int(stamp[_SECONDS + 1 : _STAMP - 1])
    except ValueError:
        return 0


class _State:
    """Of one stream. `parts`: how many the line has that has not ended yet; `stamp` is theirs."""

    __slots__ = ("gap", "last_empty", "parts", "skip", "stamp")

    def __init__(self, skip: int, gap: Gap) -> None:
        self.skip = max(0, skip - gap.missing)
        self.gap = gap
        self.parts = 0
        self.stamp = b""
        self.last_empty = False


class LogReader:
    """Makes chunks of one reading of the log; `since`: what to skip. Keeps `gaps` up to date."""

    def __init__(self, since: Position, gaps: Gaps) -> None:
        out = _State(since.stdout, gaps.stdout)
        self._states = (out, out, _State(since.stderr, gaps.stderr))
        self._frames = Frames()
        self._chunks: list[Chunk] = []
        self._parts: list[bytes] = []
        self._size = 0
        self._kind = 1
        self._stamp = b""
        self.engine_error = ""

    async def read(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[Chunk, None]:
        """The chunks that are in `pieces`, the engine's answer as it comes."""
        async for piece in pieces:
            for kind, payload in self._frames.feed(piece):
                if kind == ENGINE_ERROR:
                    self.engine_error = payload.decode(errors="replace").strip()
                else:
                    self._take(kind, payload)
            for chunk in self._ready():
                yield chunk

    def rest(self) -> list[Chunk]:
        """To be called once the whole log was read: the newlines that no further line told of."""
        for kind in (1, 2):
            state = self._states[kind]
            # An empty part is only made where a newline comes right after a full one.
            if state.parts > 1 and state.last_empty:
                self._put(kind, state, b"\n", state.stamp)
        return self._ready()

    def _take(self, kind: int, payload: bytes) -> None:
        if payload[_STAMP : _STAMP + 1] == b" ":
            stamp, body = payload[:_STAMP], payload[_STAMP + 1 :]
        else:
            stamp, _, body = payload.partition(b" ")
        state = self._states[kind]
        if state.parts and stamp != state.stamp:
            if state.parts > 1:
                self._put(kind, state, b"\n", state.stamp)
            state.parts = 0
        if body.endswith(b"\n"):
            state.parts = 0
        else:
            state.parts += 1
            state.stamp = stamp
            state.last_empty = not body
        self._put(kind, state, body, stamp)

    def _put(self, kind: int, state: _State, data: bytes, stamp: bytes) -> None:
        if state.skip:
            if state.gap.limit and stamp > state.gap.limit:
                state.gap.missing += state.skip
                state.skip = 0
            else:
                skipped = min(state.skip, len(data))
                state.skip -= skipped
                data = data[skipped:]
        if not data:
            return
        state.gap.limit = b""
        fits = kind == self._kind and self._size + len(data) <= _CHUNK
        if self._parts and not (fits and stamp[:_MILLISECONDS] == self._stamp[:_MILLISECONDS]):
            self._close_chunk()
        if not self._parts:
            self._kind, self._stamp = kind, stamp
        self._parts.append(data)
        self._size += len(data)

    def _close_chunk(self) -> None:
        self._chunks.append(Chunk(STREAMS[self._kind], b"".join(self._parts), time_of(self._stamp)))
        self._parts, self._size = [], 0

    def _ready(self) -> list[Chunk]:
        if self._parts:
            self._close_chunk()
        chunks, self._chunks = self._chunks, []
        return chunks
