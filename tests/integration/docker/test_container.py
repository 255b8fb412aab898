"""What a container is made of."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Bind, ContainerSpec, Exit
from gofer.errors import StartFailed
from gofer.models.status import Reason
from tests.conformance.conftest import IMAGE, Engine
from tests.conformance.steps import Hang, Say
from tests.integration.docker.conftest import Raw

pytestmark = [pytest.mark.docker, pytest.mark.timeout(60)]


async def _run(engine: Engine, spec: ContainerSpec) -> tuple[str, Exit | None]:
    await engine.scheduler.start(spec)
    output, end = await asyncio.gather(engine.output(spec.name), engine.scheduler.wait(spec.name))
    return output["stdout"].decode(), end


async def test_limits_are_limits(engine: Engine, raw: Raw) -> None:
    name = await engine.start(cpu=0.5, memory=64 * 1024 * 1024)
    host = (await raw.inspect(name))["HostConfig"]
    assert host["NanoCpus"] == 500_000_000
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024


async def test_out_of_memory_is_said(engine: Engine) -> None:
    _, end = await _run(engine, engine.spec(command=["tail", "/dev/zero"], memory=16 * 1024 * 1024))
    assert end == Exit(137, oom_killed=True)


async def test_folders_of_the_host(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("from the host")
    mounts = [Bind(source=str(tmp_path), target="/in"), Bind(source=str(tmp_path), target="/out", read_only=False)]
    script = "cat /in/given; touch /in/x 2>/dev/null || echo ' read only'; echo written >/out/back"
    output, end = await _run(engine, engine.spec(command=["sh", "-c", script], mounts=mounts))
    assert (output, end) == ("from the host read only\n", Exit(0))
    assert (tmp_path / "back").read_text() == "written\n"


async def test_an_absent_folder_is_refused_rather_than_made(engine: Engine, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(StartFailed, match="absent") as error:
        await engine.scheduler.start(engine.spec(mounts=[Bind(source=str(absent), target="/x")]))
    assert error.value.reason == Reason.START_FAILED
    assert not absent.exists()


async def test_user_entrypoint_and_command(engine: Engine) -> None:
    assert (await _run(engine, engine.spec(command=["id", "-u"], user="1234")))[0] == "1234\n"
    assert (await _run(engine, engine.spec(entrypoint=["echo", "a"], command=["b"])))[0] == "a b\n"


async def test_without_a_command_the_images_own_runs(engine: Engine) -> None:
    assert await _run(engine, engine.spec(command=None)) == ("", Exit(0))


async def test_there_is_nothing_to_read(engine: Engine) -> None:
    assert await _run(engine, engine.spec(command=["cat"])) == ("", Exit(0))


async def test_privileges_only_where_asked_for(engine: Engine, raw: Raw) -> None:
    for privileged in (False, True):
        spec = engine.spec(privileged=privileged)
        # An engine that has not all privileges itself refuses to give them.
        with suppress(StartFailed):
            await engine.scheduler.start(spec)
        assert (await raw.inspect(spec.name))["HostConfig"]["Privileged"] is privileged


async def test_the_network_that_was_asked_for(engine: Engine, raw: Raw) -> None:
    name = await engine.start(network="host")
    assert (await raw.inspect(name))["HostConfig"]["NetworkMode"] == "host"
    spec = engine.spec(network="gofer-no-such-network")
    with pytest.raises(StartFailed, match="gofer-no-such-network") as error:
        await engine.scheduler.start(spec)
    assert error.value.reason == Reason.START_FAILED


async def test_the_log_is_never_rotated_away(engine: Engine, raw: Raw) -> None:
    config = (await raw.inspect(await engine.start()))["HostConfig"]["LogConfig"]
    assert config == {"Type": "local", "Config": {"max-size": "8000p", "max-file": "1", "compress": "false"}}


async def test_an_init_process_runs_the_command(engine: Engine, bare_engine: Engine) -> None:
    command = ["cat", "/proc/1/comm"]
    assert (await _run(engine, engine.spec(command=command)))[0] == "docker-init\n"
    assert (await _run(bare_engine, bare_engine.spec(command=command)))[0] == "cat\n"


async def test_a_failed_start_stays_failed(bare_engine: Engine) -> None:
    spec = bare_engine.spec(command=["no-such-program"])
    for _ in range(2):
        with pytest.raises(StartFailed, match='"no-such-program": executable file not found') as error:
            await bare_engine.scheduler.start(spec)
        assert error.value.reason == Reason.START_FAILED
        await bare_engine.die()
    await bare_engine.scheduler.remove(spec.name)
    assert await bare_engine.scheduler.inspect(spec.name) is None


async def test_what_was_created_and_never_started_is_started(engine: Engine, raw: Raw) -> None:
    spec = engine.spec(Say(b"hello\n"))
    body = {"Image": IMAGE, "Cmd": list(spec.command or ()), "Labels": engine.label}
    await raw.create(spec.name, body)
    found = await engine.scheduler.inspect(spec.name)
    assert found is not None
    assert found.status == "created"
    assert await _run(engine, spec) == ("hello\n", Exit(0))


async def test_what_was_never_started_is_stopped_and_removed_at_once(engine: Engine, raw: Raw) -> None:
    for grace in (30.0, 0.0):
        spec = engine.spec(Hang())
        await raw.create(spec.name, {"Image": IMAGE, "Labels": engine.label})
        await engine.scheduler.stop(spec.name, grace)
        await engine.scheduler.remove(spec.name)
        assert await engine.scheduler.inspect(spec.name) is None


async def test_a_stranger_of_the_same_name_is_not_adopted(engine: Engine, raw: Raw) -> None:
    spec = engine.spec(Hang())
    await raw.create(spec.name, {"Image": IMAGE, "Labels": {"somebody": "else"}})
    with pytest.raises(StartFailed, match="not this attempt's"):
        await engine.scheduler.start(spec)
    await engine.scheduler.remove(spec.name)


async def test_the_images_digest_is_known(engine: Engine, raw: Raw) -> None:
    spec = engine.spec(Hang())
    started = await engine.scheduler.start(spec)
    image = await raw.docker.images.inspect(IMAGE)
    known = {image["Id"], *(reference.partition("@")[2] for reference in image["RepoDigests"])}
    assert started.image_digest in known
    await engine.die()
    found = await engine.scheduler.inspect(spec.name)
    assert found is not None
    assert found.image_digest == started.image_digest
