"""Cancelling what prints as fast as it can, on engines with real pipes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from gofer.config.live import Live
from gofer.config.settings import SchedulerSettings, ServerSettings, Settings, TriggersSettings
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.models.manifest import Task
from gofer.models.status import RunStatus
from gofer.server.app import running
from gofer.server.logs.logs import LogId
from tests.scenarios.scene import NAMESPACE, Scene, outcome

_FLOOD = """
trap 'echo bye; exit 4' TERM
while :; do
  echo 0123456789012345678901234567890123456789
done
"""


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
async def test_a_flood_is_stopped_and_kept_to_its_end(tmp_path: Path, engine: Literal["process", "docker"]) -> None:
    settings = Settings(
        task_run_logs_dir=tmp_path / "logs",
        server=ServerSettings(host="127.0.0.1:0", storage_path=tmp_path),
        scheduler=SchedulerSettings(engine=engine),
        triggers=TriggersSettings(install_base_triggers=False),
    )
    async with running(Live.fixed(settings)) as server:
        scene = Scene(server.services, FakeWorld())
        await scene.register(Task(id="a", image="busybox:stable", script=_FLOOD))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        log = LogId(NAMESPACE, "p", run, "a", 1)
        frames = scene.services.logs.follow(log, 1, None, _open)
        async for _ in frames:
            break
        await frames.aclose()
        await scene.cancel(run)
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
        found = await scene.task(run, "a")
        assert (found.status, found.exit_code) == ("cancelled", 4)
        page = await scene.services.logs.read(log, -1, 1, None, True)
        assert [line.text for line in page.lines] == ["bye"]
        assert found.attempts[0].log_lines == page.total > 1


async def _open() -> Literal["open"]:
    return "open"
