"""`exec`: a command beside the container's own."""

from __future__ import annotations

import pytest

from gofer.engines.scheduler.base import Session
from gofer.errors import GoferError
from gofer.models.log import Stream
from tests.conformance import steps
from tests.conformance.conftest import Engine, together
from tests.conformance.steps import Hang, Say

pytestmark = pytest.mark.timeout(60)


async def _running(engine: Engine) -> str:
    name = await engine.start(Say(b"ready\n"), Hang())
    await engine.printed(name, "stdout", b"ready\n")
    return name


async def _all(session: Session) -> dict[Stream, bytes]:
    return together([chunk async for chunk in session.output()])


@pytest.mark.usefixtures("shell")
async def test_output_and_exit_code(engine: Engine) -> None:
    name = await _running(engine)
    session = await engine.scheduler.exec(name, ["sh", "-c", "echo out; echo err >&2; exit 3"], terminal=False)
    assert await _all(session) == {"stdout": b"out\n", "stderr": b"err\n"}
    assert await session.exit_code() == 3
    await session.write(b"too late")
    await session.close()
    await session.close()


async def test_input_until_its_end(engine: Engine) -> None:
    name = await _running(engine)
    session = await engine.scheduler.exec(name, ["cat"], terminal=False)
    data = bytes(range(256)) * 2_000
    await session.write(data)
    await session.close_input()
    assert (await _all(session))["stdout"] == data
    assert await session.exit_code() == 0
    await session.close()


@pytest.mark.usefixtures("shell")
async def test_a_terminal(engine: Engine) -> None:
    name = await _running(engine)
    session = await engine.scheduler.exec(name, ["sh"], terminal=True, columns=100, rows=30)
    await session.resize(120, 40)
    await session.write(b"test -t 0 && test -t 1 && echo termi''nal\n")
    await session.write(b"echo of=$TERM\n")
    await session.write(b"exit 5\n")
    output = await _all(session)
    assert b"terminal\r\n" in output["stdout"]
    assert b"of=xterm\r\n" in output["stdout"]
    assert output["stderr"] == b""
    assert await session.exit_code() == 5
    await session.close()


@pytest.mark.usefixtures("shell")
async def test_the_terminal_has_the_size_it_was_given(engine: Engine) -> None:
    name = await _running(engine)
    script = "until [ \"$(stty size </dev/tty)\" = '40 120' ]; do sleep 0.02; done; echo resized"
    session = await engine.scheduler.exec(name, ["sh", "-c", script], terminal=True, columns=100, rows=30)
    await session.resize(120, 40)
    assert b"resized\r\n" in (await _all(session))["stdout"]
    await session.close()


async def test_the_container_goes_on_when_a_session_is_closed(engine: Engine) -> None:
    name = await _running(engine)
    session = await engine.scheduler.exec(name, ["cat"], terminal=False)
    await session.close()
    found = await engine.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"


async def test_a_container_that_does_not_run_is_refused(engine: Engine) -> None:
    name = await engine.start(steps.Exit(0))
    await engine.scheduler.wait(name)
    for missing in (name, "gofer.test.nobody"):
        with pytest.raises(GoferError) as error:
            await engine.scheduler.exec(missing, ["true"], terminal=False)
        assert error.value.status in (404, 409)
        assert error.value.hint
