"""What a trigger logs: to Gofer while there is a connection, else to standard error, which Gofer keeps as well."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from typing import Final

from gofer_sdk.trigger.errors import LinkLost, ProtocolError
from gofer_sdk.trigger.link import Link

_MOST: Final = 1_000
_LONGEST: Final = 32 * 1024


class LogsToGofer(logging.Handler):
    """Keeps lines until `send` has sent them; one that finds no connection, or too many before it, is printed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._lines: deque[tuple[str, str]] = deque()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, from whatever thread."""
        level = "error" if record.levelno >= logging.ERROR else record.levelname.lower()
        level = level if level in ("debug", "info", "warning", "error") else "info"
        text = self.format(record)[:_LONGEST]
        loop = self._loop
        if loop is None or loop.is_closed() or len(self._lines) >= _MOST:
            _print(level, text)
            return
        self._lines.append((level, text))
        loop.call_soon_threadsafe(self._news.set)

    async def send(self, link: Link) -> None:
        """Send what comes, until the connection ends or this is cancelled; what is left is printed."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._send(link)
        except (LinkLost, ProtocolError):
            pass
        finally:
            self._loop = None
            while self._lines:
                _print(*self._lines.popleft())

    async def _send(self, link: Link) -> None:
        while self._lines:
            level, text = self._lines[0]
            await link.notice("log", level=level, message=text)
            if self._lines:
                self._lines.popleft()


def _print(level: str, text: str) -> None:
    print(f"{level}: {text}", file=sys.stderr, flush=True)
