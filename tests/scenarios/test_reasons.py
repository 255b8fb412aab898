"""Why a task run ended as it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, OnPull, PlaceFiles, Position
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.models.manifest import Mount
from gofer.models.run import TaskRunDetail
from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, retries, task


async def only(scene: Scene, run: int) -> TaskRunDetail:
    """The one task run of an ended run."""
    await scene.ended(run)
    return await scene.task(run, "a")


@pytest.mark.parametrize(
    ("command", "reason", "exit_code"),
    [
        (["exit", "3"], "exit_code", 3),
        (["die", "9"], "exit_code", 137),
        (["oom"], "oom_killed", 137),
        (["vanish"], "lost", None),
        (["fail-to-start"], "start_failed", None),
        (["fail-to-start", "pull_failed"], "pull_failed", None),
    ],
)
async def test_how_a_container_ends(scene: Scene, command: list[str], reason: str, exit_code: int | None) -> None:
    await scene.register(task("a", *command))
    found = await only(scene, await scene.start())
    assert (found.status, found.reason, found.exit_code) == ("failed", reason, exit_code)
    assert found.detail
    attempt = found.attempts[0]
    assert (attempt.status, attempt.reason, attempt.exit_code) == ("failed", reason, exit_code)
    assert attempt.log_state == "complete"


async def test_an_image_that_is_nowhere(scene: Scene) -> None:
    scene.world.missing_images.add("fake")
    await scene.register(task("a"))
    run = await scene.start()
    assert (await only(scene, run)).reason == "image_not_found"
    assert 'gofer: there is no image "fake"' in (await scene.log(run, "a"))[0]


async def test_an_image_that_is_pulled_is_told(scene: Scene) -> None:
    scene.world.unpulled_images.add("fake")
    await scene.register(task("a"))
    run = await scene.start()
    found = await only(scene, run)
    assert found.status == "successful"
    pulled = await scene.until("image.pulled", run, "a")
    assert found.attempts[0].image_digest == pulled.data["detail"]


async def test_a_container_that_vanishes_while_it_runs(scene: Scene) -> None:
    await scene.register(task("a", "say", "hello", "gate"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    scene.world.vanish(await scene.container(run, "a"))
    found = await only(scene, run)
    assert (found.status, found.reason) == ("failed", "lost")
    assert await scene.log(run, "a") == ["hello"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"privileged": True}, "privileged"),
        ({"network": "host"}, 'network "host"'),
        ({"mounts": [Mount(source="/etc", target="/etc")]}, '"/etc"'),
        ({"mounts": [Mount(source="/data/deep/down", target="/data")]}, None),
        ({"mounts": [Mount(source="/database", target="/data")]}, '"/database"'),
        ({"network": "inner"}, None),
    ],
)
async def test_what_the_configuration_does_not_allow(house: House, fields: dict[str, Any], word: str | None) -> None:
    async with house.open(allowed_mounts=["/data"], allowed_networks=["inner"]) as scene:
        await scene.register(task("a", retries=retries(3), **fields))
        run = await scene.start()
        found = await only(scene, run)
        if word is None:
            assert found.status == "successful"
            return
        assert (found.status, found.reason, len(found.attempts)) == ("failed", "not_allowed", 1)
        assert word in found.detail
        assert "An administrator can" in (await scene.log(run, "a"))[0]
        assert scene.world.starts.total() == 0


@pytest.mark.parametrize("text", ["secret{{password}}", "global_secret{{password}}", "pipeline{{password}}"])
async def test_an_interpolation_that_fails_names_its_key(scene: Scene, text: str) -> None:
    await scene.register(task("a", variables={"TOKEN": text}, retries=retries(3)))
    found = await only(scene, await scene.start())
    assert (found.status, found.reason, len(found.attempts)) == ("failed", "interpolation_failed", 1)
    assert "password" in found.detail
    assert scene.world.starts.total() == 0


class BrokenAtStart(FakeScheduler):
    """Starts the container and then fails as a library would that gave up waiting."""

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        await super().start(spec, on_pull, place)
        raise TimeoutError("a library's own")


class BrokenAtWait(FakeScheduler):
    async def wait(self, name: str) -> Exit | None:
        raise RuntimeError("a mistake")


class BrokenAtLogs(FakeScheduler):
    async def logs(self, name: str, since: Position = Position()) -> AsyncIterator[Chunk]:  # noqa: B008  (immutable)
        yield Chunk("stdout", b"a beginning\n", 0)
        raise RuntimeError("a mistake")


@pytest.mark.parametrize("engine", [BrokenAtStart, BrokenAtWait, BrokenAtLogs])
async def test_a_fault_of_gofers_own_ends_one_task_run_and_harms_no_other(
    house: House, engine: type[FakeScheduler]
) -> None:
    house.engine = engine
    async with house.open() as scene:
        await scene.register(task("a", "hang", timeout="1h"), task("mend", after={"a": "failed"}))
        run = await scene.start()
        ended = await scene.ended(run)
        assert outcome(ended) == (RunStatus.FAILED, "task_failed")
        found = await scene.task(run, "a")
        assert (found.status, found.reason) == ("failed", "internal_error")
        assert found.attempts[0].log_state == "complete"
        assert (await scene.log(run, "a"))[-1].startswith("gofer: Gofer itself failed")
    assert house.world.find({}) == []
