"""What is made of runs: which count for which version, and what is said of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.errors import NotFound
from gofer.models.comparison import Estimate
from gofer.models.deployment import Deploy
from gofer.models.manifest import Manifest, Task
from gofer.server.clock import Clock
from gofer.server.deployments.deploy import Deployments
from gofer.server.deployments.figures import Comparisons
from gofer.server.pipelines.register import Pipelines, Registering
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store.database import Database
from tests.unit.deployments.runs_that_were import Past, Was

AT = ("default", "p")


class Server:
    """A pipeline with two versions, of which the first is live."""

    def __init__(self, database: Database) -> None:
        self.deployments = Deployments(database, Clock())
        self.comparisons = Comparisons(database)
        self._database = database

    async def begin(self) -> Past:
        pipelines = Pipelines(self._database, Clock())
        for name in ("one", "two"):
            task = Task(id="a", image="busybox", command=["true"])
            how = Registering(deploy=name == "one")
            await pipelines.register("default", Manifest(id="p", name=name, tasks=[task]), how)
        key = await self._database.read(lambda reader: require_pipeline(reader, *AT).key)
        return Past(self._database, key)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield Server(database)
    await database.close()


async def test_two_versions_that_differ_are_told_apart(server: Server) -> None:
    past = await server.begin()
    await server.deployments.deploy(*AT, Deploy(version=2, strategy="ab"))
    await past.runs(40, 1, deployment=2, failed=2, ms=1_000)
    await past.runs(40, 2, deployment=2, failed=14, ms=2_000)
    found = await server.comparisons.get(*AT, 2)
    old, new = found.old, found.new
    assert old is not None
    assert (found.basis, found.confidence, found.deployment, found.rule) == ("side_by_side", 0.95, 2, None)
    assert (old.version, old.successful, old.failed, old.measured) == (1, 38, 2, 40)
    assert (new.version, new.successful, new.failed, new.measured) == (2, 26, 14, 40)
    # Wilson's interval, in percent: (26 + z²/2) / (40 + z²) ± z / (40 + z²) · √(26 · 14 / 40 + z²/4).
    assert new.success_rate == Estimate(value=65.0, low=49.5059, high=77.8655)
    # Durations are 1000 … 1039 ms: the ranks of 40 observations are 14 and 27, and nothing is known of the 95th.
    assert old.duration_median == Estimate(value=1019.5, low=1013, high=1026)
    assert old.duration_p95 == Estimate(value=1037)
    assert old.attempts == Estimate(value=1)
    assert old.container_seconds is not None
    assert (old.container_seconds.value, old.container_seconds_total) == (1.0195, 40.78)
    assert found.difference.success_rate is not None
    assert (found.difference.success_rate.value, found.difference.success_rate.verdict) == (-30.0, "worse")
    assert found.difference.duration_median is not None
    assert found.difference.duration_median.verdict == "worse"
    assert found.difference.container_seconds is not None
    assert found.difference.container_seconds.verdict == "worse"
    assert found.difference.attempts is not None
    assert (found.difference.attempts.value, found.difference.attempts.verdict) == (1.0, "unclear")
    (task,) = found.tasks
    assert (task.id, task.difference.success_rate) == ("a", found.difference.success_rate)
    assert task.new is not None
    assert task.new.duration_median == new.duration_median


async def test_the_better_one_is_said_to_be_better(server: Server) -> None:
    past = await server.begin()
    await server.deployments.deploy(*AT, Deploy(version=2, strategy="ab"))
    await past.runs(40, 1, deployment=2, failed=14, ms=2_000)
    await past.runs(40, 2, deployment=2, failed=2, ms=1_000)
    found = (await server.comparisons.get(*AT, 2)).difference
    told = (found.success_rate, found.duration_median, found.container_seconds)
    assert [one.verdict for one in told if one is not None] == ["better"] * 3


async def test_of_few_runs_nothing_is_claimed(server: Server) -> None:
    past = await server.begin()
    await server.deployments.deploy(*AT, Deploy(version=2, strategy="ab"))
    empty = await server.comparisons.get(*AT, 2)
    assert empty.old is not None
    assert (empty.new.successful, empty.new.success_rate, empty.new.duration_median, empty.tasks) == (0, None, None, [])
    await past.runs(2, 1, deployment=2, ms=100)
    await past.runs(2, 2, deployment=2, failed=2, ms=9_000)
    found = await server.comparisons.get(*AT, 2)
    assert found.difference.success_rate is not None
    assert (found.difference.success_rate.value, found.difference.success_rate.verdict) == (-100.0, "unclear")
    assert found.difference.duration_median is not None
    assert (found.difference.duration_median.low, found.difference.duration_median.verdict) == (None, "unclear")


async def test_only_the_deployments_own_runs_count_and_each_for_what_it_tells(server: Server) -> None:
    past = await server.begin()
    await server.deployments.deploy(*AT, Deploy(version=2, strategy="ab"))
    await past.run(1, a=Was())
    await past.run(2, deployment=1, a=Was())
    await past.run(2, deployment=2, retry_of=1, a=Was())
    await past.run(2, "cancelled", deployment=2, a=Was("cancelled"))
    await past.run(2, "running", deployment=2, a=Was("running", ()))
    await past.run(2, "failed", deployment=2, a=Was("failed", (100, 200, 300)), b=Was("skipped", ()))
    await past.run(2, deployment=2, a=Was(attempts=(400,)), b=Was(attempts=(600,)))
    await past.run(1, deployment=2, a=Was(), gone=Was())
    found = await server.comparisons.get(*AT, 2)
    new = found.new
    assert (new.successful, new.failed, new.cancelled, new.unfinished, new.measured) == (1, 1, 1, 1, 2)
    assert new.duration_median == Estimate(value=800)
    assert new.container_seconds_total == 1.6
    assert new.attempts is not None
    assert new.attempts.value == 2.5
    assert [one.id for one in found.tasks] == ["a", "b", "gone"]
    one, two, three = found.tasks
    assert one.new is not None
    assert one.new.attempts is not None
    assert (one.new.successful, one.new.failed, one.new.attempts.value) == (1, 1, 2)
    assert one.new.duration_median == Estimate(value=500)
    assert two.new is not None
    assert (two.new.successful, two.new.failed, two.old) == (1, 0, None)
    assert (three.new, three.difference.success_rate) == (None, None)


async def test_a_canary_says_how_far_its_rule_is(server: Server) -> None:
    past = await server.begin()
    await past.runs(10, 1, ms=1_000)
    await server.deployments.deploy(*AT, Deploy(version=2, strategy="canary", runs=4))
    await past.runs(2, 2, deployment=2, ms=1_000)
    rule = (await server.comparisons.get(*AT, 2)).rule
    assert rule is not None
    assert (rule.decision, rule.manual, rule.figures["new"]["runs"]) == ("wait", False, 2)
    await server.deployments.promote(*AT, 2, "enough")
    assert (await server.comparisons.get(*AT, 2)).rule is None


async def test_where_nothing_was_split_what_was_before_is_compared_with_what_came_after(server: Server) -> None:
    past = await server.begin()
    first = await server.comparisons.get(*AT, 1)
    assert (first.old, first.basis) == (None, "before_and_after")
    await past.runs(3, 1, failed=1, ms=1_000)
    done = await server.deployments.deploy(*AT, Deploy(version=2))
    switched = done.deployment.ended_at
    assert switched is not None
    await past.run(2, at=switched - 1, a=Was())  # asked for by hand, before
    await past.run(2, at=switched + 1, a=Was())
    await past.run(1, at=switched + 1, a=Was())  # asked for by hand, after
    found = await server.comparisons.get(*AT, 2)
    assert found.old is not None
    assert (found.basis, found.old.successful, found.old.failed) == ("before_and_after", 2, 1)
    assert (found.new.successful, found.new.failed) == (1, 0)


async def test_what_is_not_there_is_said(server: Server) -> None:
    await server.begin()
    with pytest.raises(NotFound, match="has no deployment 7"):
        await server.comparisons.get(*AT, 7)
    with pytest.raises(NotFound, match="no pipeline"):
        await server.comparisons.get("default", "q", 1)
