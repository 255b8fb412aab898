"""One endpoint at work: decode, call its handler, encode."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from starlette.types import Receive, Scope

from gofer.errors import BadRequest, Replaced
from gofer.models.event import Kind
from gofer.server.api.audit import kind_of, request_of, tell_alone
from gofer.server.api.authentication import check_caller
from gofer.server.api.body import read_body
from gofer.server.api.decoders import Decoders
from gofer.server.api.download import reply_to
from gofer.server.api.endpoint import Call, Download, Endpoint, NoBody, Stream, Text, shapes_of, subject_of
from gofer.server.api.idempotency import Idempotency, Kept, Ticket, check_key, fingerprint_of
from gofer.server.api.negotiate import CONTENT_TYPES, Format, answer_format, require_accepted
from gofer.server.api.peer import peer_of
from gofer.server.api.reply import Chunks, Reply, close
from gofer.server.api.token_life import check_lives, while_token_lives
from gofer.server.api.upload import UPLOAD, Incoming, taking
from gofer.server.audit.record import Request
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import Caller

if TYPE_CHECKING:
    from gofer.server.services import Services
    from gofer.server.store.database import Transaction

REPLAYED = (b"idempotent-replayed", b"true")

_JSON = msgspec.json.Encoder()
_MSGPACK = msgspec.msgpack.Encoder()

_ONCE = frozenset({b"content-type", b"content-encoding", b"content-range", b"content-digest", b"idempotency-key"})


class _Head:
    """The headers that matter here."""

    __slots__ = ("accept", "content_length", "content_type", "key")

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Raises BadRequest where one that has one value is there twice: others on the way may go by the other one."""
        self.accept: bytes | None = None
        self.content_length: bytes | None = None
        self.content_type: bytes | None = None
        self.key: bytes | None = None
        once: set[bytes] = set()
        for name, value in headers:
            if name in _ONCE:
                if name in once:
                    raise BadRequest(f"The request has two {name.decode().title()} headers.", "Send one.")
                once.add(name)
            if name == b"accept":
                self.accept = value if self.accept is None else self.accept + b"," + value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"idempotency-key":
                self.key = value


class _Asked(NamedTuple):
    """A request whose caller may do that."""

    scope: Scope
    receive: Receive
    incoming: Incoming | None
    head: _Head
    form: Format
    caller: Caller
    at: Any
    query: Any


