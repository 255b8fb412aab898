"""Gofer is killed while a trigger runs: the same process goes on, and what it tells of starts runs."""

from __future__ import annotations

from pathlib import Path

from tests.support.server import Api, ServerProcess
from tests.support.triggers import end_orphans, processes_below
from tests.support.until import until


def healthy(api: Api) -> None:
    until(lambda: api.get("triggers/tick")["state"] == "healthy", "the trigger is healthy")


def runs(api: Api) -> int:
    return len(api.get("namespaces/default/pipelines/p/runs", limit=200)["items"])


def another_run(api: Api) -> None:
    before = runs(api)
    until(lambda: runs(api) > before, "another run is started")


def test_a_trigger_outlives_gofer(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "process", {"GOFER_DEV_MODE": "true"})
    api = server.start()
    try:
        api.post("triggers", {"id": "tick", "image": "builtin:interval", "settings": {"min_duration": "500ms"}})
        healthy(api)
        manifest = {
            "id": "p",
            "tasks": [{"id": "t", "image": "i", "script": "true"}],
            "subscriptions": [{"label": "s", "trigger": "tick", "settings": {"every": "500ms"}}],
        }
        api.register(manifest)
        until(lambda: runs(api), "a run is started")
        (pid, _), *others = processes_below(tmp_path)
        assert not others
        for _turn in range(3):
            server.kill()
            api = server.start()
            another_run(api)
            healthy(api)
            assert [one for one, _ in processes_below(tmp_path)] == [pid]
            assert api.get("triggers/tick")["restarts"] == 0
        # Each event has started one run, whatever was told again.
        told = api.get("triggers/tick/events", limit=200)["items"]
        assert len({one["event"] for one in told}) == len(told)
        started = [one["run"] for one in told if one["outcome"] == "started"]
        assert sorted(started) == list(range(1, len(started) + 1))
        kinds = [one["kind"] for one in api.get("events", limit=1000, kind="trigger.started")["items"]]
        assert kinds == ["trigger.started"]
        assert api.call("DELETE", "triggers/tick?force=true")[0] == 204
        until(lambda: not list(processes_below(tmp_path)), "it is stopped")
    finally:
        assert server.stop() == 0, server.log_text()
        end_orphans(tmp_path)
