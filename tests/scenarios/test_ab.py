"""Two versions side by side: who gets which, what is made of it, and that nobody decides but a person."""

from __future__ import annotations

from gofer.models.comparison import Comparison
from gofer.models.deployment import Deploy
from gofer.models.manifest import Manifest, Task
from gofer.models.status import RunStatus
from gofer.server.pipelines.register import Registering
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, retries, task

AT = (NAMESPACE, PIPELINE)


async def two_versions(scene: Scene, *new: Task) -> None:
    """The first does what it is to do; the second is only stored."""
    await scene.register(task("fetch"), task("load", after="fetch"))
    await scene.services.pipelines.register(*_stored(*new))


def _stored(*tasks: Task) -> tuple[str, Manifest, Registering]:
    return NAMESPACE, Manifest(id=PIPELINE, tasks=list(tasks)), Registering(deploy=False)


async def run(scene: Scene, times: int) -> list[int]:
    """The versions of so many runs, one after the other, all of which have ended."""
    return [(await scene.ended(await scene.start())).version for _ in range(times)]


async def compared(scene: Scene) -> Comparison:
    return await scene.services.comparisons.get(*AT, 2)


async def test_both_run_side_by_side_over_restarts_until_somebody_decides(house: House) -> None:
    broken = task("load", "exit", "1", after="fetch", retries=retries(1))
    async with house.open() as scene:
        await two_versions(scene, task("fetch"), broken)
        deployed = await scene.services.deployments.deploy(*AT, Deploy(strategy="ab"), by="user ann")
        assert deployed.deployment.settings.percent == 50.0
        assert await run(scene, 7) == [1, 2, 1, 2, 1, 2, 1]
    async with house.open() as scene:
        # The split goes on where it was; neither a version that is asked for nor a retry is part of it.
        asked = await scene.services.runs.start(*AT, parameters={}, version=2)
        assert (await scene.ended(asked.id)).deployment is None
        again = await scene.ended(await scene.retry(2))
        assert (again.version, again.deployment, again.status) == (2, None, RunStatus.FAILED)
        assert await run(scene, 17) == [2, 1] * 8 + [2]
        found = await compared(scene)
        assert found.old is not None
        assert (found.old.successful, found.old.failed, found.new.successful, found.new.failed) == (12, 0, 0, 12)
        difference = found.difference.success_rate
        assert difference is not None
        assert (difference.value, difference.verdict) == (-100.0, "worse")
        # One attempt of each task, and one more of the one that is broken.
        assert found.old.attempts is not None
        assert found.new.attempts is not None
        assert (found.old.attempts.value, found.new.attempts.value) == (2, 3)
        fetch, load = found.tasks
        assert (fetch.id, load.id) == ("fetch", "load")
        assert fetch.difference.success_rate is not None
        assert load.difference.success_rate is not None
        assert (fetch.difference.success_rate.verdict, load.difference.success_rate.verdict) == ("unclear", "worse")
        # However bad it is, an A/B deployment is ended by a person.
        one = await scene.services.deployments.get(*AT, 2)
        assert (one.status, one.assigned) == ("running", 24)
        aborted = await scene.services.deployments.abort(*AT, 2, "it fails", by="user ann")
        assert (aborted.deployment.status, (await scene.services.pipelines.get(*AT)).version) == ("aborted", 1)
        assert await run(scene, 2) == [1, 1]
        # What was compared stays to be seen.
        assert await compared(scene) == found


async def test_the_share_is_what_was_asked_for_and_promoting_ends_it(scene: Scene) -> None:
    await two_versions(scene, task("fetch"), task("load", after="fetch"), task("check", after="load"))
    await scene.services.deployments.deploy(*AT, Deploy(strategy="ab", every=4))
    assert await run(scene, 8) == [1, 1, 1, 2, 1, 1, 1, 2]
    found = await compared(scene)
    assert found.old is not None
    assert (found.old.successful, found.new.successful) == (6, 2)
    assert {one.id: (one.old is None, one.new is None) for one in found.tasks} == {
        "fetch": (False, False),
        "load": (False, False),
        "check": (True, False),
    }
    await scene.services.deployments.promote(*AT, 2, "better")
    assert await run(scene, 2) == [2, 2]
    assert (await compared(scene)).new.successful == 2
