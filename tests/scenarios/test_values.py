"""Secrets and objects in the variables of a task: looked up when it starts, and shown nowhere."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from gofer.engines.scheduler.base import ContainerSpec, Credentials
from gofer.errors import StoreBusy
from gofer.models.manifest import Registry
from gofer.models.status import RunStatus, TaskStatus
from gofer.server.objects.place import Place
from gofer.server.secrets.secrets import NOBODY, Owner, Secrets
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, outcome, retries, task

SECRET = "correct horse battery"
OWNER = Owner(NAMESPACE, PIPELINE)
FORGET_RUNNING = "UPDATE task_runs SET status = 'starting'"
FORGET_RUNNING_ATTEMPT = "UPDATE attempts SET status = 'starting', running_at = NULL"


async def put(scene: Scene, key: str, data: bytes, run: int | None = None) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    await scene.services.objects.put(Place(NAMESPACE, PIPELINE, run), key, chunks(), force=True)


async def started(scene: Scene, run: int, name: str, attempt: int = 1) -> ContainerSpec:
    """What the engine was asked to run, once it has been."""
    container = await scene.container(run, name, attempt)
    return scene.world.get(container).spec


async def failed(scene: Scene, *tasks: Any) -> tuple[str, str]:
    """Reason and detail of the task run `a` of a run that failed."""
    await scene.register(*tasks)
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.FAILED
    found = await scene.task(run, "a")
    assert scene.world.starts == {}
    assert len(found.attempts) == 1
    return str(found.reason), found.detail


VARIABLES: Mapping[str, str] = {
    "OWN": "x-secret{{own}}",
    "GLOBAL": "global_secret{{shared}}",
    "BASE": "pipeline{{base}}",
    "BUILD": "run{{build}}, run{{build}}",
    "KEPT": "secret!{{own}}",
}


async def test_values_of_every_kind(scene: Scene) -> None:
    """They are those of the moment at which the task starts, after its parents."""
    await scene.register(task("first", "gate"), task("a", "gate", after="first", variables=dict(VARIABLES)))
    run = await scene.start()
    await scene.container(run, "first")
    await scene.services.secrets.put(OWNER, "own", SECRET)
    await scene.services.secrets.put(NOBODY, "shared", "everybody's", [NAMESPACE])
    await put(scene, "base", b"v1.2")
    await put(scene, "build", "größer secret{{own}}".encode(), run)
    await scene.release(run, "first")
    given = (await started(scene, run, "a")).environment
    await scene.release(run, "a")
    assert {name: given[name] for name in VARIABLES} == {
        "OWN": f"x-{SECRET}",
        "GLOBAL": "everybody's",
        "BASE": "v1.2",
        "BUILD": "größer secret{{own}}, größer secret{{own}}",
        "KEPT": "secret{{own}}",
    }
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    shown = {v.name: v.value for v in (await scene.task(run, "a")).variables}
    assert {name: shown[name] for name in VARIABLES} == {**VARIABLES, "KEPT": "secret{{own}}"}


@pytest.mark.parametrize("kind", ["secret", "global_secret", "pipeline", "run"])
async def test_a_key_that_does_not_exist(scene: Scene, kind: str) -> None:
    reason, detail = await failed(scene, task("a", variables={"V": f"{kind}{{{{nope}}}}"}, retries=retries(3)))
    assert reason == "interpolation_failed"
    assert detail.startswith(f"{kind}{{{{nope}}}}: ")
    assert '"nope"' in detail


async def test_a_global_secret_of_other_namespaces(scene: Scene) -> None:
    await scene.services.secrets.put(NOBODY, "shared", SECRET, ["elsewhere"])
    _, detail = await failed(scene, task("a", variables={"V": "global_secret{{shared}}"}))
    assert 'no global secret "shared" that the namespace "default" may use' in detail


@pytest.mark.parametrize("data", [b"\xff", b"a\0b", b"x" * (64 * 1024 + 1)])
async def test_an_object_that_is_no_text(scene: Scene, data: bytes) -> None:
    await scene.register(task("a", variables={"V": "pipeline{{blob}}"}))
    await put(scene, "blob", data)
    reason, detail = await failed(scene, task("a", variables={"V": "pipeline{{blob}}"}))
    assert reason == "interpolation_failed"
    assert detail.startswith("pipeline{{blob}}: ")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("UPDATE pieces SET data = zeroblob(length(data))", 'The object "broken" at the pipeline "p" is damaged: '),
        ("DELETE FROM contents", 'The content of the object "broken" is missing from the object store'),
    ],
)
async def test_an_object_whose_content_is_gone_bad(scene: Scene, harm: str, why: str) -> None:
    await scene.register(task("a"))
    await put(scene, "broken", b"some text")
    store = scene.services.settings.server.storage_path / "objects.db"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(harm)
    reason, detail = await failed(scene, task("a", variables={"V": "pipeline{{broken}}"}))
    assert reason == "interpolation_failed"
    assert detail.startswith(f"pipeline{{{{broken}}}}: {why}")


async def test_credentials_of_a_registry(scene: Scene) -> None:
    await scene.register(
        task("a", "gate", registry=Registry(user="secret{{who}}", password_secret="word")),
        task("b", "gate", registry=Registry(user="robot", password_secret="global_secret{{hub}}")),
    )
    await scene.services.secrets.put(OWNER, "who", "ada")
    await scene.services.secrets.put(OWNER, "word", SECRET)
    await scene.services.secrets.put(NOBODY, "hub", "of the hub", ["*"])
    run = await scene.start()
    assert (await started(scene, run, "a")).credentials == Credentials(user="ada", password=SECRET)
    assert (await started(scene, run, "b")).credentials == Credentials(user="robot", password="of the hub")


async def test_no_log_shows_a_secret_of_the_run(scene: Scene) -> None:
    """Neither that of the task that has it, nor that of another task of the same run."""
    await scene.register(
        task("a", "variable", "S", variables={"S": "secret{{own}}"}),
        task("b", "say", f"I heard: {SECRET}!", after="a"),
    )
    await scene.services.secrets.put(OWNER, "own", SECRET)
    run = await scene.start()
    await scene.ended(run)
    assert await scene.log(run, "a") == ["***"]
    assert await scene.log(run, "b") == ["I heard: ***!"]


async def test_what_the_engine_says_hides_secrets_too(scene: Scene) -> None:
    await scene.register(task("a", f"{SECRET}", variables={"S": "secret{{own}}"}))
    await scene.services.secrets.put(OWNER, "own", SECRET)
    run = await scene.start()
    await scene.ended(run)
    found = await scene.task(run, "a")
    assert (found.reason, found.detail) == ("start_failed", 'there is no program "***"')
    told = msgspec.json.encode([found, await scene.history(run), await scene.log(run, "a")])
    assert SECRET.encode() not in told


async def test_a_secret_that_was_replaced_is_hidden_for_as_long_as_somebody_has_it(scene: Scene) -> None:
    b = task("b", "say", f"{SECRET}, new value", after="a", variables={"S": "secret{{own}}"})
    await scene.register(task("a", "gate"), b)
    await scene.services.secrets.put(OWNER, "own", SECRET)
    run = await scene.start()
    await scene.container(run, "a")
    await scene.services.secrets.put(OWNER, "own", "new value")
    await scene.release(run, "a")
    await scene.ended(run)
    assert await scene.log(run, "b") == ["***, ***"]


async def test_after_a_restart_the_rest_of_a_log_is_masked(house: House) -> None:
    """Also by the value that the container got, though the secret has another by now."""
    async with house.open() as scene:
        await scene.register(task("a", "say", "one", "gate", "variable", "S", variables={"S": "secret{{own}}"}))
        await scene.services.secrets.put(OWNER, "own", SECRET)
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        name = await scene.container(run, "a")
        await scene.services.secrets.put(OWNER, "own", "another")
    house.world.release(name)
    async with house.open() as scene:
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.log(run, "a") == ["one", "***"]


async def test_a_store_that_does_not_answer_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.register(task("a", "gate", variables={"S": "secret{{own}}"}))
    await scene.services.secrets.put(OWNER, "own", SECRET)
    resolve, failures = scene.services.secrets.resolve, iter(range(2))

    async def busy(namespace: str, pipeline: str, kind: str, key: str) -> str | None:
        if next(failures, None) is not None:
            raise StoreBusy("the file is locked")
        return await resolve(namespace, pipeline, kind, key)

    monkeypatch.setattr(scene.services.secrets, "resolve", busy)
    run = await scene.start()
    assert (await started(scene, run, "a")).environment["S"] == SECRET


async def test_a_task_that_waits_for_a_store_can_be_cancelled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.register(task("a", variables={"S": "secret{{own}}"}))

    async def busy(*_: object) -> str | None:
        raise StoreBusy("the file is locked")

    monkeypatch.setattr(scene.services.secrets, "resolve", busy)
    run = await scene.start()
    await scene.until("taskrun.starting", run, "a")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
    assert scene.world.starts == {}


async def test_where_there_is_no_key_tasks_without_secrets_run(house: House) -> None:
    async with house.open(dev_mode=False) as scene:
        await scene.register(task("a"), task("b", variables={"S": "secret{{own}}"}, after="a"))
        run = await scene.start()
        assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "task_failed")
        assert (await scene.task(run, "a")).status is TaskStatus.SUCCESSFUL
        found = await scene.task(run, "b")
        assert (found.reason, "encryption key" in found.detail) == ("interpolation_failed", True)


async def test_a_secret_that_does_not_decrypt_is_named_by_each_task_whose_log_should_hide_it(scene: Scene) -> None:
    await scene.register(
        task("a", "gate"), task("b", after="a"), task("c", variables={"S": "secret{{own}}"}, after="b")
    )
    await scene.services.secrets.put(OWNER, "own", SECRET)
    run = await scene.start()
    await scene.container(run, "a")
    store = scene.services.settings.server.storage_path / "secrets.db"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE secrets SET ciphertext = zeroblob(length(ciphertext))")
    await scene.release(run, "a")
    await scene.ended(run)
    found = await scene.task(run, "b")
    assert found.reason == "interpolation_failed"
    assert f"{NAMESPACE}/{PIPELINE}/own does not decrypt" in found.detail


@pytest.mark.parametrize("begun", [False, True])
async def test_a_container_is_stopped_though_it_is_not_known_what_its_log_must_hide(
    house: House, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    """`begun`: the server died before it could record that the engine had started it."""
    async with house.open() as scene:
        await scene.register(task("a", "variable", "S", "hang", variables={"S": "secret{{own}}"}))
        await scene.services.secrets.put(OWNER, "own", SECRET)
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        name = await scene.container(run, "a")
        if begun:
            await scene.services.database.write(lambda tx: tx.execute(FORGET_RUNNING))
            await scene.services.database.write(lambda tx: tx.execute(FORGET_RUNNING_ATTEMPT))

    seen, answers = Secrets.seen, asyncio.Event()

    async def busy(*given: Any) -> Sequence[str]:
        if not answers.is_set():
            raise StoreBusy("the file is locked")
        return await seen(*given)

    monkeypatch.setattr(Secrets, "seen", busy)
    async with house.open() as scene:
        await scene.cancel(run)
        async with asyncio.timeout(20):
            while not house.world.get(name).over:
                await asyncio.sleep(0.01)
        assert not (await scene.run(run)).status.ended
        answers.set()
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
        assert await scene.log(run, "a") == ["***"]


async def test_a_container_that_has_begun_is_adopted_whatever_became_of_its_secret(house: House) -> None:
    """The server died before it could record that the engine had started it."""
    async with house.open() as scene:
        await scene.register(task("a", "gate", "variable", "S", variables={"S": "secret{{own}}"}))
        await scene.services.secrets.put(OWNER, "own", SECRET)
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        name = await scene.container(run, "a")
        await scene.services.secrets.delete(OWNER, "own")
        await scene.services.database.write(lambda tx: tx.execute(FORGET_RUNNING))
        await scene.services.database.write(lambda tx: tx.execute(FORGET_RUNNING_ATTEMPT))
    async with house.open() as scene:
        await scene.until("taskrun.running", run, "a", nth=2)
        house.world.release(name)
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.log(run, "a") == ["***"]
    assert set(house.world.starts.values()) == {1}
