"""How long to go on trying when the server is away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from gofer.client.answers import Untrusted
from gofer.errors import ClientError

T = TypeVar("T")

_FIRST = 0.1
_LONGEST = 5.0
_AWAY = frozenset({0, 502, 503, 504})


def is_away(error: ClientError) -> bool:
    """Whether the same request may work later: nobody answered, or the server said that it cannot now."""
    return error.problem_status in _AWAY and not isinstance(error, Untrusted)


class Link:
    """The connection to one server, shared by all streams that use it: lost once, said once, given up once.

    `on_lost` and `on_restored` are told of it, the first with the error.
    """

    def __init__(self, timeout: float, on_lost: Callable[[ClientError], None], on_restored: Callable[[], None]) -> None:
        """`timeout`: seconds after which a lost connection is given up."""
        self.timeout = timeout
        self._on_lost = on_lost
        self._on_restored = on_restored
        self._lost_at: float | None = None

    def restored(self) -> None:
        """A stream is open again."""
        if self._lost_at is not None:
            self._lost_at = None
            self._on_restored()

    async def wait(self, error: ClientError, turn: int) -> None:
        """Wait before try number `turn` (from 1). Raises `error` where it is not worth it, or no longer."""
        if not is_away(error):
            raise error
        now = asyncio.get_running_loop().time()
        if self._lost_at is None:
            if self.timeout <= 0:
                raise error
            self._lost_at = now
            self._on_lost(error)
        left = self._lost_at + self.timeout - now
        if left <= 0:
            raise ClientError(
                f"the server did not come back within {self.timeout:g} s ({error.message})",
                error.hint,
                problem_status=error.problem_status,
            )
        # Not for cryptography: it keeps many followers from coming back in step.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311
        await asyncio.sleep(min(_FIRST * 2.0 ** min(turn - 1, 10) * jitter, _LONGEST, left))

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, tried again while the server is away."""
        turn = 0
        while True:
            try:
                value = await work()
            except ClientError as error:
                turn += 1
                await self.wait(error, turn)
            else:
                self.restored()
                return value


async def reconnecting(
    link: Link, open_stream: Callable[[Callable[[], None]], AsyncGenerator[T, None]], lost: Callable[[], None]
) -> AsyncGenerator[T, None]:
    """The items of a stream, through lost connections; ends where the stream ends by itself.

    `open_stream` makes the stream, from where the last one broke off, and is handed what to call once it is open.
    `lost` is called each time one breaks off. Raises ClientError where the link is given up or the server refuses.
    """
    turn = 0

    def opened() -> None:
        nonlocal turn
        turn = 0
        link.restored()

    while True:
        try:
            async with aclosing(open_stream(opened)) as stream:
                async for item in stream:
                    yield item
            return
        except ClientError as error:
            turn += 1
            lost()
            await link.wait(error, turn)
