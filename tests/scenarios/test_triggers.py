"""Triggers as they are, and as they should not be: each is a real program that dials in to a real server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gofer.config.live import Live
from gofer.config.settings import (
    SchedulerSettings,
    SecretStoreSettings,
    ServerSettings,
    Settings,
    SqliteSecretStoreSettings,
    TriggersSettings,
)
from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.event import Event
from gofer.models.trigger import InstallTrigger, Trigger, TriggerInfo, TriggerOptions, UpdateTrigger
from gofer.server import build
from gofer.server.app import running
from gofer.server.events.bus import Filter
from gofer.server.secrets.secrets import NOBODY
from gofer.server.services import Services
from gofer.server.store import events, triggers
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers.contract import TriggerAway
from gofer.server.triggers.times import Times
from tests.support.triggers import processes_below
from tests.support.until import until_async

PROGRAM = Path(__file__).parent / "programs" / "trigger.py"

# What each does wrong: the state in which it ends up, the reason of the event, and what is said of it.
EVIL = {
    "junk": ("waiting", "broken", "What came is no frame"),
    "junk-later": ("waiting", "broken", "What came is no frame"),
    "text": ("waiting", "broken", "A text message came"),
    "early": ("waiting", "broken", "The first frame must be the request `hello`"),
    "odd": ("waiting", "broken", "The reply to `info` is none"),
    "huge": ("waiting", "broken", "a frame of more than 1048576 bytes"),
    "flaps": ("waiting", "broken", "again and again"),
    "liar": ("failed", "protocol", 'The secret is that of the trigger "liar", not of "somebody"'),
    "old": ("failed", "protocol", "speaks version 1 of the protocol, not 2"),
    "refuses": ("failed", "settings", "it does not take its settings: word: must not be x"),
    "exits": ("waiting", "exited", "it ended with code 3; its last words: nothing to do here"),
    "wrong-secret": ("waiting", "exited", "it ended with code 4; its last words: the secret is dead"),
    "half": ("waiting", "exited", "it ended with code 137"),
    "never": ("waiting", "silent", "it did not dial in within 2 seconds"),
    "late": ("waiting", "silent", "it did not dial in within 2 seconds"),
    "deaf": ("waiting", "silent", "it did not dial in within 2 seconds"),
}

# They send more than anybody wants to hear, and are slowed down.
LOUD = ("logs", "pings", "fires")


class Place:
    """A server, and what its triggers do."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.triggers = services.triggers

    async def add(self, mode: str, **settings: Any) -> None:
        """A trigger of that name and mode that nobody has asked what it is."""
        row = StoredTrigger(0, mode, "program", settings, options(mode), TriggerInfo(), True, "", None, 1, "", 1)
        key = await self.services.database.write(lambda tx: triggers.insert(tx, row))
        assert key is not None
        self.triggers.supervisor.add(row._replace(key=key))

    async def install(self, name: str, mode: str = "good", **settings: Any) -> Trigger:
        await self.triggers.install(InstallTrigger(id=name, image="program", options=options(mode), settings=settings))
        return await self.until(name, "healthy")

    async def until(self, name: str, state: str, said: str = "") -> Trigger:
        async def look() -> Trigger | None:
            found = await self.triggers.get(name)
            return found if found.state == state and said in found.detail else None

        return await until_async(look, f"{name} is {state} ({said})")

    async def pid(self, name: str) -> int:
        pid: int = (await self.triggers.debug(name)).state["pid"]
        return pid

    async def events(self, trigger: str, kind: str) -> list[Event]:
        wanted = Filter(kinds=frozenset({kind}))
        page = await self.services.database.read(lambda c: events.list_after(c, wanted, 0, 1000))
        return [event for event in page.items if event.data["trigger"] == trigger]

    async def log(self, name: str) -> list[str]:
        return [line.text for line in (await self.triggers.log(name, 10_000, 0)).lines]


