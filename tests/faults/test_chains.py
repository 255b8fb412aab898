"""Pipelines that start each other, through the built-in trigger `pipeline`: what is passed on, and no end that is lost
or counts twice, however Gofer dies."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ServerProcess
from tests.support.until import until

PIPELINES = "namespaces/default/pipelines"
_DUMP = """
echo "rows of $DAY" >rows
while [ -e "$HOLD" ]; do sleep 0.05; done
"""
LOAD = {
    "id": "load",
    "parameters": [{"name": "date"}],
    "tasks": [
        {
            "id": "load",
            "image": "x",
            "command": ["sh", "-c", "echo $DATE $UPSTREAM_PIPELINE $UPSTREAM_RUN $UPSTREAM_STATUS: $(cat rows)"],
            "variables": {"DATE": "param{{date}}"},
            "inputs": [{"key": "rows", "path": "rows"}],
        }
    ],
    "subscriptions": [
        {
            "label": "dumped",
            "trigger": "chain",
            "settings": {"pipeline": "dump", "pass_parameters": ["day=date"], "pass_objects": True},
        }
    ],
}


class Chain:
    """A server with the trigger, and the two pipelines. `hold`: while it is there, `dump` goes on."""

    def __init__(self, home: Path) -> None:
        self.hold = home / "hold"
        self.server = ServerProcess(home, "process")
        self.api = self.server.start()
        self.api.post("triggers", {"id": "chain", "image": "builtin:pipeline"})
        self.healthy()
        self.api.register(self.dump())
        self.api.register(LOAD)

    def dump(self, **fields: object) -> dict[str, object]:
        """The manifest of the first pipeline."""
        task = {
            "id": "dump",
            "image": "x",
            "command": ["sh", "-c", _DUMP],
            "variables": {"DAY": "param{{day}}", "HOLD": str(self.hold)},
            "outputs": [{"key": "rows", "path": "rows"}],
        }
        return {"id": "dump", "parameters": [{"name": "day", "default": "today"}], "tasks": [task], **fields}

    def healthy(self) -> Any:
        def look() -> Any:
            found = self.api.get("triggers/chain")
            return found if found["state"] == "healthy" else None

        return until(look, "the trigger is healthy")

    def loaded(self, run: int) -> str:
        """What that run of `load` says in the end."""

        def ended() -> bool:
            status, found = self.api.call("GET", f"{PIPELINES}/load/runs/{run}")
            return status == 200 and found["status"] in ("successful", "failed")

        until(ended, f"run {run} of load")
        return self.api.log("load", run, "load").decode()

    def process(self) -> int:
        """The number of the trigger's process."""
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                of_pipeline = b"builtin\0trigger\0pipeline" in (folder / "cmdline").read_bytes()
                if of_pipeline and str(self.server.home).encode() in (folder / "environ").read_bytes():
                    return int(folder.name)
        raise AssertionError("the trigger does not run")

    def told(self) -> list[tuple[str, int | None]]:
        """What came of the trigger's events, the newest first."""
        return [(event["outcome"], event.get("run")) for event in self.api.get("triggers/chain/events")["items"]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    chain = Chain(tmp_path_factory.mktemp("chain"))
    try:
        yield chain
    finally:
        chain.server.stop()


def test_an_end_starts_the_next_with_parameters_and_objects(chain: Chain) -> None:
    run = chain.api.start("dump", day="monday")
    assert chain.loaded(1) == f"monday dump {run} successful: rows of monday\n"
    assert chain.told()[0] == ("started", 1)


def test_a_cycle_cannot_be_registered(chain: Chain) -> None:
    wanted = {"label": "again", "trigger": "chain", "settings": {"pipeline": "load"}}
    status, problem = chain.api.call("POST", PIPELINES, chain.dump(subscriptions=[wanted]))
    assert status == 422, problem
    words = "these would start each other for ever: dump when load has ended, load when dump has ended"
    assert words in str(problem), problem


@pytest.mark.parametrize("how", ["restarted", "killed", "killed-with-its-trigger", "killed-between-event-and-answer"])
def test_an_end_while_gofer_is_away_counts_once(chain: Chain, how: str) -> None:
    if how == "killed-between-event-and-answer":
        chain.server.stop()
        chain.api = chain.server.start(GOFER_TEST_CRASH_AT="fired")
    before = chain.healthy()["started_at"]
    last = chain.told()[0][1]
    assert last is not None
    chain.hold.touch()
    run = chain.api.start("dump", day=how)
    chain.api.until("taskrun.running", "dump", run, "dump")
    if how == "restarted":
        chain.server.stop()
    elif how.startswith("killed-between"):
        chain.hold.unlink()
        chain.server.died()
    else:
        chain.server.kill()
    if how == "killed-with-its-trigger":
        os.kill(chain.process(), signal.SIGKILL)
    chain.hold.unlink(missing_ok=True)
    chain.api = chain.server.start()
    assert chain.loaded(last + 1) == f"{how} dump {run} successful: rows of {how}\n"
    # A trigger that has outlived Gofer goes on. (In development mode none outlives an orderly end.)
    assert (chain.healthy()["started_at"] == before) == (how in ("killed", "killed-between-event-and-answer"))
    # Another end shows that nothing of the first was told a second time in between.
    chain.api.start("dump")
    assert chain.loaded(last + 2).startswith("today dump ")
    assert chain.told()[:2] == [("started", last + 2), ("started", last + 1)]
