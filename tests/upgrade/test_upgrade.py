"""The present program on the data of every earlier one. See keep.py for how that came to be."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gofer.server.store.migrate import migrations
from tests.support.server import ServerProcess
from tests.upgrade import scene
from tests.upgrade.keep import ADDRESS, answers_of, keep, kept, unpack

NOW = len(migrations())
# What was kept grows old: nothing of it may expire by its age.
ENVIRON = {"GOFER_EVENT_LOG_RETENTION": "87600h"}


class Later(ServerProcess):
    """The present program: that of this checkout or, where the environment names one, a frozen one."""

    program = [os.environ["GOFER_TEST_BINARY"]] if os.environ.get("GOFER_TEST_BINARY") else ServerProcess.program


@pytest.fixture(params=kept(), ids=lambda schema: f"v{schema}")
def schema(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture
def server(schema: int, tmp_path: Path) -> Iterator[Later]:
    unpack(schema, tmp_path)
    later = Later(tmp_path, "fake", ENVIRON)
    later.start()
    yield later
    assert later.stop() == 0, later.log_text()


def test_there_is_a_folder_for_each_earlier_schema() -> None:
    assert set(range(1, NOW)) <= set(kept()), (
        "A migration was added, and no data of the schema before it is kept. Check out the commit before the migration,"
        " run `python -m tests.upgrade.keep` there, and commit what it makes with the migration."
    )


def holds(before: Any, now: Any, place: str) -> None:
    """Everything that was said before is said now; there may be more fields, never fewer or others."""
    if isinstance(before, dict):
        assert isinstance(now, dict), place
        for name, value in before.items():
            assert name in now, f"{place}.{name} is no longer there"
            holds(value, now[name], f"{place}.{name}")
    elif isinstance(before, list):
        assert isinstance(now, list), place
        assert len(before) == len(now), f"{place}: {len(before)} before, {len(now)} now"
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            holds(one, other, f"{place}[{number}]")
    else:
        assert before == now, f"{place}: {before!r} before, {now!r} now"


def test_everything_can_be_read(schema: int, server: Later) -> None:
    for path, before in answers_of(schema).items():
        if isinstance(before, list):
            status, answer = server.api.call("GET", path)
            assert [status, answer["title"]] == [before[0], before[1]["title"]], path
            continue
        now = json.loads(json.dumps(server.api.get(path)).replace(server.api.address, ADDRESS))
        if "next" in before:
            # A cursor is nobody's business but the server's.
            before, now = {**before, "next": None}, {**now, "next": None}
        holds(before, now, path)


def test_unfinished_runs_go_on(server: Later) -> None:
    api = server.api
    for pipeline, runs in scene.UNFINISHED.items():
        for run, status in runs.items():
            assert api.ended(pipeline, run)["status"] == status, (pipeline, run)
    tasks = api.tasks("busy", 1)
    assert (tasks["a"]["status"], tasks["a"]["reason"], tasks["b"]["status"]) == ("failed", "lost", "skipped")


def test_new_runs_number_on_and_nothing_is_given_twice(schema: int, server: Later) -> None:
    api = server.api
    before = answers_of(schema)
    for pipeline in ("words", "many", "fails"):
        listed = before[f"namespaces/default/pipelines/{pipeline}/runs?limit=200"]["items"]
        number = api.start(pipeline)
        assert number == listed[0]["id"] + 1
        api.ended(pipeline, number)
    api.register({"id": "new", "tasks": [{"id": "t", "image": "any", "command": ["say", "new"]}]})
    assert api.ended("new", api.start("new"))["status"] == "successful"
    assert api.log("new", 1, "t") == b"new\n"
    last = max(event["seq"] for event in before["events?limit=200"]["items"])
    seen = [event["seq"] for event in api.get("events", limit=200, after=last)["items"]]
    assert seen == sorted(set(seen))
    assert seen[0] == last + 1


def test_versions_go_live_and_back_after_what_was_live(schema: int, server: Later) -> None:
    api = server.api
    pipeline = "namespaces/default/pipelines/words"
    live = answers_of(schema)[pipeline]["version"]
    *_, first = before = api.get(f"{pipeline}/deployments?limit=200")["items"]
    came = [first[field] for field in ("number", "strategy", "cause", "status")]
    assert came == [1, "instant", "registered", "completed"]
    assert before[0]["to_version"] == live
    marked = api.get(f"{pipeline}/versions?limit=200")["items"]
    assert [one["number"] for one in marked if one["live"]] == [live]
    changed = {"id": "words", "tasks": [{"id": "t", "image": "any:1", "command": ["say", "new"]}]}
    new = api.register(changed)["version"]
    assert new > max(one["number"] for one in marked)
    went = api.get(f"{pipeline}/deployments?limit=1")["items"][0]
    assert (went["number"], went["from_version"], went["to_version"]) == (len(before) + 1, live, new)
    assert api.post(f"{pipeline}/rollback", {})["deployment"]["to_version"] == live
    run = api.start("words")
    assert api.ended("words", run)["version"] == live


def test_a_repeated_request_is_still_known(schema: int, tmp_path: Path) -> None:
    unpack(schema, tmp_path)
    # Answers are kept for a day: as if the upgrade was done at once.
    with closing(sqlite3.connect(tmp_path / "data" / "gofer.db")) as connection:
        connection.execute("UPDATE idempotency SET created_at = ?", (time.time_ns() // 1_000_000,))
        connection.commit()
    later = Later(tmp_path, "fake", ENVIRON)
    api = later.start()
    try:
        before = api.get(scene.KEPT_REQUEST)["items"][0]["id"]
        status, answer = api.call("POST", scene.KEPT_REQUEST, json.loads(scene.BODY), {"Idempotency-Key": scene.KEY})
        assert status in (200, 201, 202)
        assert answer["id"] == before
    finally:
        later.stop()


def test_a_copy_of_the_old_database_is_beside_it(schema: int, server: Later) -> None:
    data = server.home / "data"
    copies = [path.name for path in data.glob("*.bak")]
    assert copies == ([f"gofer.db.v{schema}.bak"] if schema < NOW else [])
    for name in copies:
        with closing(sqlite3.connect(data / name)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == schema
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_what_is_to_be_kept_next_can_be(tmp_path: Path) -> None:
    """The script is needed on the day before a migration: it must work on every other day, too."""
    assert keep(tmp_path) == NOW
    assert sorted(path.name for path in (tmp_path / f"v{NOW}").iterdir()) == ["answers.json.gz", "data.tar.xz"]
