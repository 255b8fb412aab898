"""Reading a body: within the limit, and as the type that the route declares."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect
from starlette.types import Receive

from gofer.errors import BadRequest, GoferError, InvalidInput, Problem, TooLarge
from gofer.models.ids import shown
from gofer.models.units import format_size
from gofer.server.api.negotiate import CONTENT_TYPES, body_format
from gofer.server.nearest import Nearest

B = TypeVar("B", bound=msgspec.Struct)

# So much of a refused body is read and thrown away, for so long, so that its sender gets to see the refusal.
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 5.0

# What msgspec says of them names the bound, and not what came.
_OUT_OF_BOUNDS = re.compile(r"Expected (int|float|str of length) [<>]=? \S+$")
_SHOWN = 64


class ClientGone(Exception):
    """The client went away before its request was whole: there is nobody to answer."""


async def read_body(receive: Receive, content_length: bytes | None, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises TooLarge as soon as it is known to be over it, or ClientGone."""
    if content_length is not None and (len(content_length) > 15 or int(content_length) > limit):
        raise _too_large(limit)
    first = await receive()
    if first["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = first.get("body", b"")
    if not first.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    return await _read_rest(receive, body, limit)


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        more = message.get("more_body", False)
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


async def drain(receive: Receive) -> None:
    """Throw away what still comes, within reason. Never raises."""
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return


class Body(Generic[B]):
    """Decodes bodies of one type. `decode` replaces the decoding from (body, content type)."""

    def __init__(self, shape: type[B], decode: Callable[[bytes, str], B] | None) -> None:
        self._shape = shape
        self._decode = decode
        self._json = msgspec.json.Decoder(shape)
        self._msgpack = msgspec.msgpack.Decoder(shape)
        described = inspect.type_info(shape)
        assert isinstance(described, inspect.StructType)
        self._names = [field.encode_name for field in described.fields]
        self.optional = decode is None and not any(field.required for field in described.fields)

    def of(self, body: bytes, content_type: bytes | None) -> B:
        """The decoded body. Raises UnsupportedMediaType, BadRequest (malformed) or InvalidInput (wrong)."""
        if not body and self.optional:
            return self._shape()
        kind = body_format(content_type)
        try:
            if self._decode is not None:
                return self._decode(body, CONTENT_TYPES[kind].decode())
            return self._json.decode(body) if kind == "json" else self._msgpack.decode(body)
        except GoferError:
            raise
        except msgspec.ValidationError as error:
            raise self._invalid(str(error), body, kind) from None
        except (ValueError, RecursionError) as error:
            what = "JSON" if kind == "json" else "MessagePack"
            raise BadRequest(f"The body is not {what}: {error}.", f"Send one {what} object, in UTF-8.") from None

    def _invalid(self, text: str, body: bytes, kind: str) -> InvalidInput:
        message, _, path = text.partition(" - at `")
        place = path.rstrip("`").removeprefix("$").removeprefix(".")
        hint = f"It has these fields: {', '.join(self._names)}." if self._names else "It has no fields."
        if message.startswith("Object contains unknown field `"):
            name = message.removeprefix("Object contains unknown field `").rstrip("`")
            hint = Nearest(self._names).hint(name) or hint
            place = f"{place}.{shown(name)[1:-1]}".strip(".")
            message = f"there is no field {shown(name)}"
        message = message.replace("`", "")
        if _OUT_OF_BOUNDS.match(message):
            message += _came(body, kind, place)
        return InvalidInput(f"The body is wrong: {message}.", hint, [Problem(place=place, message=message, hint=hint)])


def _came(body: bytes, kind: str, place: str) -> str:
    """What the field of the body has. Of a text how long it is: it may be a secret."""
    try:
        given: Any = msgspec.json.decode(body) if kind == "json" else msgspec.msgpack.decode(body)
        value = given[place]
        came = f"one of {len(value)} characters" if isinstance(value, str) else str(value)
    except (ValueError, TypeError, LookupError, RecursionError):  # what comes behind it may be anything
        return ""
    return f", got {came if len(came) <= _SHOWN else came[:_SHOWN] + '…'}"


def _too_large(limit: int) -> GoferError:
    hint = "Send less at once, or have server.max_body_bytes raised."
    return TooLarge(f"The body is larger than {format_size(limit)}.", hint)


AnyBody = Body[Any]