class HttpRoute:
    """What an endpoint needs at run time, made once."""

    def __init__(self, services: Services, endpoint: Endpoint, idempotency: Idempotency, decoders: Decoders) -> None:
        self._services = services
        self._endpoint = endpoint
        self._idempotency = idempotency
        shapes = shapes_of(endpoint.handler)
        self._path = decoders.parameters(shapes.path)
        self._query = decoders.parameters(shapes.query)
        self._body = decoders.body(shapes.body, endpoint)
        self._negotiates = shapes.answer not in (None, Download)
        self._has_body = endpoint.method in ("POST", "PUT", "PATCH")
        self._audit = kind_of(endpoint)
        self._keeps = endpoint.keeps and endpoint.method != "GET"

    async def answer(self, scope: Scope, receive: Receive, given: dict[str, str]) -> Reply:
        """The reply to one request. Raises GoferError, ClientGone, or whatever the handler lets through; RefusedUpload
        in place of all but ClientGone where the endpoint takes an upload."""
        if not self._endpoint.upload:
            return await self._answer(scope, receive, None, given)
        scope["state"][UPLOAD] = True
        with taking(Incoming(receive)) as incoming:
            return await self._answer(scope, receive, incoming, given)

    async def _answer(self, scope: Scope, receive: Receive, incoming: Incoming | None, given: dict[str, str]) -> Reply:
        head = _Head(scope["headers"])
        form = self._format(head.accept)
        at = self._path.of_path(given)
        caller = check_caller(scope, self._endpoint.permission, at, filtered=self._endpoint.filtered)
        query = self._bounded(self._query.of_query(scope["query_string"]))
        asked = _Asked(scope, receive, incoming, head, form, caller, at, query)
        if self._audit is None:
            return await self._carry_out(asked)
        return await self._audited(self._audit, request_of(scope, self._endpoint.path, given), asked)

    async def _audited(self, kind: Kind, request: Request, asked: _Asked) -> Reply:
        """Has the audit event stored with what is written for the request; alone, where nothing is."""
        beside = self._services.auditor.beside(kind, asked.caller, request)
        with beside.held():
            answer = await self._carry_out(asked)
        if beside.stored or REPLAYED in answer.headers:
            return answer
        try:
            await tell_alone(self._services, beside)
        except BaseException:
            if answer.chunks is not None:
                await close(answer.chunks.rest)
            raise
        return answer

    async def _carry_out(self, asked: _Asked) -> Reply:
        scope, receive, incoming, head, form, caller, at, query = asked
        if incoming is not None:
            upload = incoming.upload(scope["headers"])
            taking_it = Call(self._services, at, query, NoBody(), caller=caller, upload=upload, peer=peer_of(scope))
            value = await while_token_lives(self._services, caller, self._endpoint.handler(taking_it))
            return await self._reply(value, form)
        raw = await self._read(receive, head, caller)
        body = self._body.of(raw, head.content_type)
        call = Call(self._services, at, query, body, caller=caller, peer=peer_of(scope), scope=scope)
        if self._endpoint.named is not None:
            check_allowed(caller, self._endpoint.permission, subject_of(at)[0], self._endpoint.named(call.body))
        if self._keeps and head.key is not None:
            key = check_key(head.key)
            fingerprint = fingerprint_of(
                scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"], raw
            )
            return await self._once(call, key, fingerprint, form)
        while True:
            value = await self._endpoint.handler(call)
            if not isinstance(value, Download):
                answer = await self._reply(value, form)
                return answer._replace(headers=[*answer.headers, *call.headers]) if call.headers else answer
            # What is overwritten all the time is there all the time: it is looked up again.
            with suppress(Replaced):
                return await reply_to(value, scope)

    async def _read(self, receive: Receive, head: _Head, caller: Caller) -> bytes:
        if not self._has_body:
            return b""
        body = await read_body(receive, head.content_length, self._services.settings.server.max_body_bytes)
        await check_lives(self._services, caller)
        return body

    def _bounded(self, query: Any) -> Any:
        """A page is never larger than the server allows: the rest comes with the next."""
        most = self._services.settings.server.storage_results_limit
        if not query.paged or query.limit <= most:
            return query
        return msgspec.structs.replace(query, limit=most)

    async def _once(self, call: Call[Any, Any, Any], key: str, fingerprint: str, form: Format) -> Reply:
        async def act(ticket: Ticket) -> Kept:
            def remember(tx: Transaction, value: Any) -> None:
                ticket.keep(tx, self._kept(value))

            call.remember = remember
            return self._kept(await self._endpoint.handler(call))

        kept, replayed = await self._idempotency.once(key, fingerprint, act, call.caller.scope)
        body = kept.body if form == "json" or not kept.body else _MSGPACK.encode(msgspec.json.decode(kept.body))
        content_type = CONTENT_TYPES[form] if body else b""
        return Reply(kept.status, body, content_type, [REPLAYED] if replayed else ())

    def _kept(self, value: Any) -> Kept:
        return Kept(self._status(value), b"" if value is None else _JSON.encode(value))

    async def _reply(self, value: Any, form: Format) -> Reply:
        if isinstance(value, Text):
            return Reply(self._status(value), value.body, value.content_type.encode(), policy=value.policy)
        if isinstance(value, Stream):
            return await self._stream(value)
        if value is None:
            return Reply(self._status(value))
        encoder = _JSON if form == "json" else _MSGPACK
        return Reply(self._status(value), encoder.encode(value), CONTENT_TYPES[form])

    async def _stream(self, value: Stream) -> Reply:
        chunks = Chunks(await anext(value.chunks, None), value.chunks)
        how = "inline" if value.is_shown else "attachment"
        name = (b"content-disposition", f'{how}; filename="{value.file_name}"'.encode())
        return Reply(self._status(value), b"", value.content_type.encode(), [name], chunks=chunks)

    def _status(self, value: Any) -> int:
        status = self._endpoint.status
        return status if isinstance(status, int) else status(value)

    def _format(self, accept: bytes | None) -> Format:
        if self._endpoint.content:
            require_accepted(accept, self._endpoint.content)
        elif self._negotiates:
            return answer_format(accept)
        return "json"
