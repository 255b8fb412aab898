"""Everything at once, at random: runs start and end, versions are deployed, promoted, aborted, rolled back. The history
is then read again from its first event, by a model that knows nothing but the rules."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from typing import Any

import pytest

from gofer.errors import Conflict
from gofer.models.deployment import Deploy, Rollback
from gofer.models.event import Event
from gofer.models.manifest import Manifest
from gofer.server.deployments.deploy import Deployments
from gofer.server.events.bus import Filter
from gofer.server.pipelines.register import Registering
from gofer.server.store import events
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, task

VERSIONS = 4
_FAIL = (0.3, 0.6, 0.0, 0.4)
_SIDES = ("old", "new")
_ENDS = ("deployment.completed", "deployment.rolled_back", "deployment.aborted")


class Chaos:
    """Several of these work side by side; each does one thing after the other."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.random = random.Random(seed)

    async def runs(self) -> None:
        """Up to three at a time are on their way."""
        waiting: list[int] = []
        for _ in range(40):
            waiting.append(await self.scene.start())
            if len(waiting) == 3 or self.random.random() < 0.5:
                run = waiting.pop(self.random.randrange(len(waiting)))
                await self.end(run)
                if self.random.random() < 0.1:
                    waiting.append(await self.scene.retry(run))
        for run in waiting:
            await self.end(run)

    async def end(self, run: int) -> None:
        """Some versions fail more often than others."""
        await self.scene.until("taskrun.running", run, "a")
        failed = self.random.random() < _FAIL[(await self.scene.run(run)).version - 1]
        self.scene.world.end(await self.scene.container(run, "a"), int(failed))
        await self.scene.ended(run)

    async def deployments(self) -> None:
        deployments = self.scene.services.deployments
        for _ in range(30):
            await self.end(await self.scene.start())
            try:
                await self._deploy(deployments)
            except Conflict:  # another is under way, or it is live already
                continue

    async def _deploy(self, deployments: Deployments) -> None:
        what, version = self.random.random(), self.random.randint(1, VERSIONS)
        force = self.random.random() < 0.05
        if what < 0.6:
            share: dict[str, Any] = self.random.choice([{"every": 2}, {"every": 3}, {"percent": 37.5}])
            rule: dict[str, Any] = {
                "runs": self.random.randint(1, 4),
                "success_margin": 30.0,
                "duration_factor": 1000.0,
            }
            asked = Deploy(strategy="canary", version=version, force=force, **share, **rule)
            await deployments.deploy(NAMESPACE, PIPELINE, asked)
        elif what < 0.7:
            asked = Deploy(strategy="ab", version=version, force=force)
            number = (await deployments.deploy(NAMESPACE, PIPELINE, asked)).deployment.number
            await self.end(await self.scene.start())
            ends = deployments.promote if self.random.random() < 0.5 else deployments.abort
            await ends(NAMESPACE, PIPELINE, number, "")
        elif what < 0.85:
            await deployments.deploy(NAMESPACE, PIPELINE, Deploy(version=version, force=force))
        else:
            await deployments.rollback(NAMESPACE, PIPELINE, Rollback(force=force))


