"""Settings that change while the server runs: each that is said to, what needs a restart, what is wrong."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gofer.config.live import Live
from gofer.config.load import Configuration, read
from gofer.config.settings import Settings
from gofer.config.table import table
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.errors import InvalidInput
from gofer.models.access import CreateToken
from gofer.models.manifest import Mount, Output
from gofer.models.system import Reloaded
from gofer.models.trigger import TriggerInfo, TriggerOptions, UpdateTrigger
from gofer.server.api.peer import Peers
from gofer.server.api.tally import Tally
from gofer.server.app import running
from gofer.server.auth.caller import Caller
from gofer.server.auth.tokens import digest_of, token_of
from gofer.server.external_app import ExternalApp
from gofer.server.limits.refusals import Refusals
from gofer.server.own_log import set_level
from gofer.server.store import run_tokens, triggers
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers.external import ExternalEvents
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, outcome, task
from tests.support.certificates import Authority, Made

HOUR = 3_600_000


class Changing(Scene):
    """A server whose configuration is a file."""

    path: Path
    base: str

    async def reload(self, text: str) -> Reloaded:
        self.path.write_text(self.base + text)
        return await self.services.reloader.reload()

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        return await asyncio.to_thread(self._ask, method, path, body, headers or {})

    async def header(self, name: str, headers: Mapping[str, str]) -> str:
        """Of the answer to a request for /healthz; empty if it is not there."""
        return await asyncio.to_thread(self._header, name, headers)

    async def certificate(self) -> bytes:
        """What a new connection is served."""
        return await asyncio.to_thread(ssl_certificate, self.services.address)

    def _header(self, name: str, headers: Mapping[str, str]) -> str:
        connection = http.client.HTTPConnection(urlsplit(self.services.address).netloc, timeout=30)
        try:
            connection.request("GET", "/healthz", headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            return answer.headers.get(name, "")
        finally:
            connection.close()

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        where = urlsplit(self.services.address)
        connection = http.client.HTTPConnection(where.netloc, timeout=30)
        try:
            connection.request(method, path, body or None, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def ssl_certificate(address: str) -> bytes:
    where = urlsplit(address)
    pem = ssl.get_server_certificate((str(where.hostname), int(where.port or 0)), timeout=30)
    return ssl.PEM_cert_to_DER_cert(pem)


def der(made: Made) -> bytes:
    return ssl.PEM_cert_to_DER_cert(made.cert.read_text())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def changing(house: House, text: str = "") -> AsyncIterator[Changing]:
    path = house.home / "gofer.hcl"
    base = f'server {{ host = "127.0.0.1:0" storage_path = "{house.home}" }}\nscheduler {{ engine = "fake" }}\n'
    base += "triggers.install_base_triggers = false\n"
    path.write_text(base + text)

    def reread() -> Configuration:
        return read(path, {}, {})

    async with running(Live(reread(), reread)) as server:
        scene = Changing(server.services, house.world)
        scene.path, scene.base = path, base
        yield scene


def https(made: Made) -> str:
    return f'server.tls_cert_path = "{made.cert}"\nserver.tls_key_path = "{made.key}"\n'


async def aged(scene: Scene) -> int:
    """Makes every event an hour older; the number of the newest."""
    await scene.services.database.write(lambda tx: tx.execute("UPDATE events SET at = at - ?", (HOUR,)))
    return scene.services.bus.last_seq


async def log_level(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        set_level("info")
        try:
            await scene.reload('log_level = "debug"')
            assert logging.getLogger("gofer").isEnabledFor(logging.DEBUG)
            await scene.reload('log_level = "error"')
            assert not logging.getLogger("gofer").isEnabledFor(logging.WARNING)
        finally:
            set_level("info")


async def expired_token_retention(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        wanted = CreateToken(roles=["viewer"], namespaces=["*"], expires_in=1)
        made = await scene.services.tokens.create(wanted)
        await scene.reload('expired_token_retention = "0s"')
        assert (await scene.said("token.expired")).data["token"] == made.token.id


async def event_log_retention(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        newest = await aged(scene)
        await scene.reload('event_log_retention = "1m"')
        assert (await scene.said("events.pruned", newest)).data["count"] >= 1


async def event_prune_interval(house: House, _: Authority) -> None:
    async with changing(house, 'event_log_retention = "1m"') as scene:
        await scene.reload('event_log_retention = "1m"\nevent_prune_interval = "1s"')
        for _turn in range(2):  # the second comes by itself
            newest = await aged(scene)
            await scene.said("events.pruned", newest)


async def ignore_pipeline_run_events(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        runs = "/api/v1/namespaces/default/pipelines/p/runs"
        for text, expected in (("ignore_pipeline_run_events = true", 503), ("", 201)):
            await scene.reload(text)
            assert (await scene.ask("POST", runs, b"{}"))[0] == expected
        await scene.ended(1)


async def run_parallelism_limit(house: House, _: Authority) -> None:
    async with changing(house, "run_parallelism_limit = 1") as scene:
        await scene.register(task("a", "gate"))
        runs = [await scene.start() for _turn in range(3)]
        await scene.until("run.started", runs[0])
        assert await scene.counts() == (2, 1)
        await scene.reload("run_parallelism_limit = 2")
        await scene.until("run.started", runs[1])
        assert await scene.counts() == (1, 2)
        await scene.reload("")
        await scene.until("run.started", runs[2])
        for run in runs:
            await scene.release(run, "a")
            await scene.ended(run)


async def task_parallelism_limit(house: House, _: Authority) -> None:
    async with changing(house, "task_parallelism_limit = 1") as scene:
        await scene.register(task("a", "gate"), task("b", "gate"), task("c", "gate"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        assert sorted((await scene.statuses(run)).values()) == ["queued", "queued", "running"]
        await scene.reload("task_parallelism_limit = 3")
        for name in "abc":
            await scene.release(run, name)
        await scene.ended(run)


async def task_run_log_expiry(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        runs = [await scene.start() for _turn in range(3)]
        for run in runs:
            await scene.ended(run)
        await scene.reload("task_run_log_expiry = 1")
        await scene.until("logs.expired", runs[0])
        await scene.until("logs.expired", runs[1])
        assert (await scene.task(runs[2], "a")).attempts[0].log_state == "complete"


async def pipeline_version_retention(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        for name in "abcd":
            await scene.register(task(name))
        await scene.reload("pipeline_version_retention = 2")
        await scene.said("version.deleted")
        kept = await scene.services.versions.list(NAMESPACE, PIPELINE, None, 9)
        assert [one.number for one in kept.items] == [4, 3]


async def task_run_stop_timeout(house: House, _: Authority) -> None:
    graces: list[float] = []

    class Noting(FakeScheduler):
        async def stop(self, name: str, grace: float) -> None:
            graces.append(grace)
            await super().stop(name, grace)

    house.engine = Noting
    async with changing(house, 'task_run_stop_timeout = "7s"') as scene:
        await scene.register(task("a", "until-stopped"))
        for text in ("", 'task_run_stop_timeout = "3s"'):
            run = await scene.start()
            await scene.until("taskrun.running", run, "a")
            if text:
                await scene.reload(text)
            await scene.cancel(run)
            await scene.ended(run)
    assert graces == [7.0, 3.0]


async def triggers_stop_timeout(house: House, _: Authority) -> None:
    graces: list[float] = []

    class Noting(FakeScheduler):
        async def stop(self, name: str, grace: float) -> None:
            graces.append(grace)
            await super().stop(name, grace)

    house.engine = Noting
    async with changing(house, 'triggers.stop_timeout = "7s"') as scene:
        for name, text in (("first", ""), ("second", 'triggers.stop_timeout = "3s"')):
            await install_silent(scene, name)
            await scene.world.started_with({"gofer.trigger": name})
            if text:
                await scene.reload(text)
            keeper = scene.services.triggers.supervisor.find(name)
            assert keeper is not None
            await scene.services.triggers.update(name, UpdateTrigger(enabled=False))
            await keeper.over.wait()
    assert graces == [7.0, 3.0]


async def install_silent(scene: Scene, name: str) -> None:
    """A trigger that runs, and never dials in. Nobody asks it what it is."""
    options = TriggerOptions(command=["until-stopped"])
    row = StoredTrigger(0, name, "fake", {}, options, TriggerInfo(), True, "", None, 1, "", 1)
    key = await scene.services.database.write(lambda tx: triggers.insert(tx, row))
    assert key is not None
    scene.services.triggers.supervisor.add(row._replace(key=key))


def permission(text: str, **wanted: Any) -> Callable[[House, Authority], Awaitable[None]]:
    async def probe(house: House, _: Authority) -> None:
        async with changing(house) as scene:
            await scene.register(task("a", **wanted))
            refused = await scene.ended(await scene.start())
            assert refused.status == "failed"
            await scene.reload(text)
            assert (await scene.ended(await scene.start())).status == "successful"
            await scene.reload("")
            assert outcome(await scene.ended(await scene.start())) == outcome(refused)

    return probe


async def max_body_bytes(house: House, _: Authority) -> None:
    body = json.dumps({"description": "x" * 5_000}).encode()
    async with changing(house) as scene:
        assert (await scene.ask("PATCH", "/api/v1/namespaces/default", body))[0] != 413
        await scene.reload('server.max_body_bytes = "1kiB"')
        assert (await scene.ask("PATCH", "/api/v1/namespaces/default", body))[0] == 413


class _Taking:
    """A trigger that takes every external event."""

    def taking_external_events(self, _trigger: str) -> _Taking:
        return self

    async def external_event(self, _fields: Mapping[str, Any], _timeout: float) -> Mapping[str, Any]:
        return {"status": 200}


async def external_event(scene: Changing, events: ExternalEvents, body: bytes = b"") -> int:
    """What is answered to one."""
    answered: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        answered.append(message.get("status", 0))

    app = ExternalApp(events, scene.services.live, Peers([]), Tally())
    scope = {
        "type": "http",
        "scheme": "http",
        "method": "POST",
        "raw_path": b"/events/hook",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return answered[0]


def external_events(scene: Changing) -> ExternalEvents:
    return ExternalEvents(_Taking(), scene.services.live, Refusals(), lambda: 0.0)


async def external_max_body_bytes(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        events = external_events(scene)
        assert await external_event(scene, events, b"x" * 5_000) == 200
        await scene.reload('external_events_api.max_body_bytes = "1kiB"')
        assert await external_event(scene, events, b"x" * 5_000) == 413


async def external_rate_limit(house: House, _: Authority) -> None:
    await _external_rate("rate_limit", house)


async def external_address_rate_limit(house: House, _: Authority) -> None:
    await _external_rate("address_rate_limit", house)


async def _external_rate(name: str, house: House) -> None:
    async with changing(house) as scene:
        events = external_events(scene)
        assert [await external_event(scene, events) for _ in range(4)] == [200] * 4
        await scene.reload(f"external_events_api.{name} = 1")
        events = external_events(scene)
        assert [await external_event(scene, events) for _ in range(4)] == [200, 200, 429, 429]


async def storage_results_limit(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        for _turn in range(5):
            await scene.ended(await scene.start())
        runs = "/api/v1/namespaces/default/runs?limit=1000"
        assert len((await scene.ask("GET", runs))[1]["items"]) == 5
        await scene.reload("server.storage_results_limit = 2")
        for path in (runs, runs.split("?")[0], "/api/v1/events?limit=1000"):
            status, page = await scene.ask("GET", path)
            assert (status, len(page["items"])) == (200, 2)
        status, rest = await scene.ask("GET", f"{runs}&cursor={(await scene.ask('GET', runs))[1]['next']}")
        assert [run["id"] for run in rest["items"]] == [3, 2]


async def trusted_proxies(house: House, _: Authority) -> None:
    async def seen() -> str:
        """The client's address, as the log has it."""
        with capture_logs() as lines:
            await scene.ask("GET", "/healthz", headers={"X-Forwarded-For": "192.0.2.7"})
        return next(str(line["client"]) for line in lines if line["event"] == "request")

    async with changing(house, 'log_level = "debug"') as scene:
        set_level("debug")
        try:
            for text, address in (("", "127.0.0.1"), ('server.trusted_proxies = ["127.0.0.0/8"]', "192.0.2.7")):
                await scene.reload('log_level = "debug"\n' + text)
                assert await seen() == address
            with pytest.raises(InvalidInput, match="faults"):
                await scene.reload('server.trusted_proxies = ["proxy"]')
            assert await seen() == "192.0.2.7"
        finally:
            set_level("info")


