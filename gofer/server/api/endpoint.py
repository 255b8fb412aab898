"""How a route is declared. Requests are decoded with, and OpenAPI is generated from, exactly this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec
from starlette.types import Scope
from starlette.websockets import WebSocket

from gofer.models.ids import ID_PATTERN
from gofer.models.page import DEFAULT_LIMIT, MAX_LIMIT
from gofer.server.auth.caller import Caller
from gofer.server.auth.permission import Permission
from gofer.server.auth.rights import Name

if TYPE_CHECKING:
    from gofer.server.api.peer import Peer
    from gofer.server.services import Services
    from gofer.server.store.database import Transaction

MAX_NUMBER = 2**53 - 1
STRICT_POLICY = b"default-src 'none'; frame-ancestors 'none'"

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, max_length=64)]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what stands in a path or a query. Fields are text, integers, booleans, enums, or lists of text.

    `paged`: it asks for a page of a list; its `limit` never reaches a handler above `server.storage_results_limit`.
    """

    paged: ClassVar[bool] = False


class NoPath(Input, frozen=True):
    """A path without parameters."""


class NamespacePath(Input, frozen=True):
    namespace: Id


class PipelinePath(NamespacePath, frozen=True, kw_only=True):
    pipeline: Id


class VersionPath(PipelinePath, frozen=True, kw_only=True):
    version: Number


class RunPath(PipelinePath, frozen=True, kw_only=True):
    run: Number


class TaskPath(RunPath, frozen=True, kw_only=True):
    task: Id


class NoQuery(Input, frozen=True):
    """No query parameters."""


class PageQuery(Input, frozen=True, kw_only=True):
    """Of every list: `cursor` is the `next` of the page before."""

    paged = True

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a write that takes no body: nothing, or an empty object."""


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is written as it is. `policy` is its content security policy."""

    body: bytes
    content_type: str
    policy: bytes = STRICT_POLICY


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer of any length. `chunks` raises before its first chunk if there is nothing to give.

    `is_shown`: in the browser's window, rather than kept as a file. Only for what is plain text.
    """

    chunks: AsyncIterator[bytes]
    content_type: str
    file_name: str
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """An answer of a known size, of which a client may ask for a part, or whether it has changed.

    `read(start, end)` gives the bytes from `start` to before `end`, and raises before the first piece if there is
    nothing to give. `sha256` in hexadecimal.
    """

    read: Callable[[int, int], AsyncIterator[bytes]]
    size: int
    sha256: str
    content_type: str
    file_name: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is read by the handler, as it comes; what the headers say of it is None where they say nothing.

    `chunks` raises ClientGone if the client goes away before its end. `size` in bytes; `sha256` in hexadecimal.
    """

    chunks: AsyncIterator[bytes]
    content_type: str | None
    size: int | None
    sha256: str | None


def subject_of(at: Input) -> tuple[str | None, tuple[str, ...]]:
    """The namespace that a path names, and the name of what it is about: the pipeline, then a key; or an id alone."""
    return getattr(at, "namespace", None), tuple(
        found
        for field in ("pipeline", "key", "token", "role", "trigger", "common_task")
        if (found := getattr(at, field, None))
    )


P = TypeVar("P", bound=Input)
Q = TypeVar("Q", bound=Input)
B = TypeVar("B", bound=msgspec.Struct)

Remember = Callable[["Transaction", Any], None]


@dataclass(slots=True)
class Call(Generic[P, Q, B]):
    """A decoded request.

    `remember` is set when the request has an Idempotency-Key: a service that is handed it as `also` stores the answer
    in the same transaction as the effect. `caller` is who asks, and may; `peer` says from where. `upload` is there
    where the endpoint takes one. `scope` is the request as ASGI has it. `headers` are set by the handler: its answer
    has them beside the usual.
    """

    services: Services
    path: P
    query: Q
    body: B
    caller: Caller
    remember: Remember | None = None
    upload: Upload | None = None
    peer: Peer | None = None
    scope: Scope | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of one path.

    `handler` takes the decoded call and returns the answer: a value (written as JSON or MessagePack), a Text or Stream
    of one of the types in `content`, a Download of any type, or None (204). How a request is decoded, and what is
    documented, is what the handler's annotations say: see `shapes_of`. `status` is that of success, or a function of
    the answer whose possible values stand in `statuses`. `errors` are the statuses that only this route has, beside
    those that every route may have. `permission` is what the caller must be allowed to do: in the namespace of the
    path, with what it names there; without a namespace in the path, for the whole server. `filtered`: the handler
    itself keeps to what the caller may see, so to be allowed anything of the kind is enough. `named` tells from the
    body what it is about, where the path does not: that is checked too, before anything is done or an old answer is
    given again. `decode` replaces the decoding of the body; with `upload` nothing decodes it, and the handler reads it
    from the call. `keeps` is false where an Idempotency-Key has no meaning (a POST that changes nothing; an upload,
    which changes nothing when it is sent again), and where nothing may be kept of the request or the answer, as a
    secret is in it.
    """

    method: str
    path: str
    handler: Callable[[Call[Any, Any, Any]], Coroutine[Any, Any, Any]]
    summary: str
    tag: str
    status: int | Callable[[Any], int] = 200
    statuses: tuple[int, ...] = ()
    content: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    permission: Permission = "undeclared"
    filtered: bool = False
    named: Callable[[Any], Name] | None = None
    decode: Callable[[bytes, str], Any] | None = None
    upload: bool = False
    keeps: bool = True


@dataclass(frozen=True, kw_only=True)
class Socket:
    """One websocket. `handler` accepts it, and returns when it may be closed.

    A GoferError before the websocket is accepted is answered as a problem; one after it closes the websocket. `sends`
    and `takes` are the types of the text frames, for the documentation. `permission` and `filtered` as of an Endpoint.
    """

    path: str
    handler: Callable[[Call[Any, Any, NoBody], WebSocket], Coroutine[Any, Any, None]]
    summary: str
    tag: str
    sends: tuple[type[Any], ...] = ()
    takes: tuple[type[Any], ...] = ()
    errors: tuple[int, ...] = ()
    permission: Permission = "undeclared"
    filtered: bool = False


class Shapes(NamedTuple):
    """The types of a handler's path, query, body and answer (None where it answers with nothing)."""

    path: type[Input]
    query: type[Input]
    body: type[msgspec.Struct]
    answer: Any


def shapes_of(handler: Callable[..., Awaitable[Any]]) -> Shapes:
    """What `handler(call: Call[Path, Query, Body]) -> Answer` is annotated with."""
    hints = get_type_hints(handler)
    path, query, body = get_args(hints["call"])
    answer = hints["return"]
    return Shapes(path, query, body, None if answer is type(None) else answer)
