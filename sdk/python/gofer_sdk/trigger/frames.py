"""Frames as docs/trigger-protocol.md has them: MessagePack maps, decoded with limits on size and depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gofer_sdk.trigger.errors import ProtocolError
from gofer_sdk.trigger.structure import check_structure

PROTOCOL: Final = 1
MAX_FRAME_BYTES: Final = 1024 * 1024
MAX_ID: Final = 2**53 - 1

Fields = dict[str, Any]


class Request(NamedTuple):
    """Asks for something; a notice if `id` is None."""

    id: int | None
    kind: str
    fields: Fields


class Reply(NamedTuple):
    """The answer to the request `re`."""

    re: int
    fields: Fields


class Failure(NamedTuple):
    """Says why the request `re` was not done."""

    re: int
    code: str
    message: str


Frame = Request | Reply | Failure


def encode(fields: Mapping[str, object], limit: int = MAX_FRAME_BYTES) -> bytes:
    """The bytes of a frame. Raises ProtocolError for more than `limit` bytes and for what MessagePack cannot hold."""
    import msgpack  # type: ignore[import-untyped]

    try:
        packed = msgpack.packb(fields, use_bin_type=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"A frame holds what cannot be sent: {error}.") from None
    if not isinstance(packed, bytes) or len(packed) > limit:
        raise ProtocolError(f"A frame may have {limit:,} bytes; this one would have {len(packed):,}.")
    check_structure(packed)
    return packed


def decode(data: bytes | str, limit: int = MAX_FRAME_BYTES) -> Frame:
    """The frame that a message holds. Raises ProtocolError, whatever the bytes are, and nothing else.

    It costs memory in proportion to the message, and at most time in proportion to it.
    """
    import msgpack

    if isinstance(data, str):
        raise ProtocolError("Expected a binary message, got a text.")
    if len(data) > limit:
        raise ProtocolError(f"A frame may have {limit:,} bytes; this one has {len(data):,}.")
    check_structure(data)
    try:
        frame = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"What came is not MessagePack: {error}.") from None
    if not isinstance(frame, dict):
        raise ProtocolError(f"A frame is a map; what came is {_named(frame)}.")
    return _kind_of(frame)


def _kind_of(frame: Fields) -> Frame:
    if "re" in frame:
        if "kind" in frame:
            raise ProtocolError('A frame has either "kind" or "re"; this one has both.')
        re = _id(frame.pop("re"), "re")
        return _failure(re, frame["error"]) if "error" in frame else Reply(re, frame)
    kind = frame.pop("kind", None)
    if not isinstance(kind, str):
        raise ProtocolError(f'A frame has "re", or "kind", a text; "kind" of this one is {_named(kind)}.')
    return Request(_id(frame.pop("id"), "id") if "id" in frame else None, kind, frame)


def _failure(re: int, error: object) -> Failure:
    code = error.get("code") if isinstance(error, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    if not isinstance(code, str) or not isinstance(message, str):
        raise ProtocolError('"error" is a map of two texts, "code" and "message".')
    return Failure(re, code, message)


def _id(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        raise ProtocolError(f'"{name}" is a whole number from 1 to 2^53-1; this one is {_named(value)}.')
    return value


def _named(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        words = {dict: "a map", list: "a list", str: "a text", bytes: "bytes", bool: "a boolean", float: "a number"}
        return words.get(type(value), "nothing")
    return str(value)
