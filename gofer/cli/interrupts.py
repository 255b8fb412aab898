"""Ctrl-C and SIGTERM where an event loop runs: the work is cancelled and tidies up, then its caller hears of it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from gofer.cli.exit_codes import ExitCode
from gofer.cli.twins import Twins

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def wanted_signals() -> list[int]:
    """Those that end a command, but for what the caller has told it to ignore (`nohup`, a shell's background job)."""
    return [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


class Interrupted(Exception):
    """The work was cancelled because of a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = exit_code_of_signal(number)


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an event loop of its own. Raises Interrupted; a second signal ends the process at once."""
    return asyncio.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    came: list[int] = []

    def interrupt(number: int) -> None:
        if came:
            os._exit(exit_code_of_signal(number))
        came.append(number)
        task.cancel()

    with handling_signals(interrupt):
        try:
            return await task
        except asyncio.CancelledError:
            if came:
                raise Interrupted(came[0]) from None
            raise


@contextmanager
def handling_signals(handle: Callable[[int], None]) -> Iterator[None]:
    """Within it `handle` is called in the event loop for each signal that would end the command."""
    loop, numbers, twins = asyncio.get_running_loop(), wanted_signals(), Twins()

    def once(number: int) -> None:
        if not twins.is_twin(number):
            handle(number)

    for number in numbers:
        loop.add_signal_handler(number, once, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def exit_code_of_signal(number: int) -> ExitCode:
    """What a command ends with that was ended by a signal."""
    return ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED


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
        # The loop may have ended meanwhile: then nobody wants the answer.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *call)

    threading.Thread(target=run, daemon=True, name="request").start()
    return await future
