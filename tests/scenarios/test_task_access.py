"""What a task with `inject_api_token` is given, and how long that is good."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import stat
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gofer.engines.scheduler.base import Bind
from gofer.errors import NotAuthenticated
from gofer.models.manifest import Task
from gofer.models.run import Initiator
from gofer.models.status import Reason, RunStatus
from gofer.server.api.token_life import while_token_lives
from gofer.server.auth.caller import Caller
from gofer.server.auth.tokens import kind_of
from gofer.server.secrets.secrets import Owner
from tests.scenarios.scene import House, Scene, outcome, retries, task

SOCKET = "task-api/api.sock"


def asking(name: str, *command: str, **fields: Any) -> Task:
    return task(name, *command, inject_api_token=True, **fields)


async def given(scene: Scene, run: int, name: str, attempt: int = 1) -> dict[str, str]:
    """The environment of a container that has been started."""
    container = await scene.container(run, name, attempt)
    (found,) = (one.spec for one in scene.world.find({}) if one.spec.name == container)
    return dict(found.environment)


async def ask(
    scene: Scene, path: str, token: str, method: str = "GET", body: str | None = None, key: str = ""
) -> tuple[int, Any]:
    """Through the tasks' socket. `key`: an Idempotency-Key."""
    folder = scene.services.settings.server.storage_path

    def work() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("gofer.invalid")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(folder / SOCKET))
            headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
            headers |= {"Idempotency-Key": key} if key else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    return await asyncio.to_thread(work)


def mounts(scene: Scene, name: str) -> list[Bind]:
    (found,) = (one.spec for one in scene.world.find({}) if one.spec.labels["gofer.task"] == name)
    return list(found.mounts)


async def test_a_task_that_asks_is_given_a_token_and_the_way(scene: Scene, house: House) -> None:
    await scene.register(asking("a", "hang"), task("b", "hang"))
    run = await scene.start()
    mine, other = await given(scene, run, "a"), await given(scene, run, "b")
    assert mine["GOFER_API_URL"] == "unix:///run/gofer/api.sock"
    assert kind_of(mine["GOFER_API_TOKEN"])
    assert mounts(scene, "a") == [Bind(source=str(house.home / "task-api"), target="/run/gofer", read_only=True)]
    assert "GOFER_API_TOKEN" not in other
    assert other["GOFER_API_URL"] == scene.services.address
    assert mounts(scene, "b") == []
    path = f"/api/v1/namespaces/default/pipelines/p/runs/{run}"
    status, found = await ask(scene, path, mine["GOFER_API_TOKEN"])
    assert (status, found["id"], found["status"]) == (200, run, "running")


async def test_everybody_in_a_container_may_connect_and_nobody_else(scene: Scene, house: House) -> None:
    folder = house.home / "task-api"
    assert stat.S_IMODE((folder / "api.sock").stat().st_mode) == 0o666
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert [one.name for one in folder.iterdir()] == ["api.sock"]


async def test_a_run_that_a_task_starts_says_so(scene: Scene) -> None:
    await scene.register(asking("a", "hang"))
    await scene.register(task("x", "exit", "0"), pipeline="other")
    run = await scene.start()
    token = (await given(scene, run, "a"))["GOFER_API_TOKEN"]
    status, found = await ask(scene, "/api/v1/namespaces/default/pipelines/other/runs", token, "POST", "{}")
    assert status == 201
    assert found["initiator"] == {"kind": "task", "name": f"p/{run}/a"}
    assert (await scene.run(found["id"], "other")).initiator == Initiator(kind="task", name=f"p/{run}/a")
    queued = await scene.until("run.queued", found["id"], pipeline="other")
    assert queued.data["initiator"] == f"task p/{run}/a"
    await scene.ended(found["id"], "other")


