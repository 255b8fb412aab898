"""Common tasks in runs: what they get, what nobody sees, and what happens when they cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gofer.errors import InvalidInput, Refused
from gofer.models.common_task import InstallCommonTask, UpgradeCommonTask
from gofer.models.manifest import Parameter, Task
from gofer.models.status import Reason, RunStatus
from gofer.server.secrets.secrets import NOBODY, Owner
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, task

SECRET = "hunter2-of-the-administrator"
OWN = "a-secret-of-the-pipeline"


def common(name: str, common_task: str, **settings: str) -> Task:
    return Task(id=name, common_task=common_task, settings=settings)


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    async with house.open() as scene:
        await scene.services.secrets.put(NOBODY, "slack", SECRET, ["somebody-else"])
        yield scene


async def install(scene: Scene, name: str = "tell", image: str = "builtin:debug", **fields: object) -> None:
    wanted = {"variables": {"URL": "https://x/global_secret{{slack}}", "LEVEL": "high"}, **fields}
    await scene.services.common_tasks.install(InstallCommonTask(id=name, image=image, **wanted))  # type: ignore[arg-type]


async def test_it_gets_its_settings_and_what_it_was_installed_with_and_nothing_of_the_run(scene: Scene) -> None:
    await install(scene)
    settings = {"text": "day param{{LD_PRELOAD}}", "key": "secret{{own}}"}
    await scene.register(common("one", "tell", **settings), parameters=[Parameter(name="LD_PRELOAD")])
    await scene.services.secrets.put(Owner(NAMESPACE, PIPELINE), "own", OWN)
    run = await scene.start(LD_PRELOAD="/tmp/evil.so")
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    log = await scene.log(run, "one")
    assert "GOFER_SETTING_TEXT=day /tmp/evil.so" in log
    assert "GOFER_SETTING_KEY=***" in log
    assert "URL=https://x/***" in log
    assert "LEVEL=high" in log
    assert f"GOFER_PIPELINE_ID={PIPELINE}" in log
    assert not any(line.startswith("LD_PRELOAD") for line in log)

    found = await scene.task(run, "one")
    assert (found.image, found.common_task) == ("", "tell")
    shown = {one.name: (one.value, one.source) for one in found.variables}
    assert shown["URL"] == shown["LEVEL"] == ("…", "common_task")
    assert shown["GOFER_SETTING_KEY"] == ("secret{{own}}", "pipeline")
    assert "LD_PRELOAD" not in shown
    events = str(await scene.history(run))
    assert SECRET not in events
    assert OWN not in events


async def test_in_a_container_it_is_the_same(scene: Scene) -> None:
    await install(scene, image="fake", command=["variable", "URL", "variable", "GOFER_SETTING_TEXT", "gate"])
    await scene.register(common("one", "tell", text="hello"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "one")
    with pytest.raises(Refused, match="into which nobody can look"):
        await scene.services.runs.exec(NAMESPACE, PIPELINE, run, "one", ["sh"], terminal=False)
    (container,) = scene.world.find({"gofer.task": "one"})
    assert container.spec.environment["URL"] == f"https://x/{SECRET}"
    await scene.release(run, "one")
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert await scene.log(run, "one") == ["https://x/***", "hello"]


async def test_what_it_was_given_is_hidden_after_an_upgrade_and_a_restart(house: House) -> None:
    command = ["gate", "variable", "URL"]
    async with house.open() as scene:
        await scene.services.secrets.put(NOBODY, "slack", SECRET, ["*"])
        await install(scene, image="fake", command=command)
        await scene.register(common("one", "tell"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "one")
        changed = UpgradeCommonTask(variables={"URL": None, "OTHER": "x"})
        await scene.services.common_tasks.upgrade("tell", changed)
        await scene.services.secrets.put(NOBODY, "slack", "another value", None)
        await scene.services.common_tasks.uninstall("tell", force=True)
    async with house.open() as scene:
        await scene.release(run, "one")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.log(run, "one") == ["https://x/***"]


async def test_one_that_cannot_be_had_is_refused_at_registration(scene: Scene) -> None:
    with pytest.raises(InvalidInput) as refused:
        await scene.register(common("one", "tell"))
    (problem,) = refused.value.problems
    assert problem.place == "tasks[0].common_task"
    assert 'there is no common task "tell"' in problem.message
    assert "gofer common-task install tell" in problem.hint
    await install(scene, namespaces=["team-*"])
    with pytest.raises(InvalidInput, match="cannot have") as refused:
        await scene.register(common("one", "tell"))
    assert 'is not for the namespace "default"' in refused.value.problems[0].message
    await scene.services.common_tasks.upgrade("tell", UpgradeCommonTask(namespaces=["def*"]))
    await scene.services.common_tasks.set_enabled("tell", False)
    with pytest.raises(InvalidInput, match="cannot have") as refused:
        await scene.register(common("one", "tell"))
    assert "is disabled" in refused.value.problems[0].message


async def test_one_that_has_gone_meanwhile_fails_the_task_with_a_reason(scene: Scene) -> None:
    await install(scene)
    await scene.register(common("one", "tell"), task("two", "exit", "0"))
    await scene.services.common_tasks.set_enabled("tell", False)
    run = await scene.start()
    await scene.ended(run)
    found = await scene.task(run, "one")
    assert (found.reason, found.attempt) == (Reason.COMMON_TASK_UNAVAILABLE, 1)
    assert 'the common task "tell" is disabled' in found.detail
    assert "gofer common-task enable tell" in (await scene.log(run, "one"))[0]
    await scene.services.common_tasks.set_enabled("tell", True)
    await scene.services.secrets.delete(NOBODY, "slack")
    run = await scene.start()
    await scene.ended(run)
    assert 'needs the global secret "slack"' in (await scene.task(run, "one")).detail
