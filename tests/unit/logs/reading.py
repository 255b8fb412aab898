"""Log files read the slow and obvious way, to compare with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from gofer.engines.scheduler.base import Chunk
from gofer.models.log import LogEnd, LogFrame, Stream
from gofer.models.run import LogState
from gofer.server.logs.folder import LogId, log_path
from gofer.server.logs.logs import Logs

LOG = LogId("default", "pipe", 1, "task", 1)
AT = 1_790_000_000_123_456_789
RECORD = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([FPN]) ([^\n]*)")
FRAMES = msgspec.json.Decoder(LogFrame | LogEnd)


class Record(NamedTuple):
    time: str
    stream: str
    tag: str
    text: bytes


class Shown(NamedTuple):
    """A line as everybody is to see it."""

    number: int
    stream: str
    text: str
    partial: bool


def records(content: bytes) -> list[Record]:
    """Every record of a file's content; fails if anything else stands there."""
    assert content == b"" or content.endswith(b"\n")
    found = []
    for row in content.split(b"\n")[:-1]:
        match = RECORD.fullmatch(row)
        assert match is not None, row[:80]
        found.append(Record(match[1].decode(), match[2].decode(), match[3].decode(), match[4]))
    return found


def printed(content: bytes, stream: str) -> bytes:
    """The bytes that a stream printed."""
    mine = [record for record in records(content) if record.stream == stream and record.tag != "N"]
    return b"".join(record.text + (b"\n" if record.tag == "F" else b"") for record in mine)


def shown(content: bytes) -> list[Shown]:
    """Every line of a file's content."""
    found: list[Shown] = []
    texts: list[bytes] = []
    before: Record | None = None
    for record in records(content):
        if record.tag != "N" and before is not None and (before.tag, before.stream) == ("P", record.stream):
            texts[-1] += record.text
            found[-1] = found[-1]._replace(partial=record.tag == "P")
        else:
            texts.append(record.text)
            found.append(Shown(len(found) + 1, record.stream, "", record.tag == "P"))
        before = record
    return [line._replace(text=text.decode("utf-8", "replace")) for line, text in zip(found, texts, strict=True)]


async def as_chunks(given: Iterable[tuple[Stream, bytes]]) -> AsyncIterator[Chunk]:
    for number, (stream, data) in enumerate(given):
        yield Chunk(stream, data, AT + number)


async def write(logs: Logs, given: Sequence[tuple[Stream, bytes]], log: LogId = LOG) -> Path:
    """Capture all of this and finish; returns the file."""
    await logs.capture(log, as_chunks(given))
    await logs.finish(log)
    return log_path(logs.root, log)


def joined(frames: Iterable[str]) -> list[Shown]:
    """The lines of frames, as a client puts them together. A LogEnd is left out."""
    found: list[Shown] = []
    for text in frames:
        frame = FRAMES.decode(text)
        for line in frame.lines if isinstance(frame, LogFrame) else []:
            if found and found[-1].number == line.number:
                found[-1] = found[-1]._replace(text=found[-1].text + line.text, partial=line.partial)
            else:
                found.append(Shown(line.number, line.stream, line.text, line.partial))
    return found


async def still_open() -> LogState:
    """The state of a log that is not complete."""
    return "open"
