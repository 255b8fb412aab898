"""An interval goes on through SIGKILL of the trigger and of Gofer: no time starts twice, and none is passed over."""

from __future__ import annotations

import os
import re
import signal
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.server import Api, ServerProcess
from tests.support.until import until

EVERY = 250
_MISSED = re.compile(r"(\d+) times were missed, from |The time \S+ was missed: ")


def _subscriptions() -> list[dict[str, object]]:
    return [
        {"label": on_missed, "trigger": "interval", "settings": {"every": f"{EVERY}ms", "on_missed": on_missed}}
        for on_missed in ("skip", "once")
    ]


def _trigger(home: Path) -> int:
    """The process id of the trigger; 0 if there is none."""
    for entry in Path("/proc").iterdir():
        try:
            is_one = b"builtin\0trigger\0interval" in (entry / "cmdline").read_bytes()
            if is_one and (entry / "cwd").readlink().is_relative_to(home):
                return int(entry.name)
        except OSError:
            continue
    return 0


def _events(api: Api, label: str) -> list[dict[str, Any]]:
    """What was told of for a subscription, oldest first."""
    found = [event for event in _all(api, "triggers/interval/events") if event["label"] == label]
    return sorted(found, key=lambda event: int(event["occurred_at"]))


def _all(api: Api, path: str) -> list[dict[str, Any]]:
    """Every item of a list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(path, limit=200, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page.get("next")
    return found


def _goes_on(api: Api) -> None:
    """Waits for three starts of each subscription that are not there yet."""

    def starts() -> list[int]:
        return [len(_started(_events(api, label))) for label in ("skip", "once")]

    before = starts()
    until(lambda: all(now >= then + 3 for now, then in zip(starts(), before, strict=True)), "both go on")


def _started(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["outcome"] == "started"]


def _check(events: list[dict[str, Any]]) -> int:
    """Each time since the first is in one event; returns how many were skipped."""
    skipped = 0
    for before, event in pairwise(events):
        times = 1
        if event["outcome"] == "skipped":
            said = _MISSED.match(event["detail"])
            assert said is not None, event
            times = int(said[1] or 1)
            skipped += times
        assert event["occurred_at"] - before["occurred_at"] == times * EVERY, (before, event)
    return skipped


def test_nothing_starts_twice_and_nothing_is_passed_over(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "fake")
    try:
        api = server.start()
        settings = {"min_duration": f"{EVERY}ms"}
        api.post("triggers", {"id": "interval", "image": "builtin:interval", "settings": settings})
        task = {"id": "a", "image": "i", "command": ["exit", "0"]}
        api.register({"id": "often", "tasks": [task], "subscriptions": _subscriptions()})
        _goes_on(api)

        first = _trigger(tmp_path)
        os.kill(first, signal.SIGKILL)
        _goes_on(api)
        second = _trigger(tmp_path)
        assert second not in (0, first)

        # The trigger outlives Gofer, and waits for it.
        server.kill()
        assert _trigger(tmp_path) == second
        api = server.start()
        _goes_on(api)
        assert _trigger(tmp_path) == second

        server.kill()
        os.kill(second, signal.SIGKILL)
        api = server.start()
        _goes_on(api)

        assert api.call("PATCH", "triggers/interval", {"enabled": False})[0] == 200
        until(lambda: not _trigger(tmp_path), "the trigger ends")
        scheduled = []
        for label in ("skip", "once"):
            events = _events(api, label)
            assert _check(events) > 0
            scheduled += [event["occurred_at"] for event in _started(events)]
        runs = _all(api, "namespaces/default/pipelines/often/runs")
        assert sorted(_milliseconds(run["variables"]["INTERVAL_SCHEDULED_AT"]) for run in runs) == sorted(scheduled)
    finally:
        server.stop()
        if left := _trigger(tmp_path):
            os.kill(left, signal.SIGKILL)


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
