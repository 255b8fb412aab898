"""A whole server in the test's own event loop, the containers of the fake engine, and words for what happens there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gofer.config.live import Live
from gofer.config.settings import SchedulerSettings, ServerSettings, Settings, TriggersSettings
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.models.event import Event
from gofer.models.manifest import Dependency, Manifest, ParameterValue, Retries, Task
from gofer.models.run import Run, TaskRun, TaskRunDetail
from gofer.models.status import RunStatus
from gofer.server.app import running
from gofer.server.events.bus import Filter
from gofer.server.logs.logs import LogId
from gofer.server.services import Services

NAMESPACE = "default"
PIPELINE = "p"


def task(name: str, *command: str, after: str | Mapping[str, str] = "", **fields: Any) -> Task:
    """A task of the fake engine. `after`: its parents' names, or their names with conditions."""
    whens = dict.fromkeys(after.split(), "successful") if isinstance(after, str) else after
    edges = [Dependency(task=parent, when=when) for parent, when in whens.items()]  # type: ignore[arg-type]
    return Task(id=name, image="fake", command=list(command) or None, depends_on=edges, **fields)


def retries(count: int, backoff: str = "0s") -> Retries:
    return Retries(count=count, backoff=backoff, max_backoff="1h", jitter=0.0)


_NO_TRIGGERS = TriggersSettings(install_base_triggers=False)


class Scene:
    """A running server. Nothing here sleeps: what is waited for is an event, or a container."""

    def __init__(self, services: Services, world: FakeWorld) -> None:
        self.services = services
        self.world = world

    async def register(self, *tasks: Task, pipeline: str = PIPELINE, **fields: Any) -> None:
        await self.services.pipelines.register(NAMESPACE, Manifest(id=pipeline, tasks=list(tasks), **fields))

    async def start(self, pipeline: str = PIPELINE, **parameters: ParameterValue) -> int:
        return (await self.services.runs.start(NAMESPACE, pipeline, parameters=parameters)).id

    async def run(self, run: int, pipeline: str = PIPELINE) -> Run:
        return await self.services.runs.get(NAMESPACE, pipeline, run)

    async def tasks(self, run: int, pipeline: str = PIPELINE) -> dict[str, TaskRun]:
        page = await self.services.runs.task_runs(NAMESPACE, pipeline, run, None, 5_000)
        return {item.id: item for item in page.items}

    async def task(self, run: int, name: str, pipeline: str = PIPELINE) -> TaskRunDetail:
        return await self.services.runs.task_run(NAMESPACE, pipeline, run, name)

    async def statuses(self, run: int, pipeline: str = PIPELINE) -> dict[str, str]:
        return {name: str(found.status) for name, found in (await self.tasks(run, pipeline)).items()}

    async def cancel(self, run: int, pipeline: str = PIPELINE) -> Run:
        return await self.services.runs.cancel(NAMESPACE, pipeline, run)

    async def cancel_task(self, run: int, name: str, pipeline: str = PIPELINE) -> TaskRun:
        return await self.services.runs.cancel_task(NAMESPACE, pipeline, run, name)

    async def retry(self, run: int, *, from_failed: bool = False, pipeline: str = PIPELINE) -> int:
        return (await self.services.runs.retry(NAMESPACE, pipeline, run, from_failed=from_failed)).id

    async def until(self, kind: str, run: int, name: str = "", *, nth: int = 1, pipeline: str = PIPELINE) -> Event:
        """Waits for the n-th event of this kind; returns at once if it has happened."""
        wanted = Filter(kinds=frozenset({kind}), namespace=NAMESPACE, pipeline=pipeline, run=run)
        async for events in self.services.bus.subscribe(wanted, 0):
            for event in events:
                if event.task == name:
                    nth -= 1
                    if nth == 0:
                        return event
        raise AssertionError("a subscription does not end")

    async def said(self, kind: str, after: int = 0) -> Event:
        """Waits for an event of the server's own."""
        async for events in self.services.bus.subscribe(Filter(kinds=frozenset({kind})), after):
            return events[0]
        raise AssertionError("a subscription does not end")

    async def ended(self, run: int, pipeline: str = PIPELINE) -> Run:
        await self.until("run.ended", run, pipeline=pipeline)
        return await self.run(run, pipeline)

    async def history(self, run: int, pipeline: str = PIPELINE) -> list[Event]:
        """Every event of a run that has ended, in order."""
        found: list[Event] = []
        wanted = Filter(kinds=frozenset(), namespace=NAMESPACE, pipeline=pipeline, run=run)
        async for events in self.services.bus.subscribe(wanted, 0):
            found += events
            if any(event.kind == "run.ended" for event in events):
                return found
        raise AssertionError("a subscription does not end")

    async def container(self, run: int, name: str, attempt: int = 1, pipeline: str = PIPELINE) -> str:
        """Waits until the container of an attempt has been started; its name."""
        labels = {"gofer.pipeline": pipeline, "gofer.run": str(run), "gofer.task": name, "gofer.attempt": str(attempt)}
        return (await self.world.started_with(labels)).name

    async def release(self, run: int, name: str, attempt: int = 1, pipeline: str = PIPELINE) -> None:
        """Let a container through the gate at which it stands, once Gofer knows that it runs."""
        await self.until("taskrun.running", run, name, nth=attempt, pipeline=pipeline)
        self.world.release(await self.container(run, name, attempt, pipeline))

    async def log(self, run: int, name: str, attempt: int = 1, pipeline: str = PIPELINE) -> list[str]:
        """Every line of an attempt's log, Gofer's own notes too."""
        log = LogId(NAMESPACE, pipeline, run, name, attempt)
        page = await self.services.logs.read(log, 1, 1_000, None, True)
        return [line.text for line in page.lines]

    async def counts(self) -> tuple[int, int]:
        """How many runs are queued, and how many on their way, once those that have just ended are let go of."""
        for _ in range(100):
            await asyncio.sleep(0)
        return self.services.runs.queued, self.services.runs.running

    def left(self) -> list[str]:
        """Names of the containers that the engine still has."""
        return [container.spec.name for container in self.world.find({})]


class House:
    """Where servers live one after the other: their folder and the world of their containers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.world = FakeWorld()
        self.engine: Callable[[FakeWorld], FakeScheduler] = FakeScheduler

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Scene]:
        """A server; leaving the context stops it in an orderly way, and its containers go on."""
        async with running(Live.fixed(self._settings(settings))) as server:
            yield Scene(server.services, self.world)

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        return Settings(
            task_run_logs_dir=self.home / "logs",
            server=ServerSettings(host="127.0.0.1:0", storage_path=self.home),
            **{"scheduler": SchedulerSettings(engine="fake"), "triggers": _NO_TRIGGERS, **given},
        )


def outcome(run: Run) -> tuple[RunStatus, str]:
    """Status and reason."""
    return run.status, str(run.reason)
