"""Who waits for the end of a token or of a session: a stream that is open ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Lives:
    """Names are those of tokens (`tok-…`) and of sessions. To be used in the event loop alone."""

    def __init__(self) -> None:
        self._watched: dict[str, set[asyncio.Future[str]]] = {}

    @contextmanager
    def watch(self, names: Iterable[str]) -> Iterator[asyncio.Future[str]]:
        """A future whose result is why the first of `names` has ended."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        known = list(names)
        for name in known:
            self._watched.setdefault(name, set()).add(future)
        try:
            yield future
        finally:
            future.cancel()
            for name in known:
                watching = self._watched.get(name, set())
                watching.discard(future)
                if not watching:
                    self._watched.pop(name, None)

    def end(self, name: str, why: str) -> None:
        """It has ended; `why` is a sentence for who used it. Empty: only when it will end has changed."""
        for future in self._watched.get(name, ()):
            if not future.done():
                future.set_result(why)

    def is_watched(self, name: str) -> bool:
        """Whether a stream of it is open."""
        return name in self._watched
