"""Another process holds the database's lock."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.support.server import ServerProcess


def test_new_work_is_refused_and_running_work_goes_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    subprocess.run(["mkfifo", str(gate)], check=True)
    server = ServerProcess(tmp_path, "process")
    try:
        api = server.start()
        task = {"id": "wait", "image": "i", "script": f"read go < {gate}; echo through"}
        after = {"id": "after", "image": "i", "script": "echo after", "depends_on": [{"task": "wait"}]}
        api.register({"id": "locked", "tasks": [task, after]})
        run = api.start("locked")
        api.until("taskrun.running", "locked", run, "wait")
        with closing(sqlite3.connect(tmp_path / "data" / "gofer.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            status, problem = api.call("POST", "namespaces/default/pipelines/locked/runs", {"parameters": {}})
            assert (status, problem["title"]) == (503, "Database locked"), problem
            assert problem["hint"]
            gate.write_text("go\n")
            assert api.run("locked", run)["status"] == "running"
            assert api.call("GET", "/readyz")[0] == 503
            other.execute("ROLLBACK")
        assert api.ended("locked", run)["status"] == "successful"
        assert api.call("GET", "/readyz")[0] == 200
        assert len(api.get("namespaces/default/pipelines/locked/runs")["items"]) == 1
    finally:
        server.stop()
