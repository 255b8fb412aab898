"""Which benchmarks there are, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from benchmarks import (
    captures,
    console_big_log,
    console_burst,
    console_lines,
    console_pipelines,
    console_shell,
    console_tabs,
    containers,
    cron_start_error,
    external_events,
    followers,
    full_store,
    lines,
    masking,
    objects,
    one_file,
    processes,
    resting,
    runs,
    subscriptions,
)
from benchmarks.figure import Figure


class Benchmark(NamedTuple):
    """`measure` returns its figures; `about` says in a few words what it does."""

    name: str
    measure: Callable[[], Coroutine[Any, Any, list[Figure]]]
    about: str


ALL = (
    Benchmark("container", containers.added, "one container after the other, beside a bare client of the engine"),
    Benchmark("containers", containers.rate, "many containers, beside a bare client of the engine"),
    Benchmark("chain", processes.chain, "40 short tasks one after the other on the `process` engine"),
    Benchmark("runs", runs.sustained, "runs a second on the `fake` engine"),
    Benchmark("starts", runs.starts, "100 API calls “start” at once"),
    Benchmark("capture", captures.capture, "50 MB of output of a container into a log"),
    Benchmark("hiding", captures.capture_hiding, "the same of a container that has 20 secrets"),
    Benchmark("masking", masking.masking, "capture into a log that hides 20 secrets, beside one that hides none"),
    Benchmark("lines", lines.lateness, "from a line's printing to a websocket client"),
    Benchmark("followers", followers.followers, "100 followers of 10,000 lines a second"),
    Benchmark("store", full_store.full_store, "lists, lookups and runs with 3 million task runs stored"),
    Benchmark("objects", objects.objects, "a 2 GB object up and down, on each object store"),
    Benchmark("cron", cron_start_error.cron_start_error, "from a full minute to the runs that cron starts at it"),
    Benchmark("external", external_events.external_events, "500 external events a second"),
    Benchmark("trigger_events", subscriptions.trigger_events, "from a trigger's event to the run that it starts"),
    Benchmark("resubscribe", subscriptions.resubscribe, "10,000 subscriptions after a restart"),
    Benchmark("console_shell", console_shell.console_shell, "the console's first load"),
    Benchmark("console_big_log", console_big_log.console_big_log, "a log of 200 MB in the browser"),
    Benchmark("console_lines", console_lines.console_lines, "from a line's printing to the screen"),
    Benchmark("console_pipelines", console_pipelines.console_pipelines, "1,000 pipelines in the browser"),
    Benchmark("console_burst", console_burst.console_burst, "as many events as there can be, in the browser"),
    Benchmark("console_tabs", console_tabs.console_tabs, "200 open tabs beside runs"),
    Benchmark("idle", resting.idle, "memory of an idle server, and how soon one answers"),
    Benchmark("binary", one_file.one_file, "the one-file program: how soon it answers, how large it is"),
    Benchmark("events", resting.event_bytes, "bytes of a run's events"),
)
