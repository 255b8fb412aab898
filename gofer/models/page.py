"""Lists are paged by cursor."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


class Page(msgspec.Struct, Generic[T], kw_only=True):
    """`next` is the cursor of the following page, None at the end. A cursor is opaque to the client."""

    items: list[T]
    next: str | None = None
