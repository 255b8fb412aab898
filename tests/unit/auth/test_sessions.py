"""When sessions end, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.config.live import Live
from gofer.config.settings import ServerSettings, Settings
from gofer.errors import NotAuthenticated, StoreFull
from gofer.models.access import CreateToken, RotateToken, UpdateToken
from gofer.server.auth.caller import Caller
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.auth.sessions import SEEN_EVERY, Sessions, csrf_of
from gofer.server.auth.tokens import digest_of
from gofer.server.backup.settle import settle
from gofer.server.clock import Clock
from gofer.server.store import access, meta
from gofer.server.store.access import StoredSession
from gofer.server.store.database import Database

MINUTE = 60_000
HOUR = 60 * MINUTE


class Moved(Clock):
    at = 1_000 * HOUR

    def now(self) -> int:
        return self.at


class House:
    """Sessions of a token, in a database."""

    def __init__(self, database: Database) -> None:
        self.clock = Moved()
        self.database = database
        self.registry = Registry()
        self.live = Live.fixed(Settings(server=ServerSettings(session_idle_timeout=HOUR, session_lifetime=5 * HOUR)))
        self.tokens = Tokens(self.registry, database, self.clock)
        self.sessions = Sessions(self.registry, database, self.clock, self.live)
        self.registry.on_session_end = self.sessions.forget

    async def sign_in(self, expires_in: int | None = None) -> tuple[str, Caller]:
        new = await self.tokens.create(CreateToken(kind="management", expires_in=expires_in))
        return await self.open(new.token.id)

    async def open(self, token: str) -> tuple[str, Caller]:
        stored = self.registry.token(token)
        assert stored is not None
        return await self.sessions.open(stored, "192.0.2.1", "A browser")

    def caller(self, text: str) -> Caller:
        found = self.sessions.caller(text)
        assert found is not None
        return found

    def good(self, text: str) -> bool:
        return self.sessions.caller(text) is not None

    async def rows(self) -> list[StoredSession]:
        return await self.database.read(access.sessions)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield House(database)
    await database.close()


async def test_it_ends_when_it_was_not_used_for_long(house: House) -> None:
    text, _ = await house.sign_in()
    for _ in range(3):
        house.clock.at += HOUR - 1
        assert house.good(text)
    house.clock.at += HOUR
    assert not house.good(text)


async def test_it_ends_at_last(house: House) -> None:
    text, _ = await house.sign_in()
    for _ in range(9):
        house.clock.at += HOUR // 2
        assert house.good(text)
    house.clock.at += HOUR // 2
    assert not house.good(text)


async def test_tidying_says_when_there_is_something_to_do_again(house: House) -> None:
    assert await house.sessions.tidy() is None
    text, caller = await house.sign_in()
    begun = house.clock.at
    assert await house.sessions.tidy() == begun + HOUR
    house.clock.at = begun + HOUR
    with house.registry.watch(caller) as ended:
        # Something is open with it, and so it is in use, and stored as that in time.
        assert await house.sessions.tidy() == house.clock.at + HOUR // 2
        assert (await house.rows())[0].seen_at == house.clock.at
        house.clock.at = begun + 5 * HOUR
        assert await house.sessions.tidy() is None
        assert await ended == "This session has expired."
    assert await house.rows() == []
    assert not house.good(text)


async def test_use_is_stored_at_most_once_a_minute(house: House) -> None:
    text, _ = await house.sign_in()
    begun = house.clock.at
    house.clock.at += SEEN_EVERY - 1
    assert house.good(text)
    await house.sessions.tidy()
    assert (await house.rows())[0].seen_at == begun
    house.clock.at += 1
    assert house.good(text)
    await house.sessions.tidy()
    assert (await house.rows())[0].seen_at == house.clock.at


async def test_what_runs_beside_wakes_when_a_session_is_over(house: House) -> None:
    running = asyncio.create_task(house.sessions.run())
    try:
        text, caller = await house.sign_in()
        with house.registry.watch(caller) as ended:
            house.clock.at += 5 * HOUR
            house.sessions.notice()
            async with asyncio.timeout(30):
                await ended
                while await house.rows():
                    await asyncio.sleep(0)
        assert not house.good(text)
    finally:
        running.cancel()


async def test_it_does_not_outlive_its_token(house: House) -> None:
    text, caller = await house.sign_in(expires_in=10 * MINUTE)
    ends = house.sessions.ends(caller)
    assert ends == (house.clock.at + 10 * MINUTE, house.clock.at + 10 * MINUTE)
    house.clock.at += 10 * MINUTE
    assert not house.good(text)


async def test_it_ends_with_the_old_text_of_its_token(house: House) -> None:
    text, caller = await house.sign_in()
    house.clock.at += 1
    await house.tokens.rotate(caller.token, RotateToken(grace=10 * MINUTE))
    new, _ = await house.open(caller.token)
    house.clock.at += 10 * MINUTE - 1
    assert house.good(text)
    house.clock.at += 1
    assert (house.good(text), house.good(new)) == (False, True)


async def test_a_second_grace_does_not_lengthen_the_first(house: House) -> None:
    """It was opened with the first text, which is dead once there is a third."""
    text, caller = await house.sign_in()
    house.clock.at += 1
    await house.tokens.rotate(caller.token, RotateToken(grace=10 * MINUTE))
    new, _ = await house.open(caller.token)
    house.clock.at += 1
    with house.registry.watch(house.caller(text)) as ended:
        await house.tokens.rotate(caller.token, RotateToken(grace=HOUR))
        assert "rotated" in await asyncio.wait_for(ended, 30)
    assert (house.good(text), house.good(new)) == (False, True)
    assert [row.digest for row in await house.rows()] == [digest_of(new)]


async def test_it_does_not_come_back_with_its_token(house: House) -> None:
    text, caller = await house.sign_in()
    await house.sign_in()
    await house.tokens.update(caller.token, UpdateToken(enabled=False))
    await house.tokens.update(caller.token, UpdateToken(enabled=True))
    assert not house.good(text)
    await house.sessions.tidy()
    assert digest_of(text) not in [row.digest for row in await house.rows()]


async def test_a_token_that_ends_while_somebody_signs_in(house: House) -> None:
    _, caller = await house.sign_in()
    await house.sign_in()
    stored = house.registry.token(caller.token)
    assert stored is not None
    await house.tokens.update(caller.token, UpdateToken(enabled=False))
    with pytest.raises(NotAuthenticated):
        await house.sessions.open(stored, "", "")
    await house.tokens.delete(caller.token)
    with pytest.raises(NotAuthenticated):
        await house.sessions.open(stored, "", "")
    await house.sessions.tidy()
    assert [row.token for row in await house.rows()] == [one.token for one in house.registry.sessions()]


async def test_a_store_that_is_full_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = await house.sign_in()
    house.clock.at += HOUR

    async def full(work: object) -> None:
        raise StoreFull("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(house.database, "write", full)
        assert await house.sessions.tidy() == house.clock.at + 5_000
    assert not house.good(text)
    assert len(await house.rows()) == 1
    assert await house.sessions.tidy() is None
    assert await house.rows() == []


async def test_the_value_of_a_page_follows_from_the_session_and_does_not_give_it_away(house: House) -> None:
    text, _ = await house.sign_in()
    other, _ = await house.sign_in()
    assert csrf_of(text) == csrf_of(text) != csrf_of(other)
    assert len(csrf_of(text)) == 64
    assert text not in csrf_of(text)
    assert digest_of(text).hex() != csrf_of(text)


async def test_none_comes_back_with_a_backup(house: House, tmp_path: Path) -> None:
    """It may have ended since that was taken: somebody may have signed out everywhere."""
    await house.sign_in()
    await house.database.write(lambda tx: meta.put(tx, meta.RESTORED, "{}"))
    await settle(house.database, tmp_path, house.clock)
    assert await house.rows() == []
