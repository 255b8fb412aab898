"""What may be done with tokens. The registry's part is in `registry.py`: it is told once a change is on the disk."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import msgspec

from gofer.errors import Conflict, NotFound, Unavailable
from gofer.models.access import ANY, CreateToken, Grant, NewToken, RotateToken, Token, UpdateToken, Whoami, state_of
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.models.page import Page
from gofer.server.auth.caller import Caller
from gofer.server.auth.check_token import check_description, check_grace, check_new
from gofer.server.auth.registry import Registry
from gofer.server.auth.rights import Rights, permitted
from gofer.server.auth.system_roles import RUN
from gofer.server.auth.tokens import digest_of, new_token
from gofer.server.clock import Clock
from gofer.server.secrets.told import told
from gofer.server.store import access, namespaces
from gofer.server.store.access import StoredToken
from gofer.server.store.database import Database, Transaction

_Grants: TypeAlias = list[Grant]
_EVERYTHING = Grant(resources=[ANY], actions=[ANY])
_ROTATED = "This token was rotated, and its old text holds no longer."
_AGAIN = "On the server's machine: gofer service token bootstrap --again."


class Tokens:
    """One method for each use case. Each change is one transaction with its event, and one goes after the other.

    `by` says who does it, as far as that is known. `on_change` is called after each.
    """

    def __init__(self, registry: Registry, database: Database, clock: Clock) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock
        self._turn = registry.turn
        self.on_change: Callable[[], None] = lambda: None

    @property
    def has_root(self) -> bool:
        """Whether there is a root token, good or not."""
        return any(stored.token.root for stored in self._registry.tokens())

    def get(self, token: str) -> Token:
        """Raises NotFound."""
        return self._require(token).token

    def list(self, after: int | None, limit: int) -> Page[Token]:
        """The oldest first; the cursor is the number of the last of the page before."""
        found = [stored for stored in self._registry.tokens() if stored.key > (after or 0)]
        items = [stored.token for stored in found[:limit]]
        return Page(items=items, next=str(found[limit - 1].key) if len(found) > limit else None)

    async def create(self, wanted: CreateToken, *, by: str = "") -> NewToken:
        """A new token, and its text, which nobody can be told again. Raises InvalidInput."""
        async with self._turn:
            check_new(wanted, lambda role: self._registry.role(role) is not None)
            names = [one for one in wanted.namespaces if ANY not in one]
            missing = await self._database.read(lambda c: [one for one in names if namespaces.get(c, one) is None])
            at = self._clock.now()
            token = _token(wanted, at, by)
            if wanted.expires_in is not None:
                token.expires_at = at + wanted.expires_in
            made = await self._add(token, [])
        names = [one for one in wanted.namespaces if ANY not in one]
        with suppress(Unavailable):  # the token is made, and its text must not be lost
            missing = await self._database.read(lambda c: [one for one in names if namespaces.get(c, one) is None])
            made.warnings = [f"There is no namespace {shown(one)} yet." for one in missing]
        return made

    async def create_root(self, *, again: bool, by: str = "") -> NewToken:
        """The root token. `again`: in place of the one that there is, which holds no longer.

        Raises Conflict if there is one, and it is not to be replaced.
        """
        async with self._turn:
            old = [stored for stored in self._registry.tokens() if stored.token.root]
            if old and not again:
                hint = "If it is lost, make another in its place: gofer service token bootstrap --again."
                raise Conflict("The root token was made already, and is shown only once.", hint)
            wanted = CreateToken(kind="management", description="root token")
            token = _token(wanted, self._clock.now(), by)
            token.root = True
            return await self._add(token, old)

    async def update(self, token: str, change: UpdateToken, *, by: str = "") -> Token:
        """The token as it is now. Disabled, it does nothing from this moment on.

        Raises InvalidInput, NotFound, or Conflict for the last one that may do everything.
        """
        if change.description is not None:
            check_description(change.description)
        async with self._turn:
            stored = self._require(token)
            at, before = self._clock.now(), stored.token
            after = msgspec.structs.replace(before)
            kinds = []
            if change.description not in (None, before.description):
                after.description = change.description or ""
                kinds.append(Kind.TOKEN_CHANGED)
            if change.enabled is False and before.disabled_at is None:
                self._keep_one(stored, "disabled")
                after.disabled_at = at
                kinds.append(Kind.TOKEN_DISABLED)
            elif change.enabled and before.disabled_at is not None:
                after.disabled_at = None
                kinds.append(Kind.TOKEN_ENABLED)
            if not kinds:
                return before
            ended = "This token was disabled." if Kind.TOKEN_DISABLED in kinds else ""
            return await self._change(stored._replace(token=after), kinds, at, by, ended)

    async def rotate(self, token: str, wanted: RotateToken, *, by: str = "") -> NewToken:
        """A new text for a token that stays what it is. The old one holds for `wanted.grace` milliseconds more.

        Raises InvalidInput, NotFound, or Conflict for one that has expired.
        """
        check_grace(wanted.grace)
        async with self._turn:
            stored = self._require(token)
            at, before = self._clock.now(), stored.token
            if before.expires_at is not None and at >= before.expires_at:
                raise Conflict("The token has expired, and would have with a new text too.", "Create a new one.")
            text = new_token(before.kind)
            after = msgspec.structs.replace(before, rotated_at=at, previous_until=None)
            previous = b""
            if wanted.grace:
                after.previous_until, previous = at + wanted.grace, stored.digest
            new = stored._replace(token=after, digest=digest_of(text), previous=previous)
            ended = "" if wanted.grace else _ROTATED
            more = {"grace": wanted.grace} if wanted.grace else {}
            return NewToken(token=await self._change(new, [Kind.TOKEN_ROTATED], at, by, ended, more), secret=text)

    async def delete(self, token: str, *, by: str = "") -> None:
        """Raises NotFound, or Conflict for the last one that may do everything."""
        async with self._turn:
            stored = self._require(token)
            self._keep_one(stored, "deleted")
            await self._remove(stored, Kind.TOKEN_DELETED, by, "This token was deleted.")

    def rights_of(self, wanted: CreateToken) -> Rights:
        """What a token that is made like this may do. Raises InvalidInput."""
        check_new(wanted, lambda role: self._registry.role(role) is not None)
        return Rights(tuple(wanted.namespaces), tuple(map(permitted, self._grants(wanted.roles))))

    async def forget_previous(self, token: str) -> None:
        """The time of its old text is over. What began with it ends by itself."""
        async with self._turn:
            stored = self._registry.token(token)
            if stored is None or (stored.token.previous_until or 0) > self._clock.now():
                return
            after = stored._replace(token=msgspec.structs.replace(stored.token, previous_until=None), previous=b"")
            await self._change(after, [], 0, "", "")

    async def remove_expired(self, token: str) -> None:
        """It expired long enough ago. Nobody is asked whether it is the last."""
        async with self._turn:
            stored = self._registry.token(token)
            if stored is not None:
                await self._remove(stored, Kind.TOKEN_EXPIRED, "", "This token has expired.")

    def whoami(self, caller: Caller) -> Whoami:
        """Who that is, and what it may do."""
        if caller.kind == "run":
            permissions = self._grants([RUN])
            return Whoami(kind="run", name=caller.path, namespaces=[caller.namespace], permissions=permissions)
        stored = self._registry.token(caller.token)
        if caller.kind == "local" or stored is None:
            return Whoami(kind="local", namespaces=[ANY], permissions=[_EVERYTHING])
        token = stored.token
        if token.kind == "management":
            return Whoami(kind="management", token=token, namespaces=[ANY], permissions=[_EVERYTHING])
        return Whoami(kind="client", token=token, namespaces=token.namespaces, permissions=self._grants(token.roles))

    def _grants(self, roles: Sequence[str]) -> _Grants:
        known = [found for role in roles if (found := self._registry.role(role)) is not None]
        return [grant for role in known for grant in role.permissions]

    def _require(self, token: str) -> StoredToken:
        found = self._registry.token(token)
        if found is None:
            raise NotFound(f"There is no token {shown(token)}", "List them with: gofer token list.")
        return found

    def _keep_one(self, stored: StoredToken, done: str) -> None:
        now = self._clock.now()
        if not _is_key_to_all(stored.token, now):
            return
        if any(_is_key_to_all(one.token, now) for one in self._registry.tokens() if one.key != stored.key):
            return
        hint = f"Make another management token first, or rotate this one. If it has leaked: {_AGAIN}"
        raise Conflict(f"This is the last management token that is good, so it is not {done}.", hint)

    async def _add(self, token: Token, old: Sequence[StoredToken]) -> NewToken:
        """Store it in place of `old`."""
        text, at = new_token(token.kind), token.created_at
        data = _data(token, token.created_by)
        going = [(stored.key, _data(stored.token, token.created_by)) for stored in old]

        def work(tx: Transaction) -> StoredToken:
            for key, what in going:
                access.delete_token(tx, key)
                tx.emit(Kind.TOKEN_DELETED, at, data=what)
            tx.emit(Kind.TOKEN_CREATED, at, data=data)
            return access.insert_token(tx, token, digest_of(text))

        stored = await self._database.write(work)
        for one in old:
            self._registry.remove_token(one.token.id, "This token was replaced by a new root token.")
        self._registry.put_token(stored)
        self.on_change()
        return NewToken(token=token, secret=text)

    async def _remove(self, stored: StoredToken, kind: Kind, by: str, ended: str) -> None:
        at, data = self._clock.now(), _data(stored.token, by)

        def work(tx: Transaction) -> None:
            access.delete_token(tx, stored.key)
            tx.emit(kind, at, data=data)

        await self._database.write(work)
        self._registry.remove_token(stored.token.id, ended)
        self.on_change()

    async def _change(
        self,
        stored: StoredToken,
        kinds: Sequence[Kind],
        at: int,
        by: str,
        ended: str,
        more: dict[str, Any] | None = None,
    ) -> Token:
        data = _data(stored.token, by) | (more or {})
        # Who has signed in before that did so with a text from before the old one.
        dead = self._require(stored.token.id).token.rotated_at if Kind.TOKEN_ROTATED in kinds else None

        def work(tx: Transaction) -> None:
            access.update_token(tx, stored)
            if dead is not None:
                access.delete_sessions_before(tx, stored.key, dead)
            for kind in kinds:
                tx.emit(kind, at, data=data)

        await self._database.write(work)
        if dead is not None:
            self._registry.end_sessions_before(stored.token.id, dead, _ROTATED)
        # It may have been used meanwhile.
        before = self._require(stored.token.id).token
        stored.token.last_used_at, stored.token.last_used_from = before.last_used_at, before.last_used_from
        self._registry.put_token(stored, ended)
        self.on_change()
        return stored.token


def _token(wanted: CreateToken, at: int, by: str) -> Token:
    return Token(
        id="tok-" + base64.b32encode(os.urandom(10)).decode().lower()[:10],
        kind=wanted.kind,
        description=wanted.description,
        namespaces=list(wanted.namespaces),
        roles=list(wanted.roles),
        created_at=at,
        created_by=by,
    )


def _is_key_to_all(token: Token, now: int) -> bool:
    return token.kind == "management" and state_of(token, now) == "active"


def _data(token: Token, by: str) -> dict[str, Any]:
    """What its events tell: never its text, nor what the text could be found by."""
    found: dict[str, Any] = {"token": token.id, "kind": token.kind}
    if token.root:
        found["root"] = True
    if token.description:
        found["description"] = token.description
    if token.kind == "client":
        found |= {"namespaces": token.namespaces, "roles": token.roles}
    return found | told(by)
