"""What may be done with roles. A change holds from the moment that it is on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from gofer.errors import Conflict, NotFound, Refused
from gofer.models.access import CreateRole, Grant, ReplaceRole, Role, RoleDeleted, Token
from gofer.models.event import Kind
from gofer.models.grants import written
from gofer.models.ids import check_id, shown
from gofer.models.page import Page
from gofer.server.auth.caller import Caller
from gofer.server.auth.check_role import checked
from gofer.server.auth.check_token import check_description
from gofer.server.auth.escalate import check_gives, of_role
from gofer.server.auth.registry import Registry
from gofer.server.clock import Clock
from gofer.server.secrets.told import told
from gofer.server.store import access
from gofer.server.store.access import StoredToken
from gofer.server.store.database import Database, Transaction

Also = Callable[[Transaction, Any], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""

_SHOWN = 10
_LIST = "List them with: gofer role list."


class Roles:
    """One method for each use case. Each change is one transaction with its event.

    `caller` is who asks: nobody makes, changes or deletes a role that allows what they may not do themselves (Refused).
    `by` says who that is, for people.
    """

    def __init__(self, registry: Registry, database: Database, clock: Clock) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock

    def list(self, caller: Caller, cursor: str | None, limit: int) -> Page[Role]:
        """Those that the caller may see, in the order of ids; the cursor is the last id of the page before."""
        after = cursor or ""
        found = [role for role in self._registry.roles() if role.id > after and self._may_see(caller, role.id)]
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def get(self, caller: Caller, role: str) -> Role:
        """Raises NotFound, or Refused for what the caller may not see, be it there or not."""
        if not self._may_see(caller, role):
            raise Refused(
                "The token shows the roles of the system and its own only (roles:read).",
                "Who is to see all roles needs a token for all namespaces (*).",
            )
        return self._require(role)

    async def create(self, wanted: CreateRole, caller: Caller, *, by: str = "", also: Also | None = None) -> Role:
        """The new role; `also` is done in the same transaction. Raises InvalidInput, Refused, or Conflict if there is
        one of that id."""
        check_id(wanted.id, "role")
        permissions = checked(wanted.description, wanted.permissions)
        async with self._registry.turn:
            if (known := self._registry.role(wanted.id)) is not None:
                whose = ", one of the system's" if known.system else ""
                raise Conflict(f"There is a role {shown(wanted.id)} already{whose}", "Choose another id, or update it.")
            check_gives(caller, of_role(permissions))
            at = self._clock.now()
            role = Role(
                id=wanted.id, description=wanted.description, permissions=permissions, created_at=at, created_by=by,
                modified_at=at, modified_by=by,
            )  # fmt: skip

            def work(tx: Transaction) -> None:
                access.insert_role(tx, role)
                tx.emit(Kind.ROLE_CREATED, at, data=_data(role, by))
                if also is not None:
                    also(tx, role)

            await self._database.write(work)
            self._registry.put_role(role)
            return role

    async def replace(self, role: str, wanted: ReplaceRole, caller: Caller, *, by: str = "") -> Role:
        """The role as it is now; fields of `wanted` that are None stay. Streams of tokens that have it end if it allows
        something else.

        Raises InvalidInput, NotFound, Refused, or Conflict for a role of the system.
        """
        wanted_permissions = _checked(wanted)
        async with self._registry.turn:
            before = self._require_own(role)
            description = before.description if wanted.description is None else wanted.description
            permissions = before.permissions if wanted_permissions is None else wanted_permissions
            check_gives(caller, of_role(before.permissions))
            check_gives(caller, of_role(permissions))
            if (before.description, before.permissions) == (description, permissions):
                return before
            at = self._clock.now()
            after = msgspec.structs.replace(
                before, description=description, permissions=permissions, modified_at=at, modified_by=by
            )

            def work(tx: Transaction) -> None:
                access.update_role(tx, after)
                tx.emit(Kind.ROLE_UPDATED, at, data=_data(after, by))

            await self._database.write(work)
            self._registry.put_role(after)
            return after

    async def delete(self, role: str, caller: Caller, *, force: bool = False, by: str = "") -> RoleDeleted:
        """`force`: also where tokens have it; they lose it, so that they do not get what somebody gives that name
        later.

        Raises NotFound, Refused, or Conflict for a role of the system or one that tokens have.
        """
        async with self._registry.turn:
            before = self._require_own(role)
            check_gives(caller, of_role(before.permissions))
            having = [stored for stored in self._registry.tokens() if role in stored.token.roles]
            if having and not force:
                raise _in_use(role, [stored.token for stored in having])
            left = {stored.key: [one for one in stored.token.roles if one != role] for stored in having}
            tokens = [stored.token.id for stored in having]
            at = self._clock.now()

            def work(tx: Transaction) -> None:
                for key, roles in left.items():
                    access.set_roles(tx, key, roles)
                access.delete_role(tx, role)
                tx.emit(Kind.ROLE_DELETED, at, data={**_data(before, by), **({"tokens": tokens} if tokens else {})})

            await self._database.write(work)
            self._registry.remove_role(role)
            for stored in having:
                self._take_away(stored, left[stored.key])
            return RoleDeleted(tokens=tokens)

    def _take_away(self, stored: StoredToken, roles: Iterable[str]) -> None:
        now = self._registry.token(stored.token.id)
        if now is not None:
            self._registry.put_token(now._replace(token=msgspec.structs.replace(now.token, roles=[*roles])))

    def _may_see(self, caller: Caller, role: str) -> bool:
        """Roles have no namespace, and what somebody calls and describes them tells of namespaces. So who does not see
        all of those sees what everybody knows, and what is theirs."""
        if caller.may("roles:read", None, (role,)):
            return True
        known, own = self._registry.role(role), self._registry.token(caller.token)
        return (known is not None and known.system) or (own is not None and role in own.token.roles)

    def _require(self, role: str) -> Role:
        found = self._registry.role(role)
        if found is None:
            raise NotFound(f"There is no role {shown(role)}", _LIST)
        return found

    def _require_own(self, role: str) -> Role:
        found = self._require(role)
        if found.system:
            raise Conflict(
                f"The role {shown(role)} is one of the system's, and stays as it is", "Make one of your own."
            )
        return found


def _checked(wanted: ReplaceRole) -> list[Grant] | None:
    """Raises InvalidInput."""
    if wanted.permissions is not None:
        return checked(wanted.description or "", wanted.permissions)
    check_description(wanted.description or "")
    return None


def _in_use(role: str, tokens: Sequence[Token]) -> Conflict:
    named = [f"{token.id} ({token.description})" if token.description else token.id for token in tokens]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    who = "1 token has" if len(named) == 1 else f"{len(named)} tokens have"
    hint = f"To take it from them: gofer role delete {role} --force (in the API force=true)."
    return Conflict(f"{who} the role {shown(role)}: {', '.join(named[:_SHOWN])}{more}", hint)


def _data(role: Role, by: str) -> dict[str, Any]:
    return {"role": role.id, "permissions": [written(grant) for grant in role.permissions], **told(by)}