class Model:
    """What the events may say, one after the other."""

    def __init__(self) -> None:
        self.live = 0
        self.under_way: dict[str, Any] | None = None
        self.assigned = 0
        self.versions: dict[int, int] = {}
        self.given: dict[int, int | None] = {}
        self.queued_at: dict[int, int] = {}
        self.started_at = 0
        self.ended: dict[int, list[tuple[bool, int]]] = {version: [] for version in range(1, VERSIONS + 1)}
        self.side: dict[int, list[bool]] = {}
        self.expects = ""
        self.counts: list[tuple[int, int]] = []
        self.decided = 0

    def take(self, event: Event) -> None:
        kind, data = event.kind, event.data
        if self.expects:
            assert (kind, data.get("deployment")) == (self.expects, self.under_way and self.under_way["deployment"])
            counts = [(data["figures"][side]["runs"], data["figures"][side].get("successful", 0)) for side in _SIDES]
            assert counts == self.counts
            self.expects = ""
            self.decided += 1
        elif kind in _ENDS and data["strategy"] == "canary":
            assert data["reason"] == "forced", data
        if kind == "deployment.started":
            assert self.under_way is None
            assert data["from_version"] == self.live
            self.under_way, self.assigned, self.started_at = data, 0, event.at
            self.side = {data["from_version"]: [], data["to_version"]: []}
        elif kind in _ENDS:
            self._end(kind, data)
        elif kind == "run.queued":
            assert event.run is not None
            self.queued_at[event.run] = event.at
            self._queued(event.run, data)
        elif kind == "run.ended":
            assert event.run is not None
            self._run_ended(event.run, data["status"] == "successful")

    def _end(self, kind: str, data: dict[str, Any]) -> None:
        if data["strategy"] == "instant":
            assert self.under_way is None
            assert data["from_version"] == self.live
        else:
            assert self.under_way is not None
            assert self.under_way["deployment"] == data["deployment"]
            self.under_way = None
        if kind == "deployment.completed":
            self.live = data["to_version"]

    def _queued(self, run: int, data: dict[str, Any]) -> None:
        self.versions[run], self.given[run] = data["version"], data.get("deployment")
        if "retry_of" in data:
            assert data["version"] == self.versions[data["retry_of"]]
            assert "deployment" not in data
        elif self.under_way is None:
            assert (data["version"], data.get("deployment")) == (self.live, None)
        else:
            self.assigned += 1
            settings = self.under_way["settings"]
            share = 1 / settings["every"] if "every" in settings else settings["percent"] / 100
            new = int(self.assigned * share + 1e-9) > int((self.assigned - 1) * share + 1e-9)
            wanted = self.under_way["to_version" if new else "from_version"]
            assert (data["version"], data["deployment"]) == (wanted, self.under_way["deployment"])

    def _run_ended(self, run: int, successful: bool) -> None:
        version = self.versions[run]
        self.ended[version].append((successful, run))
        one = self.under_way
        if one is None or self.given[run] != one["deployment"]:
            return
        self.side[version].append(successful)
        if one["strategy"] != "canary" or version != one["to_version"]:
            return
        asked, margin = one["settings"]["runs"], one["settings"]["success_margin"]
        old, new = list(self.side[one["from_version"]]), self.side[version]
        before = [(n, ok) for ok, n in self.ended[one["from_version"]] if self.queued_at[n] < self.started_at]
        old += [ok for _, ok in sorted(before, reverse=True)[: max(0, asked - len(old))]]
        self.counts = [(len(old), sum(old)), (len(new), sum(new))]
        rate = 100 * sum(old) / len(old) if old else 100.0
        best = 100 * (sum(new) + max(0, asked - len(new))) / max(asked, len(new))
        if best < rate - margin - 1e-6:
            self.expects = "deployment.rolled_back"
        elif len(new) >= asked:
            self.expects = "deployment.completed"


@pytest.mark.parametrize("seed", range(3))
async def test_the_history_keeps_to_the_rules(seed: int, house: House) -> None:
    async with house.open() as scene:
        for version in range(1, VERSIONS + 1):
            manifest = Manifest(id=PIPELINE, name=str(version), tasks=[task("a", "gate")])
            await scene.services.pipelines.register(NAMESPACE, manifest, Registering(deploy=version == 1))
        chaos = [Chaos(scene, seed * 10 + n) for n in range(6)]
        await asyncio.gather(*(one.runs() for one in chaos[:4]), *(one.deployments() for one in chaos[4:]))
        history = await scene.services.database.read(_history)
        shown = await scene.services.pipelines.get(NAMESPACE, PIPELINE)
    model = Model()
    for event in history:
        model.take(event)
    assert not model.expects
    assert model.decided
    assert (shown.version, shown.name) == (model.live, str(model.live))
    assert shown.deployment == (model.under_way and model.under_way["deployment"])


def _history(connection: sqlite3.Connection) -> list[Event]:
    found: list[Event] = []
    after: int | None = 0
    wanted = Filter(kinds=frozenset({"run.queued", "run.ended", "deployment.started", *_ENDS}), pipeline=PIPELINE)
    while after is not None:
        page = events.list_after(connection, wanted, after, 500)
        found += page.items
        after = page.next
    return found
