"""What a trigger says: a file that stays small, read by people and followed by them.

Each line is a JSON object; there are two files, of which the older one goes when the newer one is full. A line tells
how many bytes of either stream are told with it, so that after a restart of Gofer the log goes on where it was.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from gofer.engines.scheduler.base import Position
from gofer.models.trigger import TriggerLogLine
from gofer.server.logs.thread import in_thread
from gofer.server.own_log import get_logger

FILE_BYTES = 1024 * 1024
"""So large each of the two files may be."""

Source = Literal["stdout", "stderr", "log", "gofer"]

_MOST_WAITING = 20_000
_FOLLOW_PAUSE = 0.1


class _Line(msgspec.Struct, omit_defaults=True):
    """As in the file. `uid`: of the start; `out`, `err`: bytes of its two streams that are told up to here."""

    number: int
    at: int
    source: Source
    text: str
    level: str = ""
    uid: str = ""
    out: int = 0
    err: int = 0


_ENCODE = msgspec.json.Encoder().encode
_DECODER = msgspec.json.Decoder(_Line)


class Logbook:
    """Of one trigger. Event loop only; files are touched in threads. `mask` hides what nobody may see."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._older = path.with_name(f"{path.name}.1")
        self._waiting: list[_Line] = []
        self._lost = 0
        self._writing: asyncio.Task[None] | None = None
        self._number: int | None = None
        self._position = Position()
        self._uid = ""
        self._news = asyncio.Event()
        self._may_be_cut = True
        self.mask: Callable[[str], str] = lambda text: text

    async def begin(self, uid: str) -> Position:
        """Lines of that start come now: how many bytes of its streams are told already."""
        await self._open()
        if uid != self._uid:
            self._uid, self._position = uid, Position()
        return self._position

    def add(self, source: Source, at: int, text: str, level: str = "", position: Position | None = None) -> None:
        """One line; `at` in milliseconds since the epoch. `position`: so much of the start's streams is told then."""
        if position is not None:
            self._position = position
        if len(self._waiting) >= _MOST_WAITING:
            self._lost += 1
            return
        shown = self.mask(text).encode(errors="replace").decode()
        self._waiting.append(
            _Line(0, at, source, shown, level, self._uid, self._position.stdout, self._position.stderr)
        )
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name=f"log of {self._path.stem}")

    async def settle(self) -> None:
        """Returns when everything is in the file."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def read(self, limit: int, after: int = 0) -> list[TriggerLogLine]:
        """The newest `limit` lines that are newer than the line `after`, the oldest first."""
        await self.settle()
        found = await in_thread(self._all)
        return [_shown(line) for line in found if line.number > after][-limit:]

    async def follow(self, after: int) -> AsyncIterator[list[TriggerLogLine]]:
        """Every line that is newer than `after`, in batches, without end."""
        while True:
            news = self._news
            if lines := await self.read(_MOST_WAITING, after):
                after = lines[-1].number
                yield lines
            await news.wait()
            # Who writes much is read in large pieces.
            await asyncio.sleep(_FOLLOW_PAUSE)

    async def last_words(self, uid: str) -> str:
        """The last line that a start has written to its standard error; if there is none, to its output."""
        await self.settle()
        found = [one for one in await in_thread(self._all) if one.uid == uid and one.text.strip()]
        for source in ("stderr", "stdout"):
            said = [one.text for one in found if one.source == source]
            if said:
                return said[-1].strip()[:500]
        return ""

    async def delete(self) -> None:
        """The trigger is no more."""
        await self.settle()
        await in_thread(self._delete)

    # -- the files

    async def _open(self) -> None:
        if self._number is not None:
            return
        lines = await in_thread(self._all)
        last = lines[-1] if lines else None
        self._number = last.number if last is not None else 0
        if last is not None:
            self._uid, self._position = last.uid, Position(last.out, last.err)

    async def _write(self) -> None:
        try:
            await self._open()
            while self._waiting:
                lines, self._waiting = self._waiting, []
                if self._lost:
                    lost, self._lost = self._lost, 0
                    text = f"Gofer left out {lost} lines that came faster than they could be written."
                    lines.append(_Line(0, lines[-1].at, "gofer", text, "warning", self._uid, *self._position))
                for line in lines:
                    assert self._number is not None
                    self._number += 1
                    line.number = self._number
                await in_thread(partial(self._append, b"".join(_ENCODE(line) + b"\n" for line in lines)))
                self._news.set()
                self._news = asyncio.Event()
        finally:
            self._writing = None

    def _append(self, data: bytes) -> None:
        """What cannot be written is lost: a full disk must not end a trigger."""
        if self._may_be_cut:
            # A crash, or a full disk, may have cut the last line.
            data = b"\n" + data
        self._may_be_cut = True
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileNotFoundError):
                if self._path.stat().st_size + len(data) > FILE_BYTES:
                    self._path.replace(self._older)
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
                file.write(data)
            self._may_be_cut = False
        except OSError as error:
            get_logger("gofer.triggers").warning(
                "the log of a trigger is not written", why=error.strerror or str(error)
            )

    def _all(self) -> list[_Line]:
        found: list[_Line] = []
        for path in (self._older, self._path):
            with suppress(OSError):
                for text in path.read_bytes().splitlines():
                    # A line that a crash, or a full disk, has cut.
                    with suppress(ValueError):
                        found.append(_DECODER.decode(text))
        return found

    def _delete(self) -> None:
        for path in (self._path, self._older):
            path.unlink(missing_ok=True)


def _shown(line: _Line) -> TriggerLogLine:
    return TriggerLogLine(number=line.number, at=line.at, source=line.source, level=line.level, text=line.text)
