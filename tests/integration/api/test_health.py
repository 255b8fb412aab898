"""Health, readiness, figures, and the doctor."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gofer import __version__
from gofer.server.api import problem
from tests.integration.api.server import ServerThread


def figures(server: ServerThread) -> dict[str, float]:
    """Every sample, by its name and labels as they are written."""
    answer = server.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_healthy(server: ServerThread) -> None:
    for path in ("/healthz", "/readyz"):
        answer = server.ask("GET", path)
        assert (answer.status, answer.json) == (200, {"status": "ok", "problems": []})


def test_figures(server: ServerThread, pipeline: str) -> None:
    server.api.ended("plain", server.api.start("plain"))
    server.ask("GET", "/nothing/<script>")
    found = figures(server)
    assert found["gofer_runs[('status', 'successful')]"] == 1
    assert found["gofer_runs[('status', 'failed')]"] == 0
    assert found["gofer_engine_available[('engine', 'fake')]"] == 1
    assert found["gofer_runs_waiting[]"] == found["gofer_runs_active[]"] == 0
    assert found["gofer_events_total[]"] == server.services.bus.last_seq
    assert 1 <= found["gofer_store_commit_seconds_count[]"] <= found["gofer_store_writes_total[]"]
    assert found["gofer_store_commit_seconds_sum[]"] > 0
    assert found["gofer_log_bytes_total[]"] == len(server.api.log("plain", 1, "one"))
    assert found[f"gofer_info[('version', '{__version__}')]"] == 1
    assert found["gofer_uptime_seconds[]"] > 0
    assert found["gofer_connections[]"] >= 1
    assert found["gofer_runs_waiting_seconds[]"] == 0
    assert found["gofer_ingress_open[]"] == 1
    assert found["gofer_events_kept[]"] == server.services.bus.last_seq
    assert found["gofer_store_bytes[('file', 'gofer.db-wal')]"] > 0
    assert found["gofer_disk_free_bytes[('folder', 'logs')]"] > 0
    assert found["process_resident_memory_bytes[]"] > 1_000_000
    route = "/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs"
    assert found[f"gofer_http_requests_total[('method', 'POST'), ('route', '{route}'), ('status', '201')]"] == 1
    assert found[f"gofer_http_request_seconds_count[('method', 'POST'), ('route', '{route}')]"] == 1
    assert found["gofer_http_requests_total[('method', 'GET'), ('route', ''), ('status', '404')]"] >= 1


def test_figures_hold_nothing_that_a_client_made_up(server: ServerThread) -> None:
    server.ask("GET", "/api/v1/namespaces/made-up-name")
    assert b"made-up-name" not in server.ask("GET", "/metrics").body


def test_doctor_of_a_healthy_server(server: ServerThread) -> None:
    checks = {check["name"]: check for check in server.ask("GET", "/api/v1/system/checks").json}
    assert list(checks) == [
        "engine", "disk", "permissions", "database", "old copies", "secrets", "tokens", "objects", "logs",
        "log folders", "clock", "runs", "containers", "triggers", "open files", "memory", "network", "certificate",
        "settings", "new runs",
    ]  # fmt: skip
    for name in set(checks) - {"engine", "disk", "open files", "memory"}:
        assert checks[name]["level"] == "ok", checks[name]


def test_doctor_and_faults_name_a_deleted_folder_of_the_one_file(
    server: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = tmp_path / "_MEI0001"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(unpacked), raising=False)
    first = server.ask("GET", "/api/v1/system/checks").json[0]
    assert (first["name"], first["level"]) == ("program", "error")
    assert f"{unpacked} that Gofer had unpacked itself into was deleted" in first["message"]
    told = problem.details(RuntimeError(), where="test")
    assert f"{unpacked} that Gofer had unpacked itself into was deleted (error" in told.detail
    assert "Start Gofer again" in told.hint
    unpacked.mkdir()
    assert server.ask("GET", "/api/v1/system/checks").json[0]["name"] == "engine"
    assert "inside Gofer" in problem.details(RuntimeError(), where="test").detail


def test_doctor_sees_open_permissions_and_a_clock_that_stepped_back(server: ServerThread) -> None:
    folder = server.services.settings.server.storage_path
    future = server.services.clock.now() + 3_600_000
    folder.chmod(0o755)
    server.in_loop(
        lambda: server.services.database.write(
            lambda tx: tx.execute("INSERT INTO events (at, kind) VALUES (?, 'run.ended')", (future,))
        )
    )
    checks = {check["name"]: check for check in server.ask("GET", "/api/v1/system/checks").json}
    folder.chmod(0o700)
    assert (checks["permissions"]["level"], checks["permissions"]["hint"]) == ("warning", f"chmod go-rw {folder}")
    assert checks["clock"]["level"] == "warning"
    assert re.search(r"back by (1h00m|59m\d\ds)", checks["clock"]["message"])


def test_doctor_sees_a_stuck_run(server: ServerThread, pipeline: str) -> None:
    number = server.api.start("plain")
    server.api.ended("plain", number)
    unend = "UPDATE runs SET status = ?, ended_at = ?, started_at = 1 WHERE number = ?"
    age = "UPDATE task_runs SET ended_at = 2 WHERE run_key = (SELECT key FROM runs WHERE number = ?)"

    def write(status: str, ended_at: int | None) -> None:
        server.in_loop(
            lambda: server.services.database.write(
                lambda tx: (tx.execute(unend, (status, ended_at, number)), tx.execute(age, (number,)))
            )
        )

    write("running", None)
    try:
        checks = {check["name"]: check for check in server.ask("GET", "/api/v1/system/checks").json}
        assert checks["runs"]["level"] == "warning"
        assert f"default/plain {number}" in checks["runs"]["message"]
    finally:
        write("successful", 3)


@pytest.fixture
def locked(server: ServerThread) -> Iterator[Path]:
    """Another program holds the database's write lock, and the server has noticed."""
    path = server.services.settings.server.storage_path / "gofer.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield path
    other.execute("ROLLBACK")
    other.close()
    # Waits for the lock to be free, by which the fault ends.
    server.in_loop(lambda: server.services.database.write_patiently(lambda tx: None))


def test_locked_database_is_told_everywhere(server: ServerThread, pipeline: str, locked: Path) -> None:
    refused = server.ask("POST", f"{pipeline}/runs")
    assert refused.status == 503
    assert refused.headers["retry-after"] == "5"
    assert "locked" in refused.problem["detail"]
    ready = server.ask("GET", "/readyz")
    assert (ready.status, ready.json["status"], len(ready.json["problems"])) == (503, "unavailable", 1)
    assert server.ask("GET", "/healthz").status == 200
    assert figures(server)["gofer_store_fault[]"] == 1
    assert "locked" in server.ask("GET", "/api/v1/system/info").json["store_fault"]
    checks = {check["name"]: check for check in server.ask("GET", "/api/v1/system/checks").json}
    assert checks["database"]["level"] == "error"
    # What only reads goes on.
    assert server.ask("GET", f"{pipeline}/runs").status == 200


def test_ready_again_when_the_lock_is_gone(server: ServerThread) -> None:
    assert server.ask("GET", "/readyz").status == 200
