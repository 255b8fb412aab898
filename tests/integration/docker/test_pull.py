"""Pulling images, from a registry of the tests' own."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.scheduler.base import Credentials, Exit, PullProgress
from gofer.errors import StartFailed
from gofer.models.status import Reason
from tests.conformance.conftest import Engine
from tests.conformance.steps import Say
from tests.integration.docker.conftest import Raw
from tests.integration.docker.image_registry import registry

pytestmark = [pytest.mark.docker, pytest.mark.timeout(60)]


class Progress:
    """What `on_pull` was told."""

    def __init__(self) -> None:
        self.told: list[PullProgress] = []

    async def __call__(self, progress: PullProgress) -> None:
        self.told.append(progress)


async def test_an_absent_image_is_pulled_once_and_told_of(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        progress = Progress()
        spec = engine.spec(Say(b"pulled\n"), image=served.image)
        started = await engine.scheduler.start(spec, progress)
        assert started.image_digest == served.digest
        assert (await engine.output(spec.name))["stdout"] == b"pulled\n"
        assert progress.told[0] == PullProgress(served.image, "", False)
        assert progress.told[-1] == PullProgress(served.image, served.digest, True)
        assert all(not step.done for step in progress.told[:-1])

        again = Progress()
        await engine.scheduler.start(engine.spec(image=served.image), again)
        assert again.told == []
        assert served.requests["layer"] == 1
        await engine.clear()


async def test_always_asks_the_registry_each_time(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        spec = engine.spec(image=served.image, pull="always")
        await engine.scheduler.start(spec)
        asked = served.requests["manifest"]
        # The same container again is adopted, not pulled for.
        await engine.scheduler.start(spec)
        assert served.requests["manifest"] == asked
        progress = Progress()
        await engine.scheduler.start(engine.spec(image=served.image, pull="always"), progress)
        assert progress.told[-1] == PullProgress(served.image, served.digest, True)
        assert served.requests["layer"] == 1
        await engine.clear()


async def test_never_does_not_ask(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        spec = engine.spec(image=served.image, pull="never")
        with pytest.raises(StartFailed) as error:
            await engine.scheduler.start(spec)
        assert error.value.reason == Reason.IMAGE_NOT_FOUND
        assert served.image in error.value.message
        assert not served.requests
        assert await engine.scheduler.inspect(spec.name) is None


async def test_an_image_that_is_not_there(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        for image in (f"{served.image}000", f"{served.host}/nobody/nothing", "Not An Image"):
            with pytest.raises(StartFailed) as error:
                await engine.scheduler.start(engine.spec(image=image))
            assert error.value.reason == Reason.IMAGE_NOT_FOUND, error.value.message
            assert error.value.hint


async def test_a_registry_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(StartFailed, match="connection refused") as error:
        await engine.scheduler.start(engine.spec(image="127.0.0.1:1/gofer/test:1"))
    assert error.value.reason == Reason.PULL_FAILED


async def test_credentials_open_the_registry_and_are_never_shown(engine: Engine, raw: Raw) -> None:
    right, wrong = Credentials(user="me", password="open sesame"), Credentials(user="me", password="hunter2")
    async with registry(raw.docker, login=("me", "open sesame")) as served:
        for credentials in (None, wrong):
            with pytest.raises(StartFailed) as error:
                await engine.scheduler.start(engine.spec(image=served.image, credentials=credentials))
            assert "credentials" in error.value.hint
            assert "hunter2" not in error.value.message
            assert "hunter2" not in repr(credentials)
        started = await engine.scheduler.start(engine.spec(image=served.image, credentials=right))
        assert started.image_digest == served.digest
        await engine.clear()


async def test_many_that_want_the_same_pull_it_once(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        served.open.clear()
        specs = [engine.spec(image=served.image) for _ in range(8)]
        starting = [asyncio.ensure_future(engine.scheduler.start(spec, Progress())) for spec in specs]
        await served.asked_for_layer.wait()
        # Those who have cancelled do not take it from the others.
        starting[0].cancel()
        await asyncio.wait([starting[0]])
        served.open.set()
        assert {container.status for container in await asyncio.gather(*starting[1:])} <= {"running", "exited"}
        assert served.requests["layer"] == 1
        assert len(await engine.scheduler.list(engine.label)) == 7
        await engine.clear()


async def test_a_pull_that_nobody_waits_for_any_more_is_given_up(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        served.open.clear()
        spec = engine.spec(image=served.image)
        starting = asyncio.ensure_future(engine.scheduler.start(spec))
        await served.asked_for_layer.wait()
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        assert await engine.scheduler.inspect(spec.name) is None
        served.open.set()
        assert await engine.scheduler.start(spec)
        assert await engine.scheduler.wait(spec.name) == Exit(0)
        await engine.clear()


async def test_pulls_do_not_hold_up_what_needs_none(engine: Engine, raw: Raw) -> None:
    async with registry(raw.docker) as served:
        served.open.clear()
        pulling = [asyncio.ensure_future(engine.scheduler.start(engine.spec(image=served.image))) for _ in range(10)]
        await served.asked_for_layer.wait()
        name = await engine.start(Say(b"at once\n"))
        assert await engine.scheduler.wait(name) == Exit(0)
        served.open.set()
        await asyncio.gather(*pulling)
        await engine.clear()