async def allowed_hosts(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        for text, status in (("", 403), ('server.allowed_hosts = ["*.example.org"]', 200), ("", 403)):
            await scene.reload(text)
            assert (await scene.ask("GET", "/healthz", headers={"Host": "gofer.example.org"}))[0] == status
        with pytest.raises(InvalidInput, match="faults"):
            await scene.reload('server.allowed_hosts = ["https://gofer.example.org"]')


async def hsts_max_age(house: House, _: Authority) -> None:
    names = 'server { allowed_hosts = ["gofer.example.org"] trusted_proxies = ["127.0.0.1"] }\ndev_mode = false\n'
    called = {"Host": "gofer.example.org", "X-Forwarded-Proto": "https"}
    async with changing(house, names) as scene:
        for text, value in (
            ("", "31536000"),
            ('server.hsts_max_age = "1h"', "3600"),
            ('server.hsts_max_age = "0s"', "0"),
        ):
            await scene.reload(names + text)
            assert await scene.header("strict-transport-security", called) == f"max-age={value}"


async def max_header_bytes(house: House, _: Authority) -> None:
    long = {"X-Long": "x" * 2_000}
    async with changing(house) as scene:
        assert (await scene.ask("GET", "/healthz", headers=long))[0] == 200
        await scene.reload('server.max_header_bytes = "1kiB"')
        assert (await scene.ask("GET", "/healthz", headers=long))[0] == 431


async def max_frame_bytes(house: House, _: Authority) -> None:
    def code() -> int:
        """With which a websocket closes that takes no messages."""
        where = urlsplit(scene.services.address)
        with connect(f"ws://{where.netloc}/api/v1/events/stream") as websocket:
            websocket.send(b"x" * 2_000)
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    async with changing(house) as scene:
        assert await asyncio.to_thread(code) == 1003
        await scene.reload('server.max_frame_bytes = "1kiB"')
        assert await asyncio.to_thread(code) == 1009


async def request_timeout(house: House, _: Authority) -> None:
    async with changing(house) as scene, raw_connection(scene) as (reader, writer):
        writer.write(b"GET /healthz HTT")
        await scene.reload('server.request_timeout = "100ms"')
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def stall_timeout(house: House, _: Authority) -> None:
    async with changing(house) as scene, raw_connection(scene) as (reader, writer):
        await scene.register(task("a"))
        writer.write(f"PUT {OBJECTS}/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx".encode())
        await scene.reload('server.stall_timeout = "100ms"')
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def max_connections(house: House, _: Authority) -> None:
    async with changing(house) as scene, raw_connection(scene) as (reader, _writer):
        assert (await scene.ask("GET", "/healthz"))[0] == 200
        await scene.reload("server.max_connections = 1")
        assert (await scene.ask("GET", "/healthz"))[0] == 200
        # It was the older one, and had nothing under way.
        assert await reader.read() == b""


async def max_connections_per_token(house: House, _: Authority) -> None:
    asked = "/api/v1/namespaces/default/pipelines/p"
    async with changing(house) as scene, raw_connection(scene) as (_reader, writer):
        authorization = f"Authorization: Bearer {await token_of_a_run(scene)}"
        writer.write(
            f"PUT {OBJECTS}/k HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\nContent-Length: 9\r\n\r\nx".encode()
        )
        headers = dict([authorization.split(": ")])
        await scene.reload("server.max_connections_per_token = 2")
        assert (await scene.ask("GET", asked, headers=headers))[0] == 200
        await scene.reload("server.max_connections_per_token = 1")
        async with asyncio.timeout(60):  # until the upload has begun
            while (await scene.ask("GET", asked, headers=headers))[0] != 429:
                pass


async def max_subscriptions_per_token(house: House, _: Authority) -> None:
    def opened() -> list[int]:
        """Statuses of three websockets that are open at once."""
        address = f"ws://{urlsplit(scene.services.address).netloc}/api/v1/events/stream?namespace=default"
        found = []
        with ExitStack() as stack:
            for _turn in range(3):
                try:
                    stack.enter_context(connect(address, additional_headers={"Authorization": f"Bearer {token}"}))
                    found.append(101)
                except InvalidStatus as refused:
                    found.append(refused.response.status_code)
        return found

    async with changing(house) as scene:
        token = await token_of_a_run(scene)
        await scene.reload("server.max_subscriptions_per_token = 3")
        assert await asyncio.to_thread(opened) == [101, 101, 101]
        while scene.services.tally.websockets["/api/v1/events/stream"]:
            await asyncio.sleep(0)
        await scene.reload("server.max_subscriptions_per_token = 2")
        assert await asyncio.to_thread(opened) == [101, 101, 429]


@asynccontextmanager
async def raw_connection(scene: Changing) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    where = urlsplit(scene.services.address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def token_of_a_run(scene: Changing) -> str:
    """Of one that does not end by itself."""
    await scene.register(task("a", "hang"))
    await scene.start()
    token = token_of(bytes(32), "any")
    await scene.services.database.write(lambda tx: run_tokens.insert(tx, digest_of(token), 1, "a", 0))
    return token


async def signed_in(scene: Scene) -> Caller:
    """With a session that began an hour ago, and was not used since."""
    services = scene.services
    new = await services.tokens.create(CreateToken(kind="management"))
    stored = services.registry.token(new.token.id)
    assert stored is not None
    _, caller = await services.sessions.open(stored, "", "")
    (session,) = services.registry.sessions(new.token.id)
    services.registry.put_session(
        session._replace(created_at=session.created_at - HOUR, seen_at=session.seen_at - HOUR)
    )
    return caller


async def session_idle_timeout(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        with scene.services.registry.watch(await signed_in(scene)):
            await scene.reload('server.session_idle_timeout = "59m"')
            assert len(scene.services.registry.sessions()) == 1, "what is in use"
        await signed_in(scene)
        await scene.reload('server.session_idle_timeout = "30m"')
        while len(scene.services.registry.sessions()) > 1:
            await asyncio.sleep(0)


async def session_lifetime(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        with scene.services.registry.watch(await signed_in(scene)) as ended:
            await scene.reload('server.session_lifetime = "59m"')
            assert await ended == "This session has expired."


async def failed_auth_limit(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        bad = {"Authorization": "Bearer bad"}
        await scene.reload("server.failed_auth_limit = 2")
        assert [(await scene.ask("GET", "/healthz", headers=bad))[0] for _ in range(3)] == [401, 401, 429]
        await scene.reload("server.failed_auth_limit = 0")
        assert (await scene.ask("GET", "/healthz", headers=bad))[0] == 401


async def tls_cert_path(house: House, authority: Authority) -> None:
    old, new = authority.sign("old"), authority.sign("new", key="rsa")
    async with changing(house, https(old)) as scene:
        assert scene.services.address.startswith("https://")
        assert await scene.certificate() == der(old)
        assert (await scene.reload(https(new))).certificate_renewed
        assert await scene.certificate() == der(new)


async def tls_key_path(house: House, authority: Authority) -> None:
    made = authority.sign("moving")
    async with changing(house, https(made)) as scene:
        moved = Made(made.cert, made.key.rename(made.key.with_suffix(".moved")))
        with pytest.raises(InvalidInput, match="faults"):
            await scene.reload(https(made))
        assert (await scene.reload(https(moved))).applied == ["server.tls_key_path"]
        assert await scene.certificate() == der(made)


def encryption(key: str, *previous: str) -> str:
    old = ", ".join(f'"{one}"' for one in previous)
    return f'secret_store.sqlite.encryption_key = "{key}"\nsecret_store.sqlite.previous_encryption_keys = [{old}]\n'


OLD_KEY, NEW_KEY = "old-key-" * 4, "new-key-" * 4
SECRET = "/api/v1/secrets/key"


async def encryption_key(house: House, _: Authority) -> None:
    async with changing(house, encryption(OLD_KEY)) as scene:
        assert (await scene.ask("PUT", SECRET, b'{"value": "some value", "namespaces": ["*"]}'))[0] == 201
        await scene.reload(encryption(NEW_KEY, OLD_KEY))
        assert (await scene.ask("POST", "/api/v1/system/secrets/rotate-key", b"{}"))[1]["rotated"] == 1
    async with changing(house, encryption(NEW_KEY)) as scene:
        assert (await scene.ask("POST", f"{SECRET}/reveal", b"{}"))[1] == {"value": "some value"}


async def previous_encryption_keys(house: House, _: Authority) -> None:
    async with changing(house, encryption(OLD_KEY)) as scene:
        await scene.ask("PUT", SECRET, b'{"value": "some value", "namespaces": ["*"]}')
    async with changing(house, encryption(NEW_KEY, OLD_KEY)) as scene:
        newest = scene.services.bus.last_seq
        before = scene.services.settings
        with pytest.raises(InvalidInput) as caught:
            await scene.reload("run_parallelism_limit = 7\n" + encryption(NEW_KEY))
        (problem,) = caught.value.problems
        assert "is encrypted with the key" in problem.message
        assert not [key for key in (OLD_KEY, NEW_KEY) if key in problem.message + problem.hint]
        await scene.said("server.misconfigured", newest)
        assert scene.services.settings is before
        assert (await scene.ask("POST", f"{SECRET}/reveal", b"{}"))[1] == {"value": "some value"}
        await scene.ask("POST", "/api/v1/system/secrets/rotate-key", b"{}")
        assert (await scene.reload(encryption(NEW_KEY))).applied == ["secret_store.sqlite.previous_encryption_keys"]
        assert (await scene.ask("POST", f"{SECRET}/reveal", b"{}"))[1] == {"value": "some value"}


OBJECTS = "/api/v1/namespaces/default/pipelines/p/objects"


async def pipeline_object_limit(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        for key in ("one", "two", "three"):
            assert (await scene.ask("PUT", f"{OBJECTS}/{key}", b"x"))[0] == 201
        await scene.reload("object_store.pipeline_object_limit = 2")
        assert (await scene.ask("PUT", f"{OBJECTS}/four", b"x"))[0] == 201
        page = (await scene.ask("GET", OBJECTS))[1]
        assert [item["key"] for item in page["items"]] == ["four", "three"]


async def run_object_expiry(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        for _turn in range(3):
            run = await scene.start()
            await scene.ended(run)
            assert (await scene.ask("PUT", OBJECTS.replace("/objects", f"/runs/{run}/objects/key"), b"x"))[0] == 201
        await scene.reload("object_store.run_object_expiry = 1")
        await scene.until("objects.expired", 1)
        assert (await scene.ask("GET", OBJECTS.replace("/objects", "/runs/2/objects/key/info")))[0] == 200


async def max_object_bytes(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        await scene.register(task("a"))
        for text, status in (("", 201), ('object_store.max_object_bytes = "1kiB"', 413)):
            await scene.reload(text)
            assert (await scene.ask("PUT", f"{OBJECTS}/key-{status}", bytes(2000)))[0] == status


async def max_archive_files(house: House, _: Authority) -> None:
    async with changing(house) as scene:
        both = task("a", "write", "d/x", "1", "write", "d/y", "2", outputs=[Output(key="d", path="d")])
        await scene.register(both)
        for text, reason in (("", ""), ("object_store.max_archive_files = 1", "output_failed")):
            await scene.reload(text)
            run = await scene.start()
            await scene.ended(run)
            assert (await scene.task(run, "a")).reason == reason


CHANGES: dict[str, Callable[[House, Authority], Awaitable[None]]] = {
    "log_level": log_level,
    "expired_token_retention": expired_token_retention,
    "event_log_retention": event_log_retention,
    "event_prune_interval": event_prune_interval,
    "ignore_pipeline_run_events": ignore_pipeline_run_events,
    "run_parallelism_limit": run_parallelism_limit,
    "task_parallelism_limit": task_parallelism_limit,
    "task_run_log_expiry": task_run_log_expiry,
    "pipeline_version_retention": pipeline_version_retention,
    "task_run_stop_timeout": task_run_stop_timeout,
    "allow_privileged": permission("allow_privileged = true", privileged=True),
    "allowed_networks": permission('allowed_networks = ["lan"]', network="lan"),
    "allowed_mounts": permission('allowed_mounts = ["/srv"]', mounts=[Mount(source="/srv/data", target="/data")]),
    "object_store.pipeline_object_limit": pipeline_object_limit,
    "object_store.run_object_expiry": run_object_expiry,
    "object_store.max_object_bytes": max_object_bytes,
    "object_store.max_archive_files": max_archive_files,
    "triggers.stop_timeout": triggers_stop_timeout,
    "secret_store.sqlite.encryption_key": encryption_key,
    "secret_store.sqlite.previous_encryption_keys": previous_encryption_keys,
    "server.max_body_bytes": max_body_bytes,
    "external_events_api.max_body_bytes": external_max_body_bytes,
    "external_events_api.rate_limit": external_rate_limit,
    "external_events_api.address_rate_limit": external_address_rate_limit,
    "server.max_connections": max_connections,
    "server.max_connections_per_token": max_connections_per_token,
    "server.max_frame_bytes": max_frame_bytes,
    "server.max_header_bytes": max_header_bytes,
    "server.max_subscriptions_per_token": max_subscriptions_per_token,
    "server.request_timeout": request_timeout,
    "server.stall_timeout": stall_timeout,
    "server.storage_results_limit": storage_results_limit,
    "server.session_idle_timeout": session_idle_timeout,
    "server.session_lifetime": session_lifetime,
    "server.failed_auth_limit": failed_auth_limit,
    "server.allowed_hosts": allowed_hosts,
    "server.hsts_max_age": hsts_max_age,
    "server.trusted_proxies": trusted_proxies,
    "server.tls_cert_path": tls_cert_path,
    "server.tls_key_path": tls_key_path,
}


def test_every_setting_that_is_said_to_reload_is_tried_here() -> None:
    assert set(CHANGES) == {setting.key for setting in table(Settings) if setting.reloadable}


@pytest.mark.parametrize("key", CHANGES)
async def test_it_really_changes(key: str, house: House, authority: Authority) -> None:
    await CHANGES[key](house, authority)


async def test_what_needs_a_restart_is_said_and_stays(house: House) -> None:
    async with changing(house) as scene:
        newest = scene.services.bus.last_seq
        reloaded = await scene.reload('task_run_logs_dir = "/elsewhere"\ndev_mode = false\nrun_parallelism_limit = 9')
        assert reloaded == Reloaded(applied=["run_parallelism_limit"], restart=["dev_mode", "task_run_logs_dir"])
        event = await scene.said("server.reloaded", newest)
        assert event.data == {
            "applied": ["run_parallelism_limit"],
            "restart": ["dev_mode", "task_run_logs_dir"],
            "certificate_renewed": False,
        }
        settings = scene.services.settings
        assert (settings.dev_mode, settings.task_run_logs_dir) == (True, house.home / "logs")
        assert settings.run_parallelism_limit == 9
        shown = {one["key"]: one for one in (await scene.ask("GET", "/api/v1/system/settings"))[1]}
        assert shown["dev_mode"]["restart"]
        assert (shown["dev_mode"]["value"], shown["dev_mode"]["source"]) == (True, "default")
        assert shown["run_parallelism_limit"]["place"] == f"{scene.path} line 6"
        await scene.reload("")
        shown = {one["key"]: one for one in (await scene.ask("GET", "/api/v1/system/settings"))[1]}
        assert not shown["dev_mode"]["restart"]
        assert shown["run_parallelism_limit"]["source"] == "default"


async def test_whether_there_is_tls_changes_with_a_restart(house: House, authority: Authority) -> None:
    made = authority.sign("appearing")
    both = ["server.tls_cert_path", "server.tls_key_path"]
    async with changing(house) as scene:
        assert (await scene.reload(https(made))).restart == both
        assert (await scene.ask("GET", "/healthz"))[0] == 200
    async with changing(house, https(made)) as scene:
        reloaded = await scene.reload("")
        assert (reloaded.restart, reloaded.certificate_renewed) == (both, False)
        assert await scene.certificate() == der(made)


async def test_whose_the_certificate_is_changes_with_a_restart(house: House, authority: Authority) -> None:
    made = authority.sign("configured")
    files = ["server.tls_cert_path", "server.tls_key_path"]
    async with changing(house, https(made)) as scene:
        reloaded = await scene.reload("server.dev_certificate = true")
        assert sorted(reloaded.restart) == ["server.dev_certificate", *files]
        assert not reloaded.certificate_renewed
        assert await scene.certificate() == der(made)
    async with changing(house, "server.dev_certificate = true") as scene:
        before = await scene.certificate()
        reloaded = await scene.reload(https(made))
        assert sorted(reloaded.restart) == ["server.dev_certificate", *files]
        assert await scene.certificate() == before != der(made)


async def test_a_broken_file_changes_nothing_and_says_where(house: House) -> None:
    async with changing(house) as scene:
        before, newest = scene.services.settings, scene.services.bus.last_seq
        scene.path.write_text(scene.base + 'run_parallelism_limit = 3\nlog_levl = "debug"\ndev_mode = maybe\n')
        status, problem = await scene.ask("POST", "/api/v1/system/reload")
        assert status == 422
        assert [one["place"] for one in problem["problems"]] == [f"{scene.path} line 5", f"{scene.path} line 6"]
        assert problem["problems"][0]["hint"] == 'Did you mean "log_level"?'
        assert scene.services.settings is before
        event = await scene.said("server.misconfigured", newest)
        assert len(event.data["problems"]) == 2
        scene.path.unlink()
        with pytest.raises(InvalidInput) as caught:
            await scene.services.reloader.reload()
        assert "No such file" in caught.value.problems[0].message
        assert scene.services.settings is before


async def test_a_certificate_that_does_not_fit_changes_nothing(house: House, authority: Authority) -> None:
    old, other = authority.sign("fitting"), authority.sign("other")
    async with changing(house, https(old)) as scene:
        with pytest.raises(InvalidInput) as caught:
            await scene.reload("run_parallelism_limit = 3\n" + https(Made(other.cert, old.key)))
        assert "does not belong" in caught.value.problems[0].message
        assert scene.services.settings.run_parallelism_limit == 0
        assert await scene.certificate() == der(old)


async def test_a_new_certificate_in_the_same_files_cuts_no_connection(house: House, authority: Authority) -> None:
    made = authority.sign("renewed")
    trust = ssl.create_default_context(cafile=str(authority.ca))
    async with changing(house, https(made)) as scene:
        where = urlsplit(scene.services.address)
        reader, writer = await asyncio.open_connection(where.hostname, where.port, ssl=trust)

        async def ask() -> bytes:
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            return await reader.readexactly(length)

        first = await ask()
        old = der(made)
        again = authority.sign("renewed", key="rsa")
        assert (await scene.services.reloader.reload()).certificate_renewed
        assert await ask() == first
        assert await scene.certificate() == der(again) != old
        assert not (await scene.services.reloader.reload()).certificate_renewed
        writer.close()
        await writer.wait_closed()


async def test_requests_for_a_reload_are_carried_out(house: House) -> None:
    async with changing(house) as scene:
        newest = scene.services.bus.last_seq
        scene.path.write_text(scene.base + "nonsense = 1")
        scene.services.reloader.request()
        await scene.said("server.misconfigured", newest)
        scene.path.write_text(scene.base + "run_parallelism_limit = 4")
        scene.services.reloader.request()
        assert (await scene.said("server.reloaded", newest)).data["applied"] == ["run_parallelism_limit"]
