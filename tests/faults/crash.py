"""What the crash tests run, and what must be true of it afterwards."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.server import Api

LINES = 300
IMAGE = "busybox:stable"

# The witness folder is the host's own: what stands there was done by the container, whatever Gofer remembers.
_SCRIPT = """
echo started >> "$WITNESS/$GOFER_RUN_ID.$GOFER_TASK_ID.$GOFER_ATTEMPT"
lines() {
  i=$1
  while [ $i -lt $2 ]; do
    i=$((i+1))
    echo "out $GOFER_TASK_ID $i"
    echo "err $GOFER_TASK_ID $i" >&2
  done
}
lines 0 100
sleep 0.4
lines 100 300
printf 'no newline at the end'
"""


def manifest(pipeline: str, engine: str, witness: Path) -> dict[str, Any]:
    """A small graph: `first`, then `left` and `right` side by side, then `last`."""

    def task(name: str, *parents: str) -> dict[str, Any]:
        return {
            "id": name,
            "image": IMAGE,
            "script": _SCRIPT,
            "variables": {"WITNESS": str(witness)},
            "depends_on": [{"task": parent} for parent in parents],
            "mounts": (
                [{"source": str(witness), "target": str(witness), "read_only": False}] if engine == "docker" else []
            ),
        }

    tasks = [task("first"), task("left", "first"), task("right", "first"), task("last", "left", "right")]
    return {"id": pipeline, "schema_version": 1, "tasks": tasks}


def expected(stream: str, task: str) -> list[bytes]:
    """The lines that one stream of one task must have, without their ends."""
    lines = [f"{stream} {task} {n}".encode() for n in range(1, LINES + 1)]
    return [*lines, b"no newline at the end"] if stream == "out" else lines


def check_run(api: Api, pipeline: str, run: int, witness: Path) -> list[str]:
    """Every promise about one ended run; returns the names of its containers."""
    shown = api.run(pipeline, run)
    assert shown["status"] == "successful", shown
    names = []
    for task_id, task in api.tasks(pipeline, run).items():
        assert task["status"] == "successful", task
        assert len(task["attempts"]) == 1, task
        names.append(task["attempts"][0]["container"])
        for stream, name in (("out", "stdout"), ("err", "stderr")):
            found = api.log(pipeline, run, task_id, stream=name).rstrip(b"\n").split(b"\n")
            _same_lines(found, expected(stream, task_id))
    started = {path.name: path.read_text().count("started") for path in witness.glob(f"{run}.*")}
    assert started == {f"{run}.{t}.1": 1 for t in ("first", "left", "right", "last")}
    return names


def check_history(api: Api, pipeline: str, run: int) -> None:
    """The events tell each change once and in an order that makes sense."""
    kinds: Counter[tuple[str, str]] = Counter()
    for event in api.events(namespace="default", pipeline=pipeline, run=run):
        kinds[event["kind"], event.get("task", "")] += 1
        if event["kind"] == "run.ended":
            break
    for task in ("first", "left", "right", "last"):
        assert kinds["taskrun.starting", task] == 1, kinds
        assert kinds["taskrun.ended", task] == 1, kinds
    assert kinds["run.queued", ""] == kinds["run.started", ""] == kinds["run.ended", ""] == 1, kinds


def check_nothing_left(engine: str, home: Path, names: list[str]) -> None:
    """No container of these names, after the server's graceful end."""
    if engine == "docker":
        command = ["docker", "ps", "--all", "--format", "{{.Names}}"]
        present = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    else:
        folder = home / "data" / "process"
        present = [path.name for path in folder.iterdir()] if folder.exists() else []
    assert not set(names) & set(present), present


def _same_lines(found: list[bytes], wanted: list[bytes]) -> None:
    missing, extra = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    assert not missing, f"lost: {sorted(missing)[:5]} and {len(missing)} in all"
    assert not extra, f"twice or foreign: {sorted(extra)[:5]} and {len(extra)} in all"
    assert found == wanted, "the lines are not in their order"
