"""A store as it is after years: written straight into the file, by the server's own migrations."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec

from gofer.models.manifest import Dependency, Manifest, Task
from gofer.server.pipelines.manifest_hash import canonical, hash_of
from gofer.server.store import namespaces
from gofer.server.store.migrate import migrate, migrations
from gofer.server.store.transaction import Transaction

PIPELINES = 5_000
RUNS = 100_000
TASKS = 30

_APART = 60_000

_PIPELINE = """
INSERT INTO pipelines (namespace, id, name, description, live_version, last_version, created_at, modified_at)
VALUES ('default', ?, ?, ?, 1, 1, ?, ?)
"""
_VERSION = "INSERT INTO versions (pipeline_key, number, hash, created_at, manifest) VALUES (?, 1, ?, ?, ?)"
# A run begins a minute after the one before it; runs go round the pipelines. Every hundredth has failed.
_RUNS = """
INSERT INTO runs (pipeline_key, namespace, number, version, status, reason, initiator_kind, initiator_name,
                  task_count, created_at, started_at, ended_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :runs)
SELECT i % :pipelines + 1, 'default', i / :pipelines + 1, 1,
       CASE WHEN i % 100 = 99 THEN 'failed' ELSE 'successful' END,
       CASE WHEN i % 100 = 99 THEN 'task_failed' ELSE '' END, 'user', 'somebody', :tasks,
       :began + i * :apart, :began + i * :apart + 5, :began + i * :apart + 40000
FROM n
"""
_TASK_RUNS = """
INSERT INTO task_runs (run_key, position, id, status, reason, detail, attempt, exit_code, queued_at, started_at,
                       ended_at)
WITH RECURSIVE p(position) AS (SELECT 0 UNION ALL SELECT position + 1 FROM p WHERE position + 1 < :tasks)
SELECT r.key, p.position, 'task-' || p.position,
       CASE WHEN r.status = 'failed' AND p.position = :tasks - 1 THEN 'failed' ELSE 'successful' END,
       CASE WHEN r.status = 'failed' AND p.position = :tasks - 1 THEN 'exit_code' ELSE '' END, '', 1,
       CASE WHEN r.status = 'failed' AND p.position = :tasks - 1 THEN 1 ELSE 0 END,
       r.created_at + 10, r.created_at + 20, r.created_at + 1000
FROM runs AS r, p ORDER BY r.key, p.position
"""
_ATTEMPTS = """
INSERT INTO attempts (run_key, position, number, uid, container, status, exit_code, image_digest, starting_at,
                      running_at, ended_at, log_state, log_lines, log_bytes)
SELECT run_key, position, 1, printf('%016x', run_key * 1000 + position),
       'gofer.pipeline.' || run_key || '.' || id || '.1', status, exit_code,
       'sha256:' || printf('%064x', position), queued_at, started_at, ended_at, 'complete', 1000, 100000
FROM task_runs ORDER BY run_key, position
"""
# Of each run: its three own events, and the end of each of its task runs.
_EVENTS = """
INSERT INTO events (at, kind, namespace, pipeline, run, run_key, task, data)
WITH RECURSIVE p(position) AS (SELECT -2 UNION ALL SELECT position + 1 FROM p WHERE position < :tasks)
SELECT r.created_at + p.position,
       CASE p.position WHEN -2 THEN 'run.queued' WHEN -1 THEN 'run.started' WHEN :tasks THEN 'run.ended'
                       ELSE 'taskrun.ended' END,
       'default', l.id, r.number, r.key,
       CASE WHEN p.position BETWEEN 0 AND :tasks - 1 THEN 'task-' || p.position END,
       CASE WHEN p.position >= 0 THEN '{"status":"successful"}' END
FROM runs AS r JOIN pipelines AS l ON l.key = r.pipeline_key, p ORDER BY r.key, p.position
"""


def fill(path: Path, pipelines: int = PIPELINES, tasks: int = TASKS) -> None:
    """Make the database `path`, with RUNS runs of so many tasks. By default takes about half a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.time_ns() // 1_000_000 - RUNS * _APART
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}").fetchone()
        migrate(connection, path, migrations())
        connection.execute("BEGIN")
        namespaces.ensure_default(Transaction(connection), began)
        _pipelines(connection, began, pipelines, tasks)
        counts = {"runs": RUNS, "pipelines": pipelines, "tasks": tasks, "began": began, "apart": _APART}
        for sql in (_RUNS, _TASK_RUNS, _ATTEMPTS, _EVENTS):
            connection.execute(sql, counts)
        connection.execute("UPDATE pipelines SET last_run = ?", (RUNS // pipelines,))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    finally:
        connection.close()


def pipeline_id(number: int) -> str:
    """Of the pipelines from 0 on, in the order of their ids."""
    return f"pipeline-{number:04}"


def manifest(number: int, tasks: int = TASKS) -> Manifest:
    """A chain of tasks."""
    chain = [
        Task(
            id=f"task-{position}",
            image="busybox:stable",
            command=["echo", str(position)],
            depends_on=[Dependency(f"task-{position - 1}")] if position else [],
        )
        for position in range(tasks)
    ]
    return Manifest(id=pipeline_id(number), name=f"Pipeline {number}", description="A chain.", tasks=chain)


def _pipelines(connection: sqlite3.Connection, at: int, pipelines: int, tasks: int) -> None:
    whole = msgspec.to_builtins(manifest(0, tasks))
    for number in range(pipelines):
        named = msgspec.convert({**whole, "id": pipeline_id(number), "name": f"Pipeline {number}"}, Manifest)
        content = canonical(named)
        row = (named.id, named.name, named.description, at, at)
        key = connection.execute(_PIPELINE, row).lastrowid
        connection.execute(_VERSION, (key, hash_of(content), at, content.decode()))
