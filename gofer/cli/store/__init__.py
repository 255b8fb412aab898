"""`gofer pipeline store …` and `gofer run store …`: the table of their commands, which are the same for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer.cli.base import Command, Entry, Group

if TYPE_CHECKING:
    from gofer.cli.store.place import Level


def store(level: Level) -> Group:
    """The commands for the objects of pipelines, or of runs."""

    def put() -> Command:
        from gofer.cli.store.put import put

        return put(level)

    def get() -> Command:
        from gofer.cli.store.get import get

        return get(level)

    def list_() -> Command:
        from gofer.cli.store.list import list_

        return list_(level)

    def delete() -> Command:
        from gofer.cli.store.delete import delete

        return delete(level)

    return Group(
        "store",
        help=level.about,
        table={
            "put": Entry("Keep values, files or what comes on stdin.", put),
            "get": Entry("Fetch an object.", get),
            "list": Entry("The objects there are.", list_),
            "delete": Entry("Delete objects.", delete),
        },
    )
