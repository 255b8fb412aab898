"""Notifiers: who is told of a run's end, what they are told, and that nobody is forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from gofer.models.common_task import InstallCommonTask, Notification
from gofer.models.manifest import Notifier, Outcome, Parallelism, Parameter
from gofer.models.status import RunStatus
from gofer.server.events.bus import Filter
from gofer.server.notifiers import outbox
from gofer.server.notifiers.deliver import LABEL
from gofer.server.secrets.secrets import NOBODY, Owner
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, task

SECRET = "hunter2-of-the-administrator"
OWN = "a-secret-of-the-pipeline"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PAUSES", (1, 1, 1))


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    async with house.open() as scene:
        yield scene


async def install(scene: Scene, *command: str, name: str = "tell", image: str = "fake") -> None:
    await scene.services.secrets.put(NOBODY, "slack", SECRET, ["*"])
    wanted = InstallCommonTask(
        id=name, image=image, command=list(command) or None, variables={"TOKEN": "global_secret{{slack}}"}
    )
    await scene.services.common_tasks.install(wanted)


def notifier(label: str, *when: Outcome, on_change: bool = False, **settings: str) -> Notifier:
    return Notifier(label=label, common_task="tell", when=list(when), on_change=on_change, settings=settings)


async def told(scene: Scene, run: int) -> dict[str, Notification]:
    page = await scene.services.outbox.of_run(NAMESPACE, PIPELINE, run, None, 100)
    return {one.label: one for one in page.items}


async def all_told(scene: Scene, run: int) -> dict[str, Notification]:
    """Waits until nothing more is to be told of the run."""
    kinds = frozenset({"run.ended", "notification.sent", "notification.failed"})
    async for _ in scene.services.bus.subscribe(Filter(kinds=kinds, namespace=NAMESPACE, run=run), 0):
        ended = (await scene.run(run)).status.ended
        found = await told(scene, run)
        if ended and all(one.status != "pending" for one in found.values()):
            return found
    raise AssertionError("a subscription does not end")


async def ran(scene: Scene) -> dict[str, Notification]:
    """A run with everything that was told of it."""
    return await all_told(scene, await scene.start())


async def test_it_is_told_what_there_is_to_know_and_shows_no_secret(scene: Scene) -> None:
    await install(scene, image="builtin:debug")
    bad = task("bad", "say", f"it was {OWN}\n\x1b[31mred", "exit", "3", variables={"X": "secret{{own}}"})
    await scene.register(
        bad, task("good"), notifiers=[notifier("all", text="run of param{{day}}", key="secret{{own}}")],
        parameters=[Parameter(name="day", default="monday")],
    )  # fmt: skip
    await scene.services.secrets.put(Owner(NAMESPACE, PIPELINE), "own", OWN)
    found = (await ran(scene))["all"]
    assert (found.status, found.attempts, found.detail) == ("sent", 1, "")
    assert SECRET not in found.output
    assert OWN not in found.output
    lines = dict(line.split("=", 1) for line in found.output.splitlines() if "=" in line)
    assert lines["TOKEN"] == "***"


async def test_a_container_gets_all_of_it(scene: Scene) -> None:
    await install(scene, "gate")
    bad = task("bad", "say", f"it was {OWN}\n\x1b[31mred", "exit", "3", variables={"X": "secret{{own}}"})
    await scene.register(bad, task("good"), notifiers=[notifier("all", key="secret{{own}}")])
    await scene.services.secrets.put(Owner(NAMESPACE, PIPELINE), "own", OWN)
    run = await scene.start()
    container = await scene.world.started_with({LABEL: scene.services.database.server_id})
    got = scene.world.get(container.name).spec.environment
    assert got["GOFER_SETTING_KEY"] == OWN
    assert got["TOKEN"] == SECRET
    assert (got["GOFER_NOTIFY_STATUS"], got["GOFER_NOTIFY_PREVIOUS_STATUS"]) == ("failed", "")
    assert (got["GOFER_NOTIFY_CHANGE"], got["GOFER_NOTIFY_REASON"]) == ("broken", "task_failed")
    assert got["GOFER_NOTIFY_DETAIL"] == "failed: bad"
    assert got["GOFER_NOTIFY_RUN_URL"].endswith(f"/api/v1/namespaces/default/pipelines/p/runs/{run}")
    assert got["GOFER_NOTIFY_ENDED_AT"].endswith("Z")
    (failed,) = json.loads(got["GOFER_NOTIFY_FAILED_TASKS"])
    assert (failed["id"], failed["exit_code"], failed["attempt"]) == ("bad", 3, 1)
    assert failed["log"] == ["it was ***", "�[31mred"]
    assert got["GOFER_NOTIFY_FAILED_TASKS_TEXT"] == "bad: exited with code 3\n  it was ***\n  �[31mred"
    assert got["GOFER_RUN_ID"] == str(run)
    scene.world.release(container.name)
    assert (await all_told(scene, run))["all"].status == "sent"


async def test_only_for_the_ends_that_it_is_for(scene: Scene) -> None:
    await install(scene, "exit", "0")
    notifiers = [notifier("bad", "failed"), notifier("good", "successful"), notifier("off", "cancelled")]
    await scene.register(task("a", "exit", "1"), notifiers=notifiers)
    assert (await ran(scene)).keys() == {"bad"}
    await scene.register(task("a", "exit", "0"), notifiers=notifiers)
    assert (await ran(scene)).keys() == {"good"}
    await scene.register(task("a", "hang"), notifiers=notifiers)
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel(run)
    assert (await all_told(scene, run)).keys() == {"off"}


async def test_only_when_it_breaks_and_when_it_is_mended(scene: Scene) -> None:
    await install(scene, "exit", "0")
    heard = []
    for code in ("0", "1", "1", "0", "0", "1"):
        await scene.register(task("a", "exit", code), notifiers=[notifier("change", on_change=True)])
        heard.append(bool(await ran(scene)))
    assert heard == [False, True, False, True, False, True]
    await scene.register(task("a", "hang"), notifiers=[notifier("change", on_change=True)])
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel(run)
    assert await all_told(scene, run) == {}


async def test_of_a_run_that_never_began_too(scene: Scene) -> None:
    await install(scene, "exit", "0")
    limit = Parallelism(limit=1, on_limit="skip")
    await scene.register(task("a", "gate"), parallelism=limit, notifiers=[notifier("all")])
    first, skipped = await scene.start(), await scene.start()
    assert (await all_told(scene, skipped))["all"].status == "sent"
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=1), notifiers=[notifier("all")])
    waiting = await scene.start()
    await scene.cancel(waiting)
    assert (await scene.ended(waiting)).status is RunStatus.CANCELLED
    assert (await all_told(scene, waiting))["all"].status == "sent"
    await scene.release(first, "a")
    assert (await all_told(scene, first))["all"].status == "sent"


async def test_what_fails_is_tried_again_and_then_given_up(scene: Scene) -> None:
    await install(scene, "complain", f"no route for {SECRET}", "exit", "7")
    await scene.register(task("a"), notifiers=[notifier("all")])
    run = await scene.start()
    found = (await all_told(scene, run))["all"]
    assert (found.status, found.attempts) == ("failed", 4)
    assert found.detail == "exited with code 7: no route for ***"
    event = await scene.until("notification.failed", run)
    assert event.data == {"label": "all", "common_task": "tell", "attempts": 4, "detail": found.detail}
    assert (await scene.run(run)).status is RunStatus.SUCCESSFUL


async def test_one_that_cannot_be_had_says_so(scene: Scene) -> None:
    await install(scene, "exit", "0")
    await scene.register(task("a"), notifiers=[notifier("all")])
    await scene.services.common_tasks.uninstall("tell", force=True)
    found = (await ran(scene))["all"]
    assert (found.status, found.attempts) == ("failed", 4)
    assert 'there is no common task "tell"' in found.detail


async def test_one_under_way_is_gone_on_with_after_a_restart(house: House) -> None:
    async with house.open() as scene:
        await install(scene, "gate", "say", f"done with {SECRET}")
        await scene.register(task("a"), notifiers=[notifier("all")])
        run = await scene.start()
        container = await scene.world.started_with({LABEL: scene.services.database.server_id})
        await scene.services.common_tasks.uninstall("tell", force=True)
        await scene.services.secrets.put(NOBODY, "slack", "another one", None)
    async with house.open() as scene:
        scene.world.release(container.name)
        found = (await all_told(scene, run))["all"]
        assert (found.status, found.attempts, found.output) == ("sent", 1, "done with ***")


async def test_what_waits_is_told_after_a_restart(house: House) -> None:
    async with house.open() as scene:
        await install(scene, "exit", "0")
        await scene.register(task("a", "gate"), notifiers=[notifier("all")])
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        scene.world.go_away()
        # Its end is stored when the engine is back, and then there is nobody left to tell of it.
    house.world.come_back()
    async with house.open() as scene:
        await scene.release(run, "a")
        assert (await all_told(scene, run))["all"].status == "sent"
        labels = {LABEL: scene.services.database.server_id}
        async with asyncio.timeout(30):
            while scene.world.find(labels):
                await asyncio.sleep(0.01)


async def test_one_that_hangs_is_ended(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from gofer.server.notifiers import deliver

    monkeypatch.setattr(deliver, "TIMEOUT", 50)
    await install(scene, "hang")
    await scene.register(task("a"), notifiers=[notifier("all")])
    found = (await ran(scene))["all"]
    assert (found.status, found.detail) == ("failed", "took longer than 50ms")


async def test_a_built_in_tells_while_the_engine_is_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    # Also behind more that wait for the engine than are begun with at once.
    monkeypatch.setattr(outbox, "_BATCH", 2)
    await install(scene, image="builtin:debug")
    await install(scene, "exit", "0", name="elsewhere")
    waiting = [msgspec.structs.replace(notifier(f"w{n}"), common_task="elsewhere") for n in range(3)]
    limit = Parallelism(limit=1, on_limit="skip")
    await scene.register(task("a", "gate"), parallelism=limit, notifiers=[*waiting, notifier("all")])
    first = await scene.start()
    await scene.until("taskrun.running", first, "a")
    scene.world.go_away()
    skipped = await scene.start()
    async for _ in scene.services.bus.subscribe(Filter(kinds=frozenset({"notification.sent"}), run=skipped), 0):
        break
    found = await told(scene, skipped)
    assert {label: one.status for label, one in found.items()} == {
        "w0": "pending", "w1": "pending", "w2": "pending", "all": "sent"
    }  # fmt: skip
    scene.world.come_back()
    await scene.release(first, "a")
    assert (await all_told(scene, first))["all"].status == "sent"
