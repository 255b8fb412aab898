"""What may be done with secrets."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gofer.engines.secret_store.base import GLOBAL, Entry, Scope, SecretName, SecretStore
from gofer.errors import NotFound, Unavailable
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.models.page import Page
from gofer.models.secret import Revealed, Secret, SecretSet
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.secrets.told import told
from gofer.server.secrets.values import EVERYBODY, check_key, check_namespaces, check_value, warnings
from gofer.server.store import namespaces, pipelines, runs
from gofer.server.store.database import Database, Readable, Transaction

# Longer than a put takes: who is given the old value while the new one is on its way may be younger than the moment at
# which the old one counts as replaced.
OVERLAP = 60_000
GLOBAL_KIND = "global_secret"


class Owner(NamedTuple):
    """The pipeline that has a secret; without one it is a global secret."""

    namespace: str = ""
    pipeline: str = ""

    def __str__(self) -> str:
        return f"the pipeline {shown(self.pipeline)}" if self.pipeline else "all pipelines"

    @property
    def options(self) -> str:
        """How the command line names it."""
        return f"--pipeline {self.pipeline} --namespace {self.namespace}" if self.pipeline else "--global"


NOBODY = Owner()


class Secrets:
    """One method for each use case. `by` says who does it, as far as that is known.

    Values are in the secret store, events in the database: a sudden end between the two loses an event of what nobody
    was told to be done. Only `reveal` is told of first: no value leaves without its event. `on_retired` is called
    when a value was replaced or deleted.
    """

    def __init__(self, store: SecretStore, database: Database, clock: Clock) -> None:
        self.store = store
        self._database = database
        self._clock = clock
        self.on_retired: Callable[[], None] = lambda: None

    async def put(
        self, owner: Owner, key: str, value: str, namespaces: Sequence[str] | None = None, *, by: str = ""
    ) -> SecretSet:
        """Set a secret. `namespaces` says which ones may use a global one; None: those that it has.

        Raises InvalidInput, NotFound for the pipeline (or for a global secret that is to keep its namespaces and is
        not there), Conflict where no encryption key is configured.
        """
        check_key(key)
        check_value(value)
        allowed = None if namespaces is None else check_namespaces(namespaces)
        if owner != NOBODY:
            allowed = []
        name = SecretName(key, await self._scope(owner))
        at = await self._moment()
        entry, created = await self.store.put(name, value, allowed, at, by)
        data = {"key": key, "created": created}
        if name.is_global:
            data["namespaces"] = list(entry.namespaces)
        if not created:
            self.on_retired()
        if not await self._tell_done(Kind.SECRET_PUT, at, name, data, by):
            await self.store.drop(name.scope)
            raise await self._database.read(lambda connection: _no_pipeline(connection, owner))
        told = [*warnings(value), *await self._unknown(entry.namespaces)]
        return SecretSet(secret=_model(entry), created=created, warnings=told)

    async def find(self, owner: Owner, key: str) -> Secret:
        """Raises NotFound."""
        name = SecretName(key, await self._scope(owner))
        entry = await self.store.entry(name)
        if entry is None:
            raise _missing(owner, key)
        return _model(entry)

    async def list(self, owner: Owner, cursor: str | None, limit: int) -> Page[Secret]:
        """In the order of keys; the cursor is the last key of the page before. Raises NotFound for the pipeline."""
        found = await self.store.list(await self._scope(owner), cursor or "", limit + 1)
        items = [_model(entry) for entry in found[:limit]]
        return Page(items=items, next=items[-1].key if len(found) > limit else None)

    async def reveal(self, owner: Owner, key: str, *, by: str = "") -> Revealed:
        """The value, after it is on disk that it was given. Raises NotFound."""
        name = SecretName(key, await self._scope(owner))
        value = await self.store.get(name)
        if value is None or not await self._tell(Kind.SECRET_REVEALED, self._clock.now(), name, {"key": key}, by):
            raise _missing(owner, key)
        return Revealed(value=value)

    async def delete(self, owner: Owner, key: str, *, by: str = "") -> None:
        """Raises NotFound."""
        name = SecretName(key, await self._scope(owner))
        at = await self._moment()
        if not await self.store.delete(name, at):
            raise _missing(owner, key)
        self.on_retired()
        await self._tell_done(Kind.SECRET_DELETED, at, name, {"key": key}, by)

    async def resolve(self, namespace: str, pipeline: str, kind: str, key: str) -> str | None:
        """The value for a run of that pipeline; `kind` is that of the interpolation: `secret` or `global_secret`.

        None if there is no such secret, or the namespace may not use it. Raises DamagedSecret, Conflict where no
        encryption key is configured, or Unavailable.
        """
        name = await self._name(namespace, pipeline, kind, key)
        if name is None:
            return None
        if not name.is_global:
            return await self.store.get(name)
        # Looked at on either side: a value that is put meanwhile may be for others.
        before = await self.store.entry(name)
        if before is None or not _may_use(before, namespace):
            return None
        value = await self.store.get(name)
        after = await self.store.entry(name)
        return value if after is not None and _may_use(after, namespace) else None

    async def resolve_global(self, key: str) -> str | None:
        """The value of a global secret for what belongs to the server, not to a namespace. Raises as `resolve`."""
        return await self.store.get(SecretName(key))

    async def seen(
        self, namespace: str, pipeline: str, references: Iterable[tuple[str, str]], since: int
    ) -> Sequence[str]:
        """Every value that a run may have got for one of these (kind, key) at `since` (milliseconds) or later, each
        once: what its logs must not show. Raises as `resolve`."""
        found: dict[str, None] = {}
        since -= OVERLAP
        for kind, key in dict.fromkeys(references):
            name = await self._name(namespace, pipeline, kind, key)
            if name is None:
                continue
            if name.is_global:
                entry = await self.store.entry(name)
                if entry is not None and entry.modified_at < since and not _may_use(entry, namespace):
                    continue
            found.update(dict.fromkeys(await self.store.since(name, since)))
        return list(found)

    async def value(self, key: str) -> str | None:
        """Of a global secret, for the server itself, whatever namespaces it is for; None if there is none. Raises as
        `resolve`."""
        return await self.store.get(SecretName(key))

    async def values_since(self, keys: Iterable[str], since: int) -> Sequence[str]:
        """Every value that `value` may have given for one of these at `since` (milliseconds) or later, each once.
        Raises as `resolve`."""
        found: dict[str, None] = {}
        for key in keys:
            found.update(dict.fromkeys(await self.store.since(SecretName(key), since - OVERLAP)))
        return list(found)

    async def unset(
        self, namespace: str, pipeline: str, references: Iterable[tuple[str, str]]
    ) -> Sequence[tuple[str, str]]:
        """Those of these (kind, key) that `resolve` finds nothing for. Raises Conflict or Unavailable as it does."""
        found = []
        for kind, key in dict.fromkeys(references):
            name = await self._name(namespace, pipeline, kind, key)
            entry = None if name is None else await self.store.entry(name)
            if entry is None or (entry.name.is_global and not _may_use(entry, namespace)):
                found.append((kind, key))
        return found

    async def _moment(self) -> int:
        """Now. But not before any run was made that goes on, should the machine's clock have stepped back: what is
        retired then is masked for all of them."""
        span = await self._database.read(runs.unfinished_span)
        now = self._clock.now()
        return now if span is None else max(now, span[1])

    async def _name(self, namespace: str, pipeline: str, kind: str, key: str) -> SecretName | None:
        if kind == GLOBAL_KIND:
            return SecretName(key)
        row = await self._database.read(lambda connection: pipelines.get(connection, namespace, pipeline))
        return None if row is None else SecretName(key, Scope(namespace, pipeline, row.key))

    async def _unknown(self, allowed: Sequence[str]) -> Sequence[str]:
        """A sentence for each namespace that there is none of: it may come, or was misspelt."""

        def work(connection: sqlite3.Connection) -> Sequence[str]:
            return [one for one in allowed if one != EVERYBODY and namespaces.get(connection, one) is None]

        return [f"There is no namespace {shown(one)} yet." for one in await self._database.read(work)]

    async def _scope(self, owner: Owner) -> Scope:
        if owner == NOBODY:
            return GLOBAL

        def work(connection: sqlite3.Connection) -> Scope:
            row = pipelines.get(connection, owner.namespace, owner.pipeline)
            if row is None:
                raise _no_pipeline(connection, owner)
            return Scope(owner.namespace, owner.pipeline, row.key)

        return await self._database.read(work)

    async def _tell_done(self, kind: Kind, at: int, name: SecretName, data: dict[str, Any], by: str) -> bool:
        """As `_tell`, of what was done: who asked for it must not take it for undone because that cannot be stored."""
        try:
            return await self._tell(kind, at, name, data, by)
        except Unavailable as error:
            get_logger("gofer").warning("the event of a secret is lost", kind=kind, name=str(name), why=error.message)
            done = "has its new value" if kind is Kind.SECRET_PUT else "was deleted"
            message = f"The secret {name} {done}, and no event tells of it: {error.message}"
            raise Unavailable(
                message, "There is no need to do it again. `gofer service doctor` says what is wrong."
            ) from error

    async def _tell(self, kind: Kind, at: int, name: SecretName, data: dict[str, Any], by: str) -> bool:
        """Store the event. False if the secret's pipeline is gone, and nothing was stored."""
        data |= told(by)

        def work(tx: Transaction) -> bool:
            scope = name.scope
            if not name.is_global and pipelines.by_key(tx, scope.pipeline_key) is None:
                return False
            tx.emit(kind, at, namespace=scope.namespace, pipeline=scope.pipeline, data=data)
            return True

        return await self._database.write(work)


def _may_use(entry: Entry, namespace: str) -> bool:
    return EVERYBODY in entry.namespaces or namespace in entry.namespaces


def _model(entry: Entry) -> Secret:
    return Secret(
        key=entry.name.key,
        namespace=entry.name.scope.namespace,
        pipeline=entry.name.scope.pipeline,
        namespaces=list(entry.namespaces),
        created_at=entry.created_at,
        modified_at=entry.modified_at,
        created_by=entry.created_by,
        modified_by=entry.modified_by,
    )


def _missing(owner: Owner, key: str) -> NotFound:
    what = f"no global secret {shown(key)}" if owner == NOBODY else f"no secret {shown(key)} of {owner}"
    return NotFound(f"There is {what}", f"List what there is with: gofer secret list {owner.options}.")


def _no_pipeline(connection: Readable, owner: Owner) -> NotFound:
    if namespaces.get(connection, owner.namespace) is None:
        return NotFound(f"There is no namespace {shown(owner.namespace)}", "List them with: gofer namespace list.")
    return NotFound(
        f"There is no pipeline {shown(owner.pipeline)} in the namespace {shown(owner.namespace)}",
        f"List what there is with: gofer pipeline list --namespace {owner.namespace}.",
    )
