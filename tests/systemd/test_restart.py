"""A restart of Gofer kills no job: neither one that is asked for, nor a crash, nor a hung loop, nor an upgrade."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.until import until
from tests.systemd.jobs import LINES, check_whole, manifest, wait_for_end, wait_for_output
from tests.systemd.machine import Machine

TASKS = 6
_IMPATIENT = "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=500ms\n"


def restart(machine: Machine) -> None:
    machine.ok("systemctl", "restart", "gofer")


def stop_and_start(machine: Machine) -> None:
    machine.ok("systemctl", "stop", "gofer")
    machine.ok("systemctl", "start", "gofer")


def kill(machine: Machine) -> None:
    before = restarts(machine)
    machine.signal("KILL", machine.show("gofer", "MainPID"))
    until(lambda: restarts(machine) > before, "systemd restarts what was killed")


def kill_server_process(machine: Machine) -> None:
    before = restarts(machine)
    machine.signal("KILL", machine.server_process())
    until(lambda: restarts(machine) > before, "systemd restarts what was killed")


def hang(machine: Machine) -> None:
    before = restarts(machine)
    machine.signal("STOP", machine.server_process())
    until(lambda: restarts(machine) > before, "the watchdog restarts what hangs")
    assert any("Watchdog timeout" in str(one["MESSAGE"]) for one in machine.journal())


def upgrade(machine: Machine) -> None:
    """Another program takes the place of the one that runs, and then there is a restart."""
    machine.ok("sh", "-c", "cp /usr/local/bin/gofer /tmp/newer && printf x >> /tmp/newer")
    before = machine.ok("sha256sum", "/usr/local/bin/gofer")
    machine.ok("/tmp/newer", "service", "install")
    assert machine.ok("sha256sum", "/usr/local/bin/gofer") != before
    machine.ok("systemctl", "restart", "gofer")


INTERRUPTIONS = [restart, stop_and_start, kill, kill_server_process, hang, upgrade]


def restarts(machine: Machine) -> int:
    """How often systemd has started it by itself, if it is up again."""
    return int(machine.show("gofer", "NRestarts")) if machine.show("gofer", "ActiveState") == "active" else -1


@pytest.fixture(scope="module")
def watched(machine: Machine) -> Machine:
    """A systemd that does not wait for long."""
    machine.write("/etc/systemd/system/gofer.service.d/test.conf", _IMPATIENT)
    machine.ok("systemctl", "daemon-reload")
    machine.ok("systemctl", "restart", "gofer")
    return machine


@contextmanager
def engine_of(machine: Machine, name: str) -> Iterator[None]:
    """The service with that engine, for as long as the body lasts."""
    machine.write("/etc/default/gofer", f"GOFER_SCHEDULER__ENGINE={name}\nGOFER_ALLOW_PROCESS_ENGINE=true\n")
    machine.ok("systemctl", "restart", "gofer")
    try:
        yield
    finally:
        machine.ok("rm", "/etc/default/gofer")
        machine.ok("systemctl", "restart", "gofer")


@pytest.mark.parametrize("engine", ["docker", "process"])
def test_no_job_dies_whatever_happens_to_gofer(watched: Machine, engine: str) -> None:
    """Each interruption finds TASKS jobs on their way; in the end every job was started once, and has said it all."""
    api, pipeline = watched.api, f"jobs-{engine}"
    begin = time.time()
    runs = []
    with engine_of(watched, engine):
        api.register(manifest(pipeline, TASKS, witness="/var/tmp" if engine == "process" else ""))
        for interrupt in INTERRUPTIONS:
            runs.append(api.start(pipeline))
            wait_for_output(api, pipeline, runs[-1])
            interrupt(watched)
        whole = sum(check_whole(api, pipeline, run) for run in runs)
    assert whole == TASKS * len(INTERRUPTIONS)
    assert started(watched, engine, begin) == whole


def test_jobs_of_the_process_engine_can_work(watched: Machine) -> None:
    """What hardens the service takes nothing from them that a plain user has."""
    script = (
        "set -e; echo a > /tmp/job; mv /tmp/job /var/tmp/job2; rm /tmp/job2; cp /bin/true ./own; chmod 700 own; ./own; "
        "nice -n 5 true; ulimit -n 128; (exec -a renamed sleep 0.01); cat /proc/meminfo /proc/cpuinfo > /dev/null; "
        "echo x > /dev/shm/job; rm /dev/shm/job; getent hosts localhost > /dev/null; echo fine"
    )
    api = watched.api
    task = {"id": "work", "image": "unused", "command": ["bash", "-c", script], "limits": {"memory": "512MiB"}}
    with engine_of(watched, "process"):
        api.register({"id": "work", "tasks": [task]})
        run = api.start("work")
        ended = wait_for_end(api, "work", run)
        assert (ended["status"], api.log("work", run, "work")) == ("successful", b"fine\n")


def started(machine: Machine, engine: str, since: float) -> int:
    """How many jobs were started, as the engine or the jobs themselves tell."""
    if engine == "process":
        return len(machine.ok("sh", "-c", "ls /var/cache/gofer | grep '^t[0-9]*\\.'").split())
    said = machine.ok(
        "docker", "events", "--since", str(int(since)), "--until", str(int(time.time()) + 1), "--filter", "event=start"
    )
    return len(said.splitlines())


def test_a_follower_reads_on(watched: Machine) -> None:
    api = watched.api
    api.register(manifest("followed", 2))
    run = api.start("followed")
    output = b""
    with watched.popen("gofer", "run", "follow", "followed", str(run)) as follower:
        assert follower.stdout is not None
        for line, interrupt in ((b" line 3", restart), (b" line 30", kill)):
            while line not in output:
                read = follower.stdout.readline()
                assert read, output.decode()
                output += read
            interrupt(watched)
        # Not communicate(): it knows nothing of what readline() has read ahead.
        output += follower.stdout.read()
        follower.wait(timeout=60)
    assert follower.returncode == 0, output.decode()
    for task in ("t0", "t1"):
        seen = [int(found) for found in re.findall(rf"^.*\b{task}\b.* line (\d+)$", output.decode(), re.MULTILINE)]
        assert seen == list(range(1, LINES + 1)), output.decode()


def test_the_journal_says_where_a_loop_hung(watched: Machine) -> None:
    before = restarts(watched)
    watched.signal("ABRT", watched.show("gofer", "MainPID"))
    until(lambda: restarts(watched) > before, "systemd restarts what was aborted")
    assert any("most recent call first" in str(one["MESSAGE"]) for one in watched.journal())


def test_built_in_triggers_outlive_gofer_and_are_taken_up(watched: Machine) -> None:
    """Base triggers, installed by the first start; the same processes after each interruption, and in the unit."""
    before = healthy_triggers(watched)
    assert set(before) == {"cron", "interval"}
    processes = trigger_processes(watched)
    for interrupt in (restart, kill):
        interrupt(watched)
        assert healthy_triggers(watched) == before
        assert trigger_processes(watched) == processes
    watched.ok("systemctl", "stop", "gofer")
    assert trigger_processes(watched) == processes
    watched.ok("systemctl", "kill", "--kill-whom=all", "gofer")
    until(lambda: not trigger_processes(watched), "nothing of it is left")
    watched.ok("systemctl", "start", "gofer")
    after = healthy_triggers(watched)
    assert all(after[name] > started for name, started in before.items())


def healthy_triggers(machine: Machine) -> dict[str, int]:
    """When each was started, once all are healthy."""

    def look() -> dict[str, int]:
        items = machine.gofer("trigger", "list")["items"]
        found = {one["id"]: one["started_at"] for one in items if one.get("state") == "healthy"}
        return found if len(found) == 2 else {}

    return until(look, "both triggers are healthy")


def trigger_processes(machine: Machine) -> set[str]:
    """Those of the unit."""
    group = machine.show("gofer", "ControlGroup") or "/system.slice/gofer.service"
    script = (
        f"for p in $(find /sys/fs/cgroup -path '*{group}/cgroup.procs' -exec cat {{}} + | sort -u); do "
        "tr '\\0' ' ' </proc/$p/cmdline | grep -q 'builtin trigger' && echo $p; done; true"
    )
    return set(machine.ok("sh", "-c", script).split())
