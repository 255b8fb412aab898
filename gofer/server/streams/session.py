"""What every websocket does: end when its client goes, refuse what it cannot understand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

UNSUPPORTED = 1003


class BadFrame(Exception):
    """The client sent what this websocket does not take; `reason` goes into the close frame with code 1003."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def serve_until_gone(websocket: WebSocket, *work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until the first of it ends, or the client goes away, or sends anything though it should not."""
    await first_of(websocket, *work, _listen(websocket))


async def first_of(websocket: WebSocket, *work: Coroutine[Any, Any, None]) -> None:
    """Run all of `work` until the first of it ends; the others are cancelled. Closes with 1003 on BadFrame."""
    tasks = [asyncio.create_task(each, name="websocket") for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except BadFrame as error:
        await websocket.close(UNSUPPORTED, error.reason)
    except WebSocketDisconnect:
        return
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(websocket: WebSocket) -> None:
    if (await websocket.receive())["type"] != "websocket.disconnect":
        raise BadFrame("This stream takes no messages.")
