"""The process that serves: its event loop, its signals, its beginning and its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from gofer.config.settings import Settings
from gofer.errors import ConfigError
from gofer.server import garbage, own_log
from gofer.server.app import Running, running
from gofer.server.own_log import get_logger

_SETTLED_AFTER = 1.0


def serve(settings: Settings, *, ready: Callable[[Running], None]) -> int:
    """Serve until SIGTERM or SIGINT; `ready` is called once the API answers. Returns the exit code.

    Raises ConfigError when the start is refused.
    """
    import uvloop

    own_log.set_up(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[Running], None]) -> int:
    log = get_logger("gofer")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(settings) as server:
            ready(server)
            loop.call_later(_SETTLED_AFTER, garbage.settle)
            await stop.wait()
            log.info("stopping; containers go on")
    except* ConfigError as group:
        raise _first(group) from None
    return 0


def _first(group: BaseExceptionGroup[ConfigError]) -> ConfigError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConfigError)
    return error
