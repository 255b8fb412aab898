"""What may be done with namespaces."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from gofer.errors import Conflict, InvalidInput, NotFound, Problem
from gofer.models.event import Kind
from gofer.models.ids import check_id, is_id, shown
from gofer.models.page import Page
from gofer.models.pipeline import CreateNamespace, Namespace, UpdateNamespace
from gofer.server.clock import Clock
from gofer.server.pipelines import bounds
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.characters import check_text
from gofer.server.pipelines.rules.values import check_block, check_line
from gofer.server.store import namespaces
from gofer.server.store.database import Database, Transaction
from gofer.server.store.patterns import Patterns

Also = Callable[[Transaction, Namespace], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""


class Namespaces:
    """One method for each use case. Each change is one transaction with its event."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, wanted: CreateNamespace, *, also: Also | None = None) -> Namespace:
        """The new namespace; `also` is done in the same transaction. Raises InvalidInput, or Conflict if there is one
        of that id."""
        check_id(wanted.id, "namespace")
        _check_texts(wanted.name, wanted.description)
        at = self._clock.now()
        namespace = Namespace(
            id=wanted.id, name=wanted.name, description=wanted.description, created_at=at, modified_at=at
        )

        def work(tx: Transaction) -> Namespace:
            if not namespaces.insert(tx, namespace):
                raise Conflict(f"There is a namespace {shown(wanted.id)} already", "Choose another id, or update it.")
            tx.emit(Kind.NAMESPACE_CREATED, at, namespace=wanted.id)
            if also is not None:
                also(tx, namespace)
            return namespace

        return await self._database.write(work)

    async def get(self, namespace: str) -> Namespace:
        """Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Namespace:
            return require_namespace(connection, namespace)

        return await self._database.read(work)

    async def list(self, cursor: str | None, limit: int, seen: Patterns = None) -> Page[Namespace]:
        """Those that match `seen`, in the order of ids; the cursor is the last id of the page before."""
        found = await self._database.read(lambda c: namespaces.list_page(c, cursor or "", limit + 1, seen))
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    async def update(self, namespace: str, change: UpdateNamespace) -> Namespace:
        """The namespace as it is now; fields of `change` that are None stay. Raises InvalidInput or NotFound."""
        _check_texts(change.name or "", change.description or "")
        at = self._clock.now()

        def work(tx: Transaction) -> Namespace:
            before = require_namespace(tx, namespace)
            if change.name in (None, before.name) and change.description in (None, before.description):
                return before
            after = namespaces.update(tx, namespace, name=change.name, description=change.description, at=at)
            tx.emit(Kind.NAMESPACE_UPDATED, at, namespace=namespace)
            return after or before

        return await self._database.write(work)

    async def delete(self, namespace: str) -> None:
        """Raises NotFound, or Conflict unless it is empty; `default` is never deleted."""
        at = self._clock.now()

        def work(tx: Transaction) -> None:
            require_namespace(tx, namespace)
            if namespace == namespaces.DEFAULT:
                raise Conflict(f'The namespace "{namespace}" always exists', "Delete its pipelines instead.")
            if namespaces.has_pipelines(tx, namespace):
                hint = f"Delete them first: gofer pipeline list --namespace {namespace}."
                raise Conflict(f"The namespace {shown(namespace)} has pipelines", hint)
            namespaces.delete(tx, namespace)
            tx.emit(Kind.NAMESPACE_DELETED, at, namespace=namespace)

        await self._database.write(work)


def require_namespace(connection: sqlite3.Connection | Transaction, namespace: str) -> Namespace:
    """The namespace. Raises NotFound."""
    found = namespaces.get(connection, namespace)
    if found is None:
        create = f"Create it with: gofer namespace create {namespace}. " if is_id(namespace) else ""
        hint = f"{create}List them with: gofer namespace list."
        raise NotFound(f"There is no namespace {shown(namespace)}", hint)
    return found


def _check_texts(name: str, description: str) -> None:
    report = Report()
    scope = Scope(report, "", "")
    check_line(scope, "name", name, bounds.MAX_NAME)
    check_block(scope, "description", description, bounds.MAX_DESCRIPTION)
    check_text("name", name, report)
    check_text("description", description, report)
    problems: list[Problem] = report.problems()
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.place} {first.message}", first.hint, problems)
