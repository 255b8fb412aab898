"""Gofer's API from a task: objects, what is known of runs, and starting others. See docs/task-api.md.

from gofer_sdk.client import Client

with Client.from_environment() as gofer:
    gofer.run_objects().put("count", "12")
    report = gofer.start_run("report", {"day": "monday"})
    print(gofer.wait_run(report).status)

It needs the standard library alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from gofer_sdk.connection import ClientError, Connection
from gofer_sdk.objects import Content, Object, Objects

__all__ = ["Client", "ClientError", "Content", "Object", "Objects", "Run", "TaskRun"]

ParameterValue = str | int | float | bool

_ENDED = ("successful", "failed", "cancelled", "skipped")
_FIRST_LOOK, _SELDOM_LOOK = 0.2, 5.0


class Run(NamedTuple):
    """A run as it was when it was asked for; times in milliseconds since the Unix epoch, None where there is none yet.

    `status`: queued, running, successful, failed or cancelled; `reason` and `detail` say more.
    """

    namespace: str
    pipeline: str
    id: int
    version: int
    status: str
    reason: str
    detail: str
    parameters: dict[str, ParameterValue]
    created_at: int
    started_at: int | None
    ended_at: int | None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status in _ENDED


class TaskRun(NamedTuple):
    """A task of a run as it was when it was asked for.

    `status`: waiting, queued, starting, running, successful, failed, cancelled or skipped; `attempt` counts from 1, 0
    before the first.
    """

    id: str
    status: str
    reason: str
    detail: str
    attempt: int
    exit_code: int | None
    started_at: int | None
    ended_at: int | None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status in _ENDED


class Client:
    """Speaks to one server, as one task of one run. Not for several threads at once; a context, or to be closed.

    A request that is not answered while the server is starting again is sent once more until `patience` seconds have
    passed; nothing is done twice by that. `timeout`: seconds to wait for each part of an answer. Methods raise
    ClientError.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        namespace: str = "default",
        pipeline: str = "",
        run: int = 0,
        timeout: float = 60.0,
        patience: float = 60.0,
        ca_file: str = "",
        insecure: bool = False,
    ) -> None:
        """`url`: `unix:///run/gofer/api.sock`, `http://localhost:8080` or `https://…`, for which `ca_file` (PEM) may
        name the authority. `pipeline` and `run` are what methods are about that are given none.

        `insecure`: nobody checks who answers by https, and the token goes to another machine in the clear by http.
        Whoever is on the way can then read and change everything.
        """
        self.namespace = namespace
        self._pipeline = pipeline
        self._run = run
        self._connection = Connection(
            url, token, timeout=timeout, patience=patience, ca_file=ca_file, insecure=insecure
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """As the task that this program is: it needs `inject_api_token`."""
        if not environ.get("GOFER_API_TOKEN"):
            raise ClientError(
                "There is no GOFER_API_TOKEN: this task has not asked for one.",
                'Add .inject_api_token() to the task, or "inject_api_token": true in its manifest.',
            )
        return cls(
            environ.get("GOFER_API_URL", ""),
            token=environ["GOFER_API_TOKEN"],
            namespace=environ.get("GOFER_NAMESPACE_ID", "default"),
            pipeline=environ.get("GOFER_PIPELINE_ID", ""),
            run=int(environ.get("GOFER_RUN_ID") or 0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; the next call opens another."""
        self._connection.close()

    def pipeline_objects(self, pipeline: str = "") -> Objects:
        """The objects of a pipeline, by default of this task's own. They stay."""
        return Objects(self._connection, self._of_pipeline(pipeline))

    def run_objects(self, run: int = 0, pipeline: str = "") -> Objects:
        """The objects of a run, by default of this task's own. They go some runs later."""
        return Objects(self._connection, self._of_run(run, pipeline))

    def run(self, run: int = 0, pipeline: str = "") -> Run:
        """A run, by default this task's own."""
        return _run(self._connection.json("GET", self._of_run(run, pipeline)))

    def task_runs(self, run: int = 0, pipeline: str = "") -> Iterator[TaskRun]:
        """The task runs of a run, by default of this task's own."""
        base = f"{self._of_run(run, pipeline)}/tasks"
        cursor: str | None = ""
        while cursor is not None:
            page = self._connection.json("GET", base + (f"?cursor={quote(cursor, safe='')}" if cursor else ""))
            for found in page["items"]:
                yield _task_run(found)
            cursor = page.get("next")

    def start_run(
        self, pipeline: str, parameters: Mapping[str, ParameterValue] | None = None, *, version: int | None = None
    ) -> Run:
        """Start a run of a pipeline of the same namespace; returns it as it was stored.

        `version`: by default the live one.
        """
        body: dict[str, Any] = {"parameters": dict(parameters or {})}
        if version is not None:
            body["version"] = version
        return _run(self._connection.json("POST", f"{self._of_pipeline(pipeline)}/runs", body))

    def wait_run(self, run: Run, *, timeout: float | None = None) -> Run:
        """Wait for the end of a run; returns it as it is then, however it ended.

        Raises TimeoutError if it has not ended after `timeout` seconds. A task that waits for a run keeps its place
        under the limits of the server: leave room for both.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while True:
            run = self.run(run.id, run.pipeline)
            if run.ended:
                return run
            if end is not None and time.monotonic() + pause > end:
                raise TimeoutError(f"run {run.id} of {run.pipeline} is still {run.status} after {timeout:g} seconds")
            time.sleep(pause)
            pause = min(pause * 1.5, _SELDOM_LOOK)

    def _of_pipeline(self, pipeline: str) -> str:
        name = pipeline or self._pipeline
        if not name:
            raise ClientError("No pipeline is named, and this program is not a task of one.", "Name the pipeline.")
        return f"/api/v1/namespaces/{quote(self.namespace, safe='')}/pipelines/{quote(name, safe='')}"

    def _of_run(self, run: int, pipeline: str) -> str:
        number = run or (self._run if pipeline in ("", self._pipeline) else 0)
        if not number:
            raise ClientError("No run is named, and this program is not a task of one.", "Give the number of the run.")
        return f"{self._of_pipeline(pipeline)}/runs/{number}"


def _run(found: Mapping[str, Any]) -> Run:
    """Newer servers may tell more."""
    return Run(**{name: found.get(name) for name in Run._fields})  # type: ignore[arg-type]


def _task_run(found: Mapping[str, Any]) -> TaskRun:
    return TaskRun(**{name: found.get(name) for name in TaskRun._fields})  # type: ignore[arg-type]
