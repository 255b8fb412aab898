"""The service behind `gofer role`, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound, Refused
from gofer.models.access import CreateRole, CreateToken, Grant, ReplaceRole, WantedGrant
from gofer.models.event import Event
from gofer.models.grants import parse_grant
from gofer.server.auth.caller import LOCAL, Caller
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.auth.roles import Roles
from gofer.server.auth.system_roles import system_roles
from gofer.server.clock import Clock
from gofer.server.store import events
from gofer.server.store.database import Database, Transaction
from gofer.server.store.events import Filter

EVERY = 100


class House:
    """The services over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = Registry()
        self.roles = Roles(self.registry, database, Clock())
        self.tokens = Tokens(self.registry, database, Clock())

    async def told(self, kind: str) -> list[Event]:
        found = await self.database.read(
            lambda c: events.list_after(c, Filter(frozenset({kind}), "", "", None), 0, EVERY)
        )
        return found.items

    async def token(self, *roles: str, namespaces: tuple[str, ...] = ("*",)) -> Caller:
        wanted = CreateToken(namespaces=[*namespaces], roles=[*roles], description="somebody")
        return self.registry.caller_of_token((await self.tokens.create(wanted)).secret, 0)

    async def loaded(self) -> Registry:
        """What a server knows that is started now."""
        registry = Registry()
        await registry.load(self.database)
        return registry


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    try:
        yield House(database)
    finally:
        await database.close()


def grants(*texts: str) -> list[WantedGrant]:
    found = [parse_grant(text) for text in texts]
    return [grant for grant in found if grant is not None]


def new(role: str, *texts: str, description: str = "") -> CreateRole:
    return CreateRole(id=role, description=description, permissions=grants(*texts))


async def test_the_life_of_a_role(house: House) -> None:
    made = await house.roles.create(new("watch", "runs:read", description="To watch"), LOCAL, by="user ann")
    assert (made.permissions, made.created_by, made.system) == (
        [Grant(resources=["runs"], actions=["read"])],
        "user ann",
        False,
    )
    assert house.roles.get(LOCAL, "watch") == made
    changed = await house.roles.replace("watch", ReplaceRole(permissions=grants("logs:read@n*")), LOCAL, by="user bob")
    assert (changed.description, changed.created_by, changed.modified_by) == ("To watch", "user ann", "user bob")
    assert (await house.loaded()).role("watch") == changed
    assert (await house.roles.delete("watch", LOCAL, by="user eve")).tokens == []
    with pytest.raises(NotFound, match='no role "watch"'):
        house.roles.get(LOCAL, "watch")
    assert (await house.loaded()).role("watch") is None
    told = [(await house.told(f"role.{verb}"))[0].data for verb in ("created", "updated", "deleted")]
    assert told == [
        {"role": "watch", "permissions": ["runs:read"], "by": "user ann"},
        {"role": "watch", "permissions": ["logs:read@n*"], "by": "user bob"},
        {"role": "watch", "permissions": ["logs:read@n*"], "by": "user eve"},
    ]


async def test_a_change_that_changes_nothing_tells_nothing(house: House) -> None:
    made = await house.roles.create(new("watch", "runs:read"), LOCAL)
    assert await house.roles.replace("watch", ReplaceRole(permissions=grants("runs:read")), LOCAL) == made
    assert await house.told("role.updated") == []


async def test_what_is_also_done_belongs_to_the_transaction(house: House) -> None:
    def refuse(tx: Transaction, role: object) -> None:
        raise Conflict("not this one", "")

    with pytest.raises(Conflict, match="not this one"):
        await house.roles.create(new("watch", "runs:read"), LOCAL, also=refuse)
    assert house.registry.role("watch") is None
    assert await house.told("role.created") == []


@pytest.mark.parametrize("role", [role.id for role in system_roles()])
async def test_roles_of_the_system_stay(house: House, role: str) -> None:
    with pytest.raises(Conflict, match="already, one of the system's"):
        await house.roles.create(new(role, "runs:read"), LOCAL)
    with pytest.raises(Conflict, match="one of the system's"):
        await house.roles.replace(role, ReplaceRole(permissions=grants("runs:read")), LOCAL)
    with pytest.raises(Conflict, match="one of the system's"):
        await house.roles.delete(role, LOCAL, force=True)
    assert house.roles.get(LOCAL, role) == next(one for one in system_roles() if one.id == role)


async def test_what_is_refused(house: House) -> None:
    await house.roles.create(new("watch", "runs:read"), LOCAL)
    with pytest.raises(Conflict, match='a role "watch" already'):
        await house.roles.create(new("watch", "logs:read"), LOCAL)
    with pytest.raises(InvalidInput, match="not a valid role id"):
        await house.roles.create(new("no/role", "logs:read"), LOCAL)
    with pytest.raises(InvalidInput):
        await house.roles.replace("watch", ReplaceRole(permissions=grants("no:read")), LOCAL)
    for call in (
        house.roles.replace("none", ReplaceRole(permissions=grants("runs:read")), LOCAL),
        house.roles.delete("none", LOCAL),
    ):
        with pytest.raises(NotFound):
            await call
    assert house.roles.get(LOCAL, "watch").permissions == [Grant(resources=["runs"], actions=["read"])]