def options(mode: str) -> TriggerOptions:
    return TriggerOptions(command=[sys.executable, "-W", "ignore", str(PROGRAM), mode])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    times = Times(hello=1.0, heartbeat=0.2, dial=2.0, adopt=5.0, pause=0.2, longest_pause=1.0, asking=20.0)
    monkeypatch.setattr(build, "Times", lambda: times)


@asynccontextmanager
async def server(home: Path) -> AsyncIterator[Place]:
    settings = Settings(
        # In development mode triggers end with Gofer.
        dev_mode=False,
        allow_process_engine=True,
        secret_store=SecretStoreSettings(
            sqlite=SqliteSecretStoreSettings(encryption_key="a key for tests, 32 long, really")
        ),
        task_run_logs_dir=home / "logs",
        server=ServerSettings(host="127.0.0.1:0", storage_path=home),
        scheduler=SchedulerSettings(engine="process"),
        triggers=TriggersSettings(install_base_triggers=False),
    )
    async with running(Live.fixed(settings)) as started:
        yield Place(started.services)


@pytest.mark.usefixtures("quick")
async def test_bad_triggers_are_told_of_and_harm_nobody(tmp_path: Path) -> None:
    async with server(tmp_path) as place:
        await place.install("good")
        pid = await place.pid("good")
        for mode in (*EVIL, *LOUD):
            await place.add(mode, **({"word": "x"} if mode == "refuses" else {}))
        for mode, (state, reason, said) in EVIL.items():
            kind = "trigger.failed" if state == "failed" else "trigger.ended"

            async def told(mode: str = mode, kind: str = kind, reason: str = reason, said: str = said) -> Event | None:
                found = await place.events(mode, kind)
                return next((e for e in found if e.data["reason"] == reason and said in e.data["detail"]), None)

            await until_async(told, f"{mode} is told of")
        for mode in LOUD:
            await place.until(mode, "healthy")
        await until_async(lambda: _left_out(place), "surplus is counted")
        # What will not become better by itself is left alone.
        assert [(await place.triggers.get(mode)).restarts for mode in ("liar", "old", "refuses")] == [0, 0, 0]
        found = await place.triggers.get("good")
        assert (found.state, found.restarts, await place.pid("good")) == ("healthy", 0, pid)
        assert found.latency is not None
        for mode in ("good", *EVIL, *LOUD):
            await _uninstall(place, mode)
        await until_async(lambda: _none_left(tmp_path), "every process is gone")


async def _left_out(place: Place) -> bool:
    return any("log messages that came too fast" in line for line in await place.log("logs"))


async def _none_left(home: Path) -> bool:
    return not list(processes_below(home))


async def _uninstall(place: Place, name: str) -> None:
    keeper = place.triggers.supervisor.find(name)
    await place.triggers.uninstall(name)
    if keeper is not None:
        await keeper.over.wait()


@pytest.mark.usefixtures("quick")
async def test_the_life_of_a_trigger(tmp_path: Path) -> None:
    async with server(tmp_path) as place:
        installed = await place.install("first", "prints", word="x", key="not-to-be-seen")
        assert installed.settings == {"word": "x", "key": "***"}
        assert installed.info.description == "for tests"
        assert "given in clear" in installed.warnings[0]
        with pytest.raises(Conflict, match="already"):
            await place.install("first")
        with pytest.raises(InvalidInput, match="has no setting"):
            await place.install("second", wrd="x")
        with pytest.raises(NotFound, match='no global secret "nope"'):
            await place.install("second", key="global_secret{{nope}}")
        pid = await place.pid("first")
        os.kill(pid, signal.SIGKILL)
        await until_async(lambda: _has_other(place, "first", pid), "it is started again")
        assert (await place.triggers.get("first")).restarts == 1
        (ended,) = await place.events("first", "trigger.ended")
        assert ended.data["reason"] == "exited"
        pid = await place.pid("first")
        await place.services.secrets.put(NOBODY, "word", "told-by-a-secret", ["*"])
        changed = await place.triggers.update(
            "first", UpdateTrigger(settings={"word": "global_secret{{word}}", "key": None})
        )
        assert changed.settings == {"word": "global_secret{{word}}"}
        await until_async(lambda: _has_other(place, "first", pid), "it is started anew")
        pid = await place.pid("first")
        keeper = place.triggers.supervisor.find("first")
        assert keeper is not None
        assert (await place.triggers.update("first", UpdateTrigger(enabled=False))).state == "disabled"
        await keeper.over.wait()
        assert not list(processes_below(tmp_path))
        await place.triggers.update("first", UpdateTrigger(enabled=True))
        await place.until("first", "healthy")
        said = await place.log("first")
        assert "the secret is gofer_trigger_***" in said
        assert not any("not-to-be-seen" in line for line in said)
        await _uninstall(place, "first")
        with pytest.raises(NotFound):
            await place.triggers.get("first")
        assert not list(processes_below(tmp_path))
        assert not list((tmp_path / "triggers").iterdir())


