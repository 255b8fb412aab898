"""The websocket that is a terminal, or a pipe, into a running container."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.websockets import WebSocket

from gofer.engines.scheduler.base import Session
from gofer.errors import GoferError
from gofer.models.event import Kind
from gofer.server.api import problem, taskruns
from gofer.server.api.audit import request_of
from gofer.server.api.endpoint import Call, Input, NoBody, TaskPath
from gofer.server.audit.record import command_line
from gofer.server.streams.session import BadFrame, first_of

ATTACH = taskruns.ONE + "/attach"
_STREAMS = {"stdout": b"\x01", "stderr": b"\x02"}

Side = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Word = Annotated[str, msgspec.Meta(max_length=32_768)]


class AttachQuery(Input, frozen=True):
    """`command` is given once for each word of the command; absent: a shell. `columns` and `rows` are the terminal's
    size."""

    command: list[Word] = msgspec.field(default_factory=lambda: ["sh"])
    terminal: bool = False
    columns: Side = 80
    rows: Side = 24


class Resize(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="resize"):
    """The terminal has another size now."""

    columns: Side
    rows: Side


class EndOfInput(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="eof"):
    """The client has no more input."""


class Exited(msgspec.Struct, kw_only=True, tag_field="type", tag="exit"):
    """The command has ended; the last frame."""

    code: int


class Failed(msgspec.Struct, kw_only=True, tag_field="type", tag="error"):
    """The command could not be started, or was lost; the last frame."""

    message: str
    hint: str


async def attach(call: Call[TaskPath, AttachQuery, NoBody], websocket: WebSocket) -> None:
    """Runs a command beside the task's own, until it or the client ends.

    Binary frames to the server are its input; binary frames from the server are its output, of which the first byte is
    1 for stdout and 2 for stderr. The last frame is Exited or Failed.
    """
    at, query = call.path, call.query
    await call.services.runs.task_run(at.namespace, at.pipeline, at.run, at.task)
    await _tell(call, websocket)
    await websocket.accept()
    try:
        session = await call.services.runs.exec(
            at.namespace,
            at.pipeline,
            at.run,
            at.task,
            query.command,
            terminal=query.terminal,
            columns=query.columns,
            rows=query.rows,
        )
        try:
            await first_of(websocket, _output(websocket, session), _input(websocket, session))
        finally:
            await session.close()
    except GoferError as error:
        told = problem.details(error, where="attach")
        await _send(websocket, Failed(message=told.detail, hint=told.hint))


async def _tell(call: Call[TaskPath, AttachQuery, NoBody], websocket: WebSocket) -> None:
    """Have it on the disk who is about to run what; only then it is run."""
    services, at = call.services, call.path
    request = request_of(websocket.scope, ATTACH, {"namespace": at.namespace, "pipeline": at.pipeline})
    command = command_line(call.query.command)
    event = services.auditor.beside(Kind.AUDIT_ATTACH, call.caller, request, command=command)
    await services.database.write(event.alone)


async def _output(websocket: WebSocket, session: Session) -> None:
    async for chunk in session.output():
        await websocket.send_bytes(_STREAMS[chunk.stream] + chunk.data)
    await _send(websocket, Exited(code=await session.exit_code()))


async def _input(websocket: WebSocket, session: Session) -> None:
    """Returns when the client is gone. Raises BadFrame."""
    frames: msgspec.json.Decoder[Resize | EndOfInput] = msgspec.json.Decoder(Resize | EndOfInput)
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        data = message.get("bytes")
        if data is not None:
            await session.write(data)
        else:
            await _control(session, frames, message.get("text") or "")


async def _control(session: Session, frames: msgspec.json.Decoder[Resize | EndOfInput], text: str) -> None:
    try:
        frame = frames.decode(text)
    except ValueError as error:
        raise BadFrame(f"This is no frame of an attach: {error}.") from None
    if isinstance(frame, Resize):
        await session.resize(frame.columns, frame.rows)
    else:
        await session.close_input()


async def _send(websocket: WebSocket, frame: Any) -> None:
    await websocket.send_text(msgspec.json.encode(frame).decode())
