"""A trigger as a program: its environment, its signals, its exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from gofer_sdk.trigger.dial import Address, NotStartedByGofer
from gofer_sdk.trigger.runtime import NOT_STARTED, Runtime
from gofer_sdk.trigger.trigger import Trigger


def main(trigger: type[Trigger[Any, Any]], environ: Mapping[str, str] = os.environ) -> int:
    """Serve until Gofer asks to end; returns the exit code.

    0: asked to end. 1: one side is broken, the log says how. 2: not started by Gofer, or not installed as a whole.
    3: the secret is dead. 4: another connection has taken its place. 5: Gofer was not there for 10 minutes, and no
    event waited for it.
    """
    missing = [name for name in ("msgpack", "websockets") if find_spec(name) is None]
    if missing:
        print(f"error: {' and '.join(missing)} cannot be imported. Install gofer-sdk[trigger].", file=sys.stderr)
        return NOT_STARTED
    try:
        address = Address.from_environment(environ)
    except NotStartedByGofer as error:
        print(f"error: {error}", file=sys.stderr)
        return NOT_STARTED
    return asyncio.run(_serve(trigger, address))


async def _serve(trigger: type[Trigger[Any, Any]], address: Address) -> int:
    runtime = Runtime(trigger(), address, f"gofer-sdk {_version()}")
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, runtime.stop)
    return await runtime.serve()


def _version() -> str:
    try:
        return metadata.version("gofer-sdk")
    except metadata.PackageNotFoundError:
        # A frozen program may have no metadata.
        return "unknown"