async def test_the_token_dies_with_its_run_and_no_sooner(scene: Scene) -> None:
    await scene.register(asking("a", "exit", "0"), asking("b", "gate", after="a"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    second = (await given(scene, run, "b"))["GOFER_API_TOKEN"]
    path = f"/api/v1/namespaces/default/pipelines/p/runs/{run}"
    assert (await ask(scene, path, second))[0] == 200
    await scene.release(run, "b")
    await scene.ended(run)
    status, problem = await ask(scene, path, second)
    assert (status, problem["title"], problem["detail"]) == (
        401, "Not authenticated", "This token is dead: its run has ended."
    )  # fmt: skip
    assert await scene.services.database.read(lambda c: c.execute("SELECT count(*) FROM run_tokens").fetchone()[0]) == 0


async def test_each_attempt_has_its_own_token(scene: Scene) -> None:
    await scene.register(asking("a", "gate", "exit", "1", retries=retries(1)))
    run = await scene.start()
    first = (await given(scene, run, "a"))["GOFER_API_TOKEN"]
    await scene.release(run, "a")
    second = (await given(scene, run, "a", 2))["GOFER_API_TOKEN"]
    assert first != second
    await scene.release(run, "a", 2)
    await scene.ended(run)


async def test_it_holds_over_a_restart_of_the_server(house: House) -> None:
    async with house.open() as scene:
        await scene.register(asking("a", "gate", "exit", "0"))
        run = await scene.start()
        token = (await given(scene, run, "a"))["GOFER_API_TOKEN"]
        await scene.until("taskrun.running", run, "a")
    assert not (house.home / SOCKET).exists()
    async with house.open() as scene:
        path = f"/api/v1/namespaces/default/pipelines/p/runs/{run}"
        assert (await ask(scene, path, token))[0] == 200
        await scene.release(run, "a")
        await scene.ended(run)
        assert (await ask(scene, path, token))[0] == 401


async def test_a_socket_that_a_crash_has_left_is_replaced(house: House) -> None:
    folder = house.home / "task-api"
    folder.mkdir()
    for name in ("api.sock", "api.sock.new"):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / name))
    async with house.open() as scene:
        assert (await ask(scene, "/healthz", ""))[0] == 401


async def test_tokens_that_outlived_their_runs_are_removed_at_the_start(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "exit", "0"))
        run = await scene.start()
        await scene.ended(run)
        key = 1
        await scene.services.database.write(
            lambda tx: tx.execute("INSERT INTO run_tokens VALUES (x'00', ?, 'a', 0)", (key,))
        )
    async with house.open() as scene:
        count = "SELECT count(*) FROM run_tokens"
        assert await scene.services.database.read(lambda c: c.execute(count).fetchone()[0]) == 0


async def test_nothing_shows_the_token(house: House) -> None:
    async with house.open() as scene:
        await scene.register(asking("a", "gate", "exit", "0"))
        run = await scene.start()
        token = (await given(scene, run, "a"))["GOFER_API_TOKEN"]
        (container,) = scene.world.find({})
        assert token not in str(container.spec.labels)
        shown = {v.name: v for v in (await scene.task(run, "a")).variables}
        assert (shown["GOFER_API_TOKEN"].value, shown["GOFER_API_TOKEN"].source) == ("…", "system")
        assert shown["GOFER_API_URL"].value == "unix:///run/gofer/api.sock"
        await scene.release(run, "a")
        assert token not in str(await scene.history(run))
    _nowhere(token.encode(), house.home)


def _nowhere(secret: bytes, folder: Path) -> None:
    seen = 0
    for path in folder.rglob("*"):
        if path.is_file():
            seen += 1
            assert secret not in path.read_bytes(), path
    assert seen


async def test_an_engine_on_another_machine_is_refused(scene: Scene, house: House) -> None:
    house.world.is_near = False
    await scene.register(asking("a", "exit", "0"))
    run = await scene.start()
    assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "task_failed")
    found = await scene.task(run, "a")
    assert found.reason is Reason.NOT_ALLOWED
    assert "another machine" in found.detail
    assert "leave inject_api_token out" in "\n".join(await scene.log(run, "a"))