async def _has_other(place: Place, name: str, pid: int) -> bool:
    """Whether it is connected, and another process than that."""
    try:
        return await place.pid(name) != pid
    except TriggerAway:
        return False


@pytest.mark.usefixtures("quick")
async def test_a_restart_of_gofer_ends_no_trigger(tmp_path: Path) -> None:
    async with server(tmp_path) as place:
        await place.install("first", word="x")
        await place.install("other", word="x")
        pids = [await place.pid(name) for name in ("first", "other")]
    # One is changed behind the server's back: what runs is not what is to run.
    async with server(tmp_path) as place:
        await place.until("first", "healthy")
        await place.until("other", "healthy")
        assert [await place.pid(name) for name in ("first", "other")] == pids
        assert "Gofer was started again, and goes on with this trigger." in await place.log("first")
        assert len(await place.events("first", "trigger.started")) == 1
        await place.services.database.write(
            lambda tx: tx.execute("""UPDATE triggers SET settings = '{"word": "y"}' WHERE id = 'other'""").rowcount
        )
    os.kill(pids[0], signal.SIGKILL)
    async with server(tmp_path) as place:
        await place.until("first", "healthy")
        await place.until("other", "healthy")
        assert await place.pid("other") != pids[1]
        assert await place.pid("first") != pids[0]
        (ended,) = await place.events("first", "trigger.ended")
        assert (ended.data["reason"], ended.data["detail"]) == (
            "exited",
            "it ended with code 137 while Gofer was away",
        )
        for name in ("first", "other"):
            await _uninstall(place, name)
        assert not list(processes_below(tmp_path))


@pytest.mark.usefixtures("quick")
async def test_an_image_that_takes_long_to_answer_holds_nobody_up(tmp_path: Path) -> None:
    async with server(tmp_path) as place:
        await place.install("good")
        slow = InstallTrigger(id="slow", image="program", options=options("never"))
        installing = asyncio.create_task(place.triggers.install(slow))
        upgrading = asyncio.create_task(place.triggers.update("good", UpdateTrigger(options=options("never"))))
        await until_async(lambda: _both_asked(place), "both are asked")
        async with asyncio.timeout(10):
            assert not (await place.triggers.update("good", UpdateTrigger(enabled=False))).enabled
        assert not installing.done()
        assert not upgrading.done()
        for one in (installing, upgrading):
            one.cancel()
        await asyncio.gather(installing, upgrading, return_exceptions=True)


async def _both_asked(place: Place) -> bool:
    return len(place.triggers.supervisor.asked) == 2


@pytest.mark.usefixtures("quick")
async def test_what_one_tells_of_its_state_shows_no_secret_that_it_was_told(tmp_path: Path) -> None:
    async with server(tmp_path) as place:
        await place.install("tells", "tells", word="seen", key="not-to-be-seen")
        state = (await place.triggers.debug("tells")).state
        assert state["settings"] == [{"word": "seen", "key": "***"}]
