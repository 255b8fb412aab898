"""Everything at once, by a seeded hand: whatever is done in whatever order, every run ends right."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gofer.errors import Conflict, NotFound
from gofer.models.manifest import Parallelism, Retries
from tests.scenarios.scene import NAMESPACE, House, Scene, task

PIPELINES = ("free", "narrow", "replacing", "skipping")
LIVES, STEPS = 3, 60


async def furnish(scene: Scene) -> None:
    soon = Retries(count=2, backoff="5ms", jitter=1.0)
    tasks = [
        task("quick", "say", "hello"),
        task("gate", "say", "before", "gate", "say", "after"),
        task("flaky", "exit", "1", retries=soon, allow_failure=True),
        task("slow", "hang", timeout="80ms", allow_failure=True, after={"flaky": "any"}),
        task("fan", "gate", after="quick", matrix={"n": ["1", "2", "3"]}),
        task("join", after={"gate": "successful", "fan": "any"}),
        task("mend", after={"gate": "failed"}),
    ]
    await scene.register(*tasks, pipeline="free", run_timeout="10s")
    await scene.register(*tasks, pipeline="narrow", parallelism=Parallelism(limit=2))
    await scene.register(*tasks, pipeline="replacing", parallelism=Parallelism(limit=2, on_limit="cancel_oldest"))
    await scene.register(*tasks, pipeline="skipping", parallelism=Parallelism(limit=1, on_limit="skip"))


class Hand:
    """Does one thing after the other; `runs` are all that it started."""

    def __init__(self, scene: Scene, dice: random.Random, runs: dict[str, list[int]]) -> None:
        self._scene = scene
        self._dice = dice
        self._runs = runs

    async def act(self) -> None:
        often = [self._start, self._start, self._burst, self._let_go, self._let_go, self._let_go, self._let_go]
        rarely = [self._cancel, self._cancel_task, self._retry, self._break, self._vanish, self._blink]
        act = self._dice.choice([*often, *rarely])
        try:
            await act()
        except (Conflict, NotFound):
            # What it reached for has ended, or has not begun.
            return

    async def _start(self) -> None:
        pipeline = self._dice.choice(PIPELINES)
        self._runs[pipeline].append(await self._scene.start(pipeline))

    async def _burst(self) -> None:
        pipeline = self._dice.choice(PIPELINES)
        self._runs[pipeline] += await asyncio.gather(*(self._scene.start(pipeline) for _ in range(4)))

    async def _let_go(self) -> None:
        for container in self._scene.world.find({}):
            if self._dice.random() < 0.5:
                container.release()

    def _any(self) -> tuple[str, int]:
        pipeline = self._dice.choice([name for name in PIPELINES if self._runs[name]] or ["free"])
        return pipeline, self._dice.choice(self._runs[pipeline] or [1])

    async def _cancel(self) -> None:
        pipeline, run = self._any()
        await self._scene.cancel(run, pipeline)

    async def _cancel_task(self) -> None:
        pipeline, run = self._any()
        await self._scene.cancel_task(run, self._dice.choice(["gate", "fan-2", "flaky", "slow", "join"]), pipeline)

    async def _retry(self) -> None:
        pipeline, run = self._any()
        again = await self._scene.retry(run, from_failed=self._dice.random() < 0.7, pipeline=pipeline)
        self._runs[pipeline].append(again)
        if self._dice.random() < 0.5:
            await self._scene.cancel(again, pipeline)

    async def _break(self) -> None:
        if alive := [c for c in self._scene.world.find({}) if not c.over]:
            self._scene.world.end(self._dice.choice(alive).spec.name, 1)

    async def _vanish(self) -> None:
        if alive := [c for c in self._scene.world.find({}) if not c.over]:
            self._scene.world.vanish(self._dice.choice(alive).spec.name)

    async def _blink(self) -> None:
        self._scene.world.go_away()
        await asyncio.sleep(0)
        self._scene.world.come_back()


async def check(scene: Scene, pipeline: str, run: int) -> None:
    """Every promise about one ended run."""
    ended = await scene.ended(run, pipeline)
    assert ended.status.ended
    tasks = await scene.tasks(run, pipeline)
    assert all(found.status.ended for found in tasks.values()), (pipeline, run, tasks)
    kinds = Counter((str(e.kind), e.task, e.data.get("attempt")) for e in await scene.history(run, pipeline))
    assert max(count for (kind, *_), count in kinds.items() if kind != "taskrun.cancelling") == 1, kinds
    for name, found in tasks.items():
        for attempt in (await scene.task(run, name, pipeline)).attempts:
            assert attempt.status.ended, (pipeline, run, name, attempt)
            assert attempt.log_state == "complete"
            if found.status == "successful" and name == "gate" and attempt.number == found.attempt:
                assert await scene.log(run, name, attempt.number, pipeline) == ["before", "after"]


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_done_every_run_ends(house: House, seed: int) -> None:
    dice = random.Random(seed)
    runs: dict[str, list[int]] = {name: [] for name in PIPELINES}
    limits = {"run_parallelism_limit": dice.choice([0, 3]), "task_parallelism_limit": dice.choice([0, 4])}
    limits["task_run_log_expiry"] = 1_000
    for life in range(LIVES):
        async with house.open(**limits) as scene:
            if life == 0:
                await furnish(scene)
            hand = Hand(scene, dice, runs)
            for _ in range(STEPS):
                await hand.act()
    async with house.open(**limits) as scene:
        finish = asyncio.create_task(let_everything_go(scene))
        for pipeline in PIPELINES:
            page = await scene.services.runs.list(NAMESPACE, pipeline, None, None, 10_000)
            assert sorted(run.id for run in page.items) == sorted(runs[pipeline])
            for run in runs[pipeline]:
                await check(scene, pipeline, run)
        finish.cancel()
        assert await scene.counts() == (0, 0)
    assert set(house.world.starts.values()) == {1}
    assert house.world.find({}) == []


async def let_everything_go(scene: Scene) -> None:
    """Lets every container through its gate as soon as it is there."""
    while True:
        for container in scene.world.find({}):
            container.release()
        await asyncio.sleep(0.01)
