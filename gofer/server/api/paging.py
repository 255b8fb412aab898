"""Cursors: where a list goes on, opaque to the client and good for that one kind of list."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from gofer.errors import InvalidInput, Problem
from gofer.models.ids import is_id
from gofer.models.page import Page

T = TypeVar("T")

_NUMBER = msgspec.msgpack.Decoder(tuple[str, int])
_TEXT = msgspec.msgpack.Decoder(tuple[str, str])


def seal(kind: str, position: str | int) -> str:
    """The cursor for a position in a list of this kind (`runs`, `pipelines`, …)."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((kind, position))).decode().rstrip("=")


def page(kind: str, found: Page[T], *, number: bool = False) -> Page[T]:
    """A service's page with its cursor sealed. `number`: positions in the list are numbers."""
    if found.next is None:
        return found
    return Page(items=found.items, next=seal(kind, int(found.next) if number else found.next))


def number(kind: str, cursor: str | None) -> int | None:
    """The position that a cursor of this kind holds. Raises InvalidInput."""
    if cursor is None:
        return None
    found = _open(_NUMBER, cursor)
    if found is None or found[0] != kind or not 0 <= found[1] < 2**62:
        raise _invalid()
    return found[1]


def text(kind: str, cursor: str | None) -> str | None:
    """The id that a cursor of this kind holds. Raises InvalidInput."""
    if cursor is None:
        return None
    found = _open(_TEXT, cursor)
    if found is None or found[0] != kind or not is_id(found[1]):
        raise _invalid()
    return found[1]


def _open(decoder: msgspec.msgpack.Decoder[T], cursor: str) -> T | None:
    try:
        return decoder.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None


def _invalid() -> InvalidInput:
    message = "This is not a cursor of this list."
    hint = "Use the `next` of the page before as it is, or leave the cursor out to begin anew."
    return InvalidInput(message, hint, [Problem(place="query.cursor", message=message, hint=hint)])