async def test_a_storage_that_cannot_hold_a_socket_is_refused_and_the_rest_works(house: House) -> None:
    (house.home / "task-api").write_text("in the way")
    async with house.open() as scene:
        await scene.register(asking("a", "exit", "0"))
        await scene.register(task("a", "exit", "0"), pipeline="plain")
        assert (await scene.ended(await scene.start())).status is RunStatus.FAILED
        assert "task-api/api.sock cannot be made" in (await scene.task(1, "a")).detail
        assert (await scene.ended(await scene.start("plain"), "plain")).status is RunStatus.SUCCESSFUL


async def test_a_storage_path_that_is_too_long_for_a_socket(house: House) -> None:
    house.home = house.home / ("long" * 30)
    house.home.mkdir()
    async with house.open() as scene:
        await scene.register(asking("a", "hang"))
        run = await scene.start()
        assert (await given(scene, run, "a"))["GOFER_API_URL"] == "unix:///run/gofer/api.sock"
        assert (house.home / SOCKET).is_socket()


@pytest.mark.parametrize("asks", [True, False])
async def test_only_who_asks_costs_a_row(scene: Scene, asks: bool) -> None:
    await scene.register(task("a", "hang", inject_api_token=asks))
    await scene.container(await scene.start(), "a")
    count = "SELECT count(*) FROM run_tokens"
    assert await scene.services.database.read(lambda c: c.execute(count).fetchone()[0]) == int(asks)


async def test_what_a_token_began_ends_with_it_even_if_the_run_had_just_ended(scene: Scene) -> None:
    await scene.register(asking("a", "exit", "0"))
    run = await scene.start()
    await scene.ended(run)
    caller = Caller("run", "default", "p", run, "a")
    with pytest.raises(NotAuthenticated):
        await while_token_lives(scene.services, caller, asyncio.sleep(3600))
    with pytest.raises(NotAuthenticated):
        await while_token_lives(scene.services, caller._replace(run=99), asyncio.sleep(3600))
    assert scene.services.bus.waiting == 0


async def test_a_token_that_is_printed_is_masked_after_a_restart_too(house: House) -> None:
    async with house.open() as scene:
        await scene.register(asking("a", "variable", "GOFER_API_TOKEN", "gate", "variable", "GOFER_API_TOKEN"))
        run = await scene.start()
        name = await scene.container(run, "a")
        await scene.until("taskrun.running", run, "a")
    house.world.release(name)
    async with house.open() as scene:
        await scene.ended(run)
        assert await scene.log(run, "a") == ["***", "***"]


async def test_events_tell_a_task_nothing_of_secrets(scene: Scene) -> None:
    await scene.register(asking("a", "hang"))
    await scene.services.secrets.put(Owner("default", "p"), "hidden_key", "correct horse")
    run = await scene.start()
    token = (await given(scene, run, "a"))["GOFER_API_TOKEN"]
    for query in ("", "?pipeline=p", "?kind=run.*&kind=taskrun.*", "?newest_first=true"):
        status, found = await ask(scene, f"/api/v1/events{query}", token)
        assert status == 200
        assert found["items"]
        assert "hidden_key" not in str(found)
    for kind in ("secret.put", "secret.*", "secrets.rotated", "secret.*&kind=run.*"):
        assert (await ask(scene, f"/api/v1/events?kind={kind}", token))[0] == 403


async def test_an_idempotency_key_is_that_of_its_namespace(scene: Scene) -> None:
    """A task neither learns of the keys of those without a token, nor can it take them."""
    await scene.register(asking("a", "hang"))
    await scene.register(task("x", "exit", "0"), pipeline="other")
    token = (await given(scene, await scene.start(), "a"))["GOFER_API_TOKEN"]
    path = "/api/v1/namespaces/default/pipelines/other/runs"
    answers = [await ask(scene, path, token, "POST", "{}", key="nightly") for _ in range(2)]
    assert [(status, found["id"]) for status, found in answers] == [(201, 1), (201, 1)]
    headers = {"Idempotency-Key": "nightly", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{scene.services.address}{path}", b'{"parameters": {}}', headers)
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        assert json.load(answer)["id"] == 2
