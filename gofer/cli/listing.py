"""Lists: the first page, and how to get more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from gofer.models.page import DEFAULT_LIMIT, MAX_LIMIT, Page

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell
    from gofer.client.http import Query

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Paging(NamedTuple):
    """How much of a list is wanted. `limit` None: everything."""

    limit: int | None
    cursor: str | None


class Columns(NamedTuple):
    """How a list is printed. `empty` is said where there is nothing."""

    head: Sequence[str]
    row: Callable[[Any], Sequence[Cell]]
    empty: str


def paging_options(command: F) -> F:
    """`--limit`, `--cursor` and `--all`; the command gets them as `paging`."""
    import functools

    @functools.wraps(command)
    def paged(*args: Any, limit: int, cursor: str | None, everything: bool, **kwargs: Any) -> Any:
        return command(*args, paging=Paging(None if everything else limit, cursor), **kwargs)

    most = click.IntRange(1, 1_000_000)
    wrapped = click.option("--all", "everything", is_flag=True, help="Everything, page after page.")(paged)
    wrapped = click.option("--cursor", metavar="TEXT", help="Go on where an earlier page ended.")(wrapped)
    about = "How many at most."
    limit = click.option("--limit", type=most, default=DEFAULT_LIMIT, show_default=True, metavar="N", help=about)
    return limit(wrapped)  # type: ignore[return-value]  # click's decorators keep the function


def fetch(invocation: Invocation, path: str, item: type[T], query: Query, paging: Paging) -> Page[T]:
    """As much of the list at `path` as is wanted, in one page."""
    items: list[T] = []
    cursor = paging.cursor
    while True:
        left = MAX_LIMIT if paging.limit is None else min(paging.limit - len(items), MAX_LIMIT)
        page = invocation.client.page(path, item, {**query, "cursor": cursor, "limit": left})
        items += page.items
        cursor = page.next
        if cursor is None or (paging.limit is not None and len(items) >= paging.limit):
            return Page(items=items, next=cursor)


def show_list(
    invocation: Invocation, path: str, item: type[Any], query: Query, paging: Paging, columns: Columns
) -> None:
    """Print the list at `path`; on stderr, how to get the rest of it."""
    page = fetch(invocation, path, item, query, paging)
    output = invocation.output
    if not page.items and output.format == "pretty":
        output.note("Nothing more." if paging.cursor else columns.empty)
        return
    output.show(page, lambda: output.table(columns.head, [columns.row(one) for one in page.items]))
    if page.next is not None:
        output.note(f"There is more: add --all, or --cursor {page.next}")
