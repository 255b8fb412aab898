"""How a request of a task is told from one of the network."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

TASK_SOCKET: Final = "gofer.task_socket"
"""Stands in the scope of what comes in through the tasks' socket."""


class TaskDoor:
    """What the tasks' socket leads to: `app`, which is told where the request comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TASK_SOCKET] = True
        await self._app(scope, receive, send)
