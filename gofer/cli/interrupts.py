"""Ctrl-C and SIGTERM where an event loop runs: the work is cancelled and tidies up, then its caller hears of it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gofer.cli.exit_codes import ExitCode

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """The work was cancelled because of a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an event loop of its own. Raises Interrupted; a second signal ends the process at once."""
    return asyncio.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    came: list[int] = []

    def interrupt(number: int) -> None:
        if came:
            os._exit(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)
        came.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt, number)
    try:
        return await task
    except asyncio.CancelledError:
        if came:
            raise Interrupted(came[0]) from None
        raise


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns, called in a thread that nobody waits for when the program ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(put: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            put(value)

    def run() -> None:
        try:
            call: tuple[Callable[[Any], None], Any] = future.set_result, work()
        except Exception as error:
            call = future.set_exception, error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *call)

    threading.Thread(target=run, daemon=True, name="request").start()
    return await future
