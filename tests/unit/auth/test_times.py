"""Last use, old texts, expiry: what happens to tokens with time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.errors import NotAuthenticated, NotFound
from gofer.models.access import CreateToken, RotateToken, Token
from gofer.server.auth.expire import TokenExpiry
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.auth.uses import TokenUses
from gofer.server.store import access
from gofer.server.store.database import Database
from tests.unit.events.conftest import SetClock

HOUR = 3_600_000


class House:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = SetClock(1_760_000_000_000)
        self.registry = Registry()
        self.tokens = Tokens(self.registry, database, self.clock)
        self.expiry = TokenExpiry(self.tokens, self.registry, self.clock, 24 * HOUR)

    async def stored(self) -> list[Token]:
        return [stored.token for stored in await self.database.read(access.tokens)]

    async def kinds(self) -> list[str]:
        return await self.database.read(lambda c: [row[0] for row in c.execute("SELECT kind FROM events ORDER BY seq")])

    def who(self, text: str) -> str:
        return self.registry.caller_of_token(text, self.clock.now()).token


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database(tmp_path / "gofer.db", readers=1)
    await database.open()
    yield House(database)
    await database.close()


VIEWER = CreateToken(roles=["viewer"], namespaces=["default"])


async def test_many_uses_are_one_write(house: House) -> None:
    uses = TokenUses(house.registry, house.database)
    house.registry.on_use = uses.note
    made = [(await house.tokens.create(VIEWER)).token.id for _ in range(3)]
    before = house.database.writes
    for turn in range(1000):
        for token in made[:2]:
            house.registry.note_use(token, house.clock.now() + turn, "192.0.2.1")
    assert house.database.writes == before
    assert house.tokens.get(made[0]).last_used_at == house.clock.now() + 999
    await uses.write()
    assert house.database.writes == before + 1
    assert [(token.last_used_at, token.last_used_from) for token in await house.stored()] == [
        (house.clock.now() + 999, "192.0.2.1"),
        (house.clock.now() + 999, "192.0.2.1"),
        (None, ""),
    ]
    await uses.write()
    assert house.database.writes == before + 1


async def test_a_use_outlives_a_change_and_not_the_token(house: House) -> None:
    uses = TokenUses(house.registry, house.database)
    house.registry.on_use = uses.note
    one, other = [(await house.tokens.create(VIEWER)).token.id for _ in range(2)]
    for token in (one, other, "tok-unknown"):
        house.registry.note_use(token, 5, "192.0.2.1")
    await house.tokens.rotate(one, RotateToken())
    await house.tokens.delete(other)
    assert house.tokens.get(one).last_used_at == 5
    await uses.write()
    assert [(token.id, token.last_used_at) for token in await house.stored()] == [(one, 5)]


async def test_grace_and_its_end(house: House) -> None:
    first = await house.tokens.create(VIEWER)
    second = await house.tokens.rotate(first.token.id, RotateToken(grace=HOUR))
    assert house.who(first.secret) == house.who(second.secret) == first.token.id
    assert await house.expiry.expire() == HOUR / 1000
    house.clock.time += HOUR
    with pytest.raises(NotAuthenticated, match="rotated"):
        house.who(first.secret)
    assert await house.expiry.expire() is None
    assert (await house.stored())[0].previous_until is None
    assert house.who(second.secret) == first.token.id
    with pytest.raises(NotAuthenticated, match="not known"):
        house.who(first.secret)
    third = await house.tokens.rotate(first.token.id, RotateToken())
    assert house.who(third.secret) == first.token.id
    with pytest.raises(NotAuthenticated):
        house.who(second.secret)


async def test_all_that_was_said_is_found_again_after_a_restart(house: House) -> None:
    first = await house.tokens.create(VIEWER)
    second = await house.tokens.rotate(first.token.id, RotateToken(grace=HOUR))
    later = Registry()
    await later.load(house.database)
    for text in (first.secret, second.secret):
        assert later.caller_of_token(text, house.clock.now()).token == first.token.id
    with pytest.raises(NotAuthenticated, match="rotated"):
        later.caller_of_token(first.secret, house.clock.now() + HOUR)
    assert later.token(first.token.id) == house.registry.token(first.token.id)


async def test_an_expired_token_does_nothing_at_once_and_goes_later(house: House) -> None:
    wanted = CreateToken(roles=["viewer"], namespaces=["default"], expires_in=HOUR)
    made = await house.tokens.create(wanted)
    stays = await house.tokens.create(VIEWER)
    house.clock.time += HOUR - 1
    assert house.who(made.secret) == made.token.id
    house.clock.time += 1
    with pytest.raises(NotAuthenticated, match="expired"):
        house.who(made.secret)
    assert await house.expiry.expire() == 3600  # it looks again before that day is over
    assert house.tokens.get(made.token.id).expires_at == house.clock.now()
    house.clock.time += 24 * HOUR
    assert await house.expiry.expire() is None
    with pytest.raises(NotFound):
        house.tokens.get(made.token.id)
    assert [token.id for token in await house.stored()] == [stays.token.id]
    assert await house.kinds() == ["token.created", "token.created", "token.expired"]
