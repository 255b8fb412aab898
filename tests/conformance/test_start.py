"""`start`, `check`, `inspect` and `list`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Bind, ContainerSpec, Exit
from gofer.errors import StartFailed
from gofer.models.status import Reason
from tests.conformance import steps
from tests.conformance.conftest import Engine
from tests.conformance.steps import Die, Folder, Hang, Lines, Say, Show, UntilStopped, Variable

pytestmark = pytest.mark.timeout(60)


async def test_check_says_who_answers(engine: Engine) -> None:
    info = await engine.scheduler.check()
    # Built-ins have no name of their own: it is the configured engine that is asked.
    assert info.name == engine.scheduler.name == ("fake" if engine.name == "built-in" else engine.name)


async def test_a_container_runs_from_start_to_end(engine: Engine) -> None:
    spec = engine.spec(Say(b"out\n"), Say(b"err\n", "stderr"), steps.Exit(3))
    started = await engine.scheduler.start(spec)
    assert (started.name, dict(started.labels)) == (spec.name, engine.label)
    assert started.status in ("running", "exited")

    output, end = await asyncio.gather(engine.output(spec.name), engine.scheduler.wait(spec.name))

    assert output == {"stdout": b"out\n", "stderr": b"err\n"}
    assert end == Exit(3)
    ended = await engine.scheduler.inspect(spec.name)
    assert ended is not None
    assert (ended.name, ended.status, ended.exit_code) == (spec.name, "exited", 3)
    assert dict(ended.labels) == engine.label


async def test_variables_and_folder_reach_the_command(engine: Engine) -> None:
    odd = "a b\"c'd$e\\f=é"
    name = await engine.start(Variable("GREETING"), Variable("ODD"), environment={"GREETING": "hello", "ODD": odd})
    assert (await engine.output(name))["stdout"].decode() == f"hello\n{odd}\n"


async def test_a_folder_of_the_server_is_found_where_the_engine_says(
    engine: Engine, shell: None, tmp_path: Path
) -> None:
    folder, target = tmp_path / "shared", "/run/shared"
    folder.mkdir()
    (folder / "greeting").write_text("hello")
    where = engine.share(str(folder), target)
    assert where in (str(folder), target)
    mounts = [Bind(source=str(folder), target=target)] if where == target else []
    name = await engine.start(Show(f"{where}/greeting"), mounts=mounts)
    assert await engine.output(name) == {"stdout": b"hello", "stderr": b""}


async def test_the_working_directory_is_the_one_asked_for(engine: Engine) -> None:
    name = await engine.start(Folder(), working_directory="/tmp")
    assert await engine.output(name) == {"stdout": b"/tmp\n", "stderr": b""}


async def test_started_again_while_it_runs_it_is_the_same(engine: Engine) -> None:
    spec = engine.spec(Say(b"once\n"), UntilStopped())
    await engine.scheduler.start(spec)
    await engine.printed(spec.name, "stdout", b"once\n")
    again = await engine.scheduler.start(spec)
    assert (again.name, again.status) == (spec.name, "running")
    await engine.scheduler.stop(spec.name, 30)
    assert (await engine.output(spec.name))["stdout"] == b"once\n"


async def test_started_again_after_its_end_it_stays_ended(engine: Engine) -> None:
    spec = engine.spec(Say(b"once\n"), steps.Exit(4))
    await engine.scheduler.start(spec)
    await engine.scheduler.wait(spec.name)
    again = await engine.scheduler.start(spec)
    assert (again.status, again.exit_code) == ("exited", 4)
    assert await engine.output(spec.name) == {"stdout": b"once\n", "stderr": b""}


async def test_started_by_many_at_once_it_runs_once(engine: Engine) -> None:
    spec = engine.spec(Say(b"once\n"))
    found = await asyncio.gather(*(engine.scheduler.start(spec) for _ in range(5)))
    assert {container.name for container in found} == {spec.name}
    await engine.scheduler.wait(spec.name)
    assert await engine.output(spec.name) == {"stdout": b"once\n", "stderr": b""}
    assert len(await engine.scheduler.list(engine.label)) == 1


async def test_started_again_by_another_instance_it_runs_once(engine: Engine) -> None:
    spec = engine.spec(Say(b"once\n"), UntilStopped())
    await engine.scheduler.start(spec)
    await engine.printed(spec.name, "stdout", b"once\n")
    await engine.die()
    again = await engine.scheduler.start(spec)
    assert again.status == "running"
    await engine.scheduler.stop(spec.name, 30)
    assert await engine.scheduler.wait(spec.name) == Exit(0)
    assert (await engine.output(spec.name))["stdout"] == b"once\n"


async def test_what_cannot_be_executed_says_why(engine: Engine) -> None:
    spec = engine.spec(command=["no-such-program"])
    why = await _why_not(engine, spec)
    assert "no-such-program" in why
    await engine.scheduler.remove(spec.name)
    assert await engine.scheduler.inspect(spec.name) is None


async def _why_not(engine: Engine, spec: ContainerSpec) -> str:
    """The engine either sees it at once, or the end of the container tells."""
    try:
        await engine.scheduler.start(spec)
    except StartFailed as error:
        return error.message if error.reason == Reason.START_FAILED and error.hint else ""
    end = await engine.scheduler.wait(spec.name)
    return end.error if end is not None and end.exit_code == 127 else ""


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 30, 100, 1_000, 3_000, 10_000])
async def test_a_cancelled_start_leaves_nothing_that_remove_does_not_find(engine: Engine, turns: int) -> None:
    spec = engine.spec(Hang())
    starting = asyncio.ensure_future(engine.scheduler.start(spec))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await engine.scheduler.remove(spec.name)
    assert await engine.scheduler.inspect(spec.name) is None
    assert await engine.scheduler.list(engine.label) == []


@pytest.mark.parametrize("turns", [1, 10, 100, 1_000, 3_000, 10_000])
async def test_a_cancelled_start_may_be_made_again(engine: Engine, turns: int) -> None:
    spec = engine.spec(Say(b"once\n"))
    starting = asyncio.ensure_future(engine.scheduler.start(spec))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await engine.scheduler.start(spec)
    assert await engine.scheduler.wait(spec.name) == Exit(0)
    assert await engine.output(spec.name) == {"stdout": b"once\n", "stderr": b""}


async def test_nobody_of_that_name(engine: Engine) -> None:
    assert await engine.scheduler.inspect("gofer.test.nobody") is None
    assert await engine.scheduler.wait("gofer.test.nobody") is None
    assert await engine.output("gofer.test.nobody") == {"stdout": b"", "stderr": b""}


async def test_list_finds_by_all_labels_running_and_ended(engine: Engine) -> None:
    running = await engine.start(Hang(), labels={**engine.label, "gofer.task": "a"})
    ended = await engine.start(steps.Exit(5), labels={**engine.label, "gofer.task": "b"})
    await engine.scheduler.wait(ended)

    every = {container.name: container for container in await engine.scheduler.list(engine.label)}
    assert set(every) == {running, ended}
    assert (every[running].status, every[running].exit_code) == ("running", None)
    assert (every[ended].status, every[ended].exit_code) == ("exited", 5)
    assert every[ended].labels["gofer.task"] == "b"
    assert [c.name for c in await engine.scheduler.list({**engine.label, "gofer.task": "a"})] == [running]
    assert await engine.scheduler.list({**engine.label, "gofer.task": "c"}) == []


async def test_many_at_once(engine: Engine) -> None:
    specs = [engine.spec(Lines(number), steps.Exit(number)) for number in range(12)]

    async def one(number: int) -> tuple[bytes, Exit | None]:
        name = specs[number].name
        await engine.scheduler.start(specs[number])
        output, end = await asyncio.gather(engine.output(name), engine.scheduler.wait(name))
        await engine.scheduler.remove(name)
        return output["stdout"], end

    found = await asyncio.gather(*(one(number) for number in range(len(specs))))
    assert found == [(steps.lines(number), Exit(number)) for number in range(len(specs))]
    assert await engine.scheduler.list(engine.label) == []


async def test_a_signal_gives_128_and_its_number(engine: Engine) -> None:
    assert await engine.scheduler.wait(await engine.start(Die(9))) == Exit(137)
    assert await engine.scheduler.wait(await engine.start(Die(15))) == Exit(143)
