"""Retention of versions: what goes, and what stays whatever its age."""

from __future__ import annotations

import asyncio

import pytest

from gofer.models.deployment import DeploymentSettings
from gofer.models.event import Kind
from gofer.models.hold import Hold
from gofer.models.run import Initiator
from gofer.models.status import Reason, RunStatus
from gofer.server.clock import Clock
from gofer.server.pipelines.expire_versions import VersionExpiry
from gofer.server.store import deployments, holds, runs
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import Ended, NewDeployment
from tests.support.until import until_async
from tests.unit.pipelines.conftest import Server
from tests.unit.pipelines.test_versions import numbers, register


def expiry(server: Server, keep: int) -> VersionExpiry:
    return VersionExpiry(server.database, Clock(), keep, pause=0)


@pytest.mark.parametrize(
    ("keep", "left"), [(0, [6, 5, 4, 3, 2, 1]), (1, [6, 5]), (2, [6, 5]), (3, [6, 5, 4]), (6, [6, 5, 4, 3, 2, 1])]
)
async def test_the_newest_stay_and_the_one_that_a_rollback_leads_to(server: Server, keep: int, left: list[int]) -> None:
    await register(server, 6)
    await expiry(server, keep).expire_once()
    assert await numbers(server) == left
    gone = [event.data for event in server.events]
    assert gone == [{"version": number, "reason": "retention"} for number in range(1, 7) if number not in left]
    assert {event.kind for event in server.events} <= {"version.deleted"}


async def test_what_is_needed_stays(server: Server) -> None:
    at = await register(server, 9)

    def need(tx: Transaction) -> int:
        runs.insert(tx, runs.NewRun(at.key, "default", 2, RunStatus.FAILED, Reason.NONE, "", Initiator(), {},
                                    None, 1, 1_000))  # fmt: skip
        holds.put(tx, at.key, 3, Hold(kind="frozen", at=1))
        holds.put(tx, at.key, 4, Hold(kind="deprecated", at=1))
        new = NewDeployment(at.key, "canary", "deployed", 9, 5, DeploymentSettings(percent=10), "running", "", 1, "")
        deployments.insert(tx, new)
        under_way = deployments.under_way(tx, at.key)
        assert under_way is not None
        return under_way.key

    key = await server.database.write(need)
    await expiry(server, 1).expire_once()
    # 8: a rollback leads to it.
    assert await numbers(server) == [9, 8, 5, 3, 2]
    await server.database.write(lambda tx: deployments.end(tx, key, Ended("aborted", 2)))
    await expiry(server, 1).expire_once()
    assert await numbers(server) == [9, 8, 3, 2]


async def test_an_older_version_that_is_live_again_stays(server: Server) -> None:
    at = await register(server, 5)

    def back(tx: Transaction) -> None:
        new = NewDeployment(at.key, "instant", "rollback", 5, 1, DeploymentSettings(), "completed", "", 1, "")
        deployments.insert(tx, new)
        tx.execute("UPDATE pipelines SET live_version = 1 WHERE key = ?", (at.key,))

    await server.database.write(back)
    await expiry(server, 1).expire_once()
    assert await numbers(server) == [5, 1]


async def test_more_than_one_step_holds(server: Server) -> None:
    await register(server, 130)
    await expiry(server, 1).expire_once()
    assert await numbers(server) == [130, 129]


async def test_a_frozen_pipeline_keeps_all_until_it_is_let_go(server: Server) -> None:
    at = await register(server, 4)
    await server.database.write(lambda tx: holds.put(tx, at.key, holds.PIPELINE, Hold(kind="frozen", at=1)))
    await expiry(server, 1).expire_once()
    assert await numbers(server) == [4, 3, 2, 1]
    await server.database.write(lambda tx: holds.delete(tx, at.key, holds.PIPELINE, "frozen"))
    await expiry(server, 1).expire_once()
    assert await numbers(server) == [4, 3]


async def test_registrations_and_what_is_let_go_make_older_ones_go(server: Server) -> None:
    at = await register(server, 1)
    await server.database.write(lambda tx: holds.put(tx, at.key, 1, Hold(kind="frozen", at=1)))
    loop = expiry(server, 2)
    server.database.on_commit = loop.committed
    running = asyncio.create_task(loop.run())

    async def left(wanted: list[int]) -> bool:
        return await numbers(server) == wanted

    def lift(tx: Transaction) -> None:
        holds.delete(tx, at.key, 1, "frozen")
        tx.emit(Kind.HOLD_LIFTED, 2, namespace="default", pipeline="nightly", data={"hold": "frozen", "version": 1})

    try:
        await register(server, 5)
        await until_async(lambda: left([5, 4, 1]), "the newest two and the frozen one are left")
        await server.database.write(lift)
        await until_async(lambda: left([5, 4]), "the newest two are left")
    finally:
        running.cancel()