async def test_a_role_that_tokens_have(house: House) -> None:
    await house.roles.create(new("watch", "runs:read"), LOCAL)
    await house.roles.create(new("other", "logs:read"), LOCAL)
    both, none = await house.token("watch", "other"), await house.token("other")
    with pytest.raises(Conflict, match=rf"1 token has the role \"watch\": {both.token} \(somebody\)"):
        await house.roles.delete("watch", LOCAL)
    assert both.may("runs:read", "any")
    with house.registry.watch(both) as ended, house.registry.watch(none) as unharmed:
        gone = await house.roles.delete("watch", LOCAL, force=True)
        assert "changed" in await asyncio.wait_for(ended, 10)
        assert not unharmed.done()
    assert gone.tokens == [both.token]
    (event,) = await house.told("role.deleted")
    assert event.data["tokens"] == [both.token]
    # Whoever makes a role of that name later gives it to nobody.
    await house.roles.create(new("watch", "*:*"), LOCAL)
    for registry in (house.registry, await house.loaded()):
        stored = registry.token(both.token)
        assert stored is not None
        assert stored.token.roles == ["other"]
        assert registry.rights(stored.token).allows("logs:read", "any")
        assert not registry.rights(stored.token).allows("runs:read", "any")


async def test_a_change_holds_at_once_and_ends_streams(house: House) -> None:
    await house.roles.create(new("watch", "runs:read"), LOCAL)
    caller, other = await house.token("watch"), await house.token("viewer")
    with house.registry.watch(caller) as ended, house.registry.watch(other) as unharmed:
        await house.roles.replace("watch", ReplaceRole(permissions=grants("runs:read"), description="x"), LOCAL)
        assert not ended.done()
        await house.roles.replace("watch", ReplaceRole(permissions=grants("logs:read")), LOCAL)
        assert "changed" in await asyncio.wait_for(ended, 10)
        assert not unharmed.done()
    stored = house.registry.token(caller.token)
    assert stored is not None
    rights = house.registry.rights(stored.token)
    assert rights.allows("logs:read", "any")
    assert not rights.allows("runs:read", "any")


async def test_nobody_makes_what_they_may_not_do(house: House) -> None:
    await house.roles.create(new("keeper", "roles:read,write,delete", "runs:read", "logs:read@n*"), LOCAL)
    keeper = await house.token("keeper")
    await house.roles.create(new("mine", "runs:read", "logs:read@night-*"), keeper)
    for text in ("runs:run", "runs:*", "*:read", "logs:read", "logs:read@*", "secrets:reveal"):
        with pytest.raises(Refused, match="You cannot give what you do not have"):
            await house.roles.create(new("more", text), keeper)
        with pytest.raises(Refused, match="You cannot give what you do not have"):
            await house.roles.replace("mine", ReplaceRole(permissions=grants("runs:read", text)), keeper)
    await house.roles.create(new("strong", "secrets:reveal"), LOCAL)
    for call in (
        house.roles.replace("strong", ReplaceRole(permissions=grants("runs:read")), keeper),
        house.roles.delete("strong", keeper),
    ):
        with pytest.raises(Refused, match="secrets:reveal"):
            await call
    assert house.registry.role("more") is None
    await house.roles.delete("mine", keeper)


async def test_two_who_change_different_things_at_once(house: House) -> None:
    """The second does not undo what the first has taken away."""
    await house.roles.create(new("watch", "runs,logs:read"), LOCAL)
    await asyncio.gather(
        house.roles.replace("watch", ReplaceRole(permissions=grants("runs:read")), LOCAL),
        house.roles.replace("watch", ReplaceRole(description="For the screen"), LOCAL),
    )
    role = house.roles.get(LOCAL, "watch")
    assert (role.description, role.permissions) == ("For the screen", [Grant(resources=["runs"], actions=["read"])])
    with pytest.raises(InvalidInput):
        await house.roles.replace("watch", ReplaceRole(description="two\nlines"), LOCAL)


async def test_who_sees_which_role(house: House) -> None:
    for role in ("nightly", "daily", "seer"):
        await house.roles.create(new(role, "roles:read"), LOCAL)
    known = sorted(role.id for role in system_roles())
    everywhere = await house.token("seer")
    assert [one.id for one in house.roles.list(everywhere, None, EVERY).items] == sorted(
        [*known, "nightly", "daily", "seer"]
    )
    team = await house.token("seer", namespaces=("team-*",))
    assert [one.id for one in house.roles.list(team, None, EVERY).items] == sorted([*known, "seer"])
    for role in ("nightly", "none"):
        with pytest.raises(Refused, match="shows the roles of the system and its own only"):
            house.roles.get(team, role)
    first = house.roles.list(team, None, 2)
    assert first.next is not None
    rest = house.roles.list(team, first.next, EVERY)
    assert [one.id for one in [*first.items, *rest.items]] == sorted([*known, "seer"])
    assert rest.next is None


async def test_a_role_does_not_go_while_it_is_given(house: House) -> None:
    await house.roles.create(new("watch", "runs:read"), LOCAL)
    given, gone = await asyncio.gather(
        house.tokens.create(CreateToken(namespaces=["*"], roles=["watch"])),
        house.roles.delete("watch", LOCAL, force=True),
        return_exceptions=True,
    )
    assert not isinstance(given, BaseException)
    assert not isinstance(gone, BaseException)
    assert gone.tokens == [given.token.id]
