"""A cancel that comes before its run has taken its first step."""

from __future__ import annotations

import asyncio

from gofer.models.manifest import Parallelism
from gofer.models.status import RunStatus
from tests.scenarios.scene import Scene, outcome, task


async def test_the_oldest_gives_way_before_it_has_begun(scene: Scene) -> None:
    """Started at the same instant, all are admitted and cancelled within one turn of the loop."""
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=1, on_limit="cancel_oldest"))
    await asyncio.gather(*(scene.start() for _ in range(4)))
    for run in (1, 2, 3):
        ended = await scene.ended(run)
        assert outcome(ended) == (RunStatus.CANCELLED, "replaced")
    await scene.release(4, "a")
    assert (await scene.ended(4)).status is RunStatus.SUCCESSFUL
    assert {(await scene.run(n)).status for n in (1, 2, 3)} == {RunStatus.CANCELLED}
    assert await scene.counts() == (0, 0)
