"""What is to be stored beside the first thing that the present request writes, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from gofer.server.store.transaction import Transaction

T = TypeVar("T")


class Beside:
    """Something to store once. `stored` turns true when a write that takes it along begins, and back if that fails.
    `more` is what is found out about it before that."""

    __slots__ = ("_open", "_store", "more", "stored")

    def __init__(self, store: Callable[[Transaction], None]) -> None:
        self._store = store
        self._open = True
        self.stored = False
        self.more: dict[str, Any] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """For as long as this lasts, the first `Database.write` of this task, or of one that it makes, takes it along.
        What goes on behind the request's back after that never does, unless this was broken off: what is then still
        being done for the request takes it along when it comes to write."""
        mark = _PRESENT.set(self)
        try:
            yield
            self._open = False
        finally:
            _PRESENT.reset(mark)

    @property
    def waits(self) -> bool:
        """Whether it is for the next write to take along."""
        return self._open and not self.stored

    def after(self, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        """`work`, and then this."""

        def both(tx: Transaction) -> T:
            result = work(tx)
            self._store(tx)
            return result

        return both

    def alone(self, tx: Transaction) -> None:
        """Just this, as a work of its own."""
        self._store(tx)


_PRESENT: ContextVar[Beside | None] = ContextVar("beside", default=None)


def present() -> Beside | None:
    """What the next write of the present request takes along."""
    found = _PRESENT.get()
    return found if found is not None and found.waits else None
