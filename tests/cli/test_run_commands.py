"""`gofer run …` against a real server."""

from __future__ import annotations

from tests.cli.conftest import Gofer, Register
from tests.support.server import Api

HELLO = {"id": "hello", "script": "echo hello; echo oops >&2"}
FAILS = {"id": "fails", "script": "echo before the end; exit 3"}
SLEEPS = {"id": "sleeps", "script": "echo asleep; sleep 1000"}


def test_start_and_get(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register(HELLO)
    started = gofer.ok("run", "start", pipeline)
    assert started.out == f"run {pipeline} #1 queued, version 1\n"
    assert f"gofer run follow {pipeline} 1" in started.err
    server.ended(pipeline, 1)
    said = gofer.ok("run", "get", pipeline, "1")
    assert "successful" in said.out
    assert "hello" in said.out
    assert gofer.ok("run", "get", pipeline, "latest", "--format", "json").json["id"] == 1


def test_the_exit_code_of_a_follow_is_the_outcome(gofer: Gofer, register: Register) -> None:
    good, bad = register(HELLO), ""
    assert gofer("run", "start", good, "--follow").code == 0
    bad = register(FAILS)
    failed = gofer("run", "start", bad, "--follow")
    assert failed.code == 1
    assert gofer("run", "follow", bad, "latest").code == 1
    assert gofer("--format", "silent", "run", "start", bad, "-f") == (1, "", "")


def test_the_end_of_a_failed_run_says_why_and_what_to_do(gofer: Gofer, register: Register) -> None:
    pipeline = register(HELLO, FAILS)
    said = gofer("pipeline", "run", pipeline, "--follow")
    assert said.code == 1
    end = said.out.split("\n\n")[-1]
    assert "fails failed: exited with code 3" in end
    assert "    before the end" in end
    assert f"run {pipeline} #1 failed" in end
    assert "2 tasks: 1 successful, 1 failed" in end
    assert f"gofer run retry {pipeline} 1 --from-failed --follow" in said.err
    assert f"gofer taskrun logs {pipeline} 1 fails" in said.err


def test_parameters_are_text_for_the_server_to_judge(gofer: Gofer, register: Register) -> None:
    pipeline = register(
        {"id": "x", "script": 'echo "$DAY $COUNT"', "variables": {"DAY": "param{{day}}", "COUNT": "param{{count}}"}},
        parameters=[{"name": "day", "required": True}, {"name": "count", "type": "integer", "default": 1}],
    )
    said = gofer.ok("run", "start", pipeline, "-p", "day=monday=tuesday", "--param", "count=7", "-f")
    assert "x | monday=tuesday 7\n" in said.out
    bad = gofer("run", "start", pipeline, "-p", "count=many", "-p", "dya=x")
    assert bad.code == 5
    for place in ("parameters.count", "parameters.dya", "parameters.day"):
        assert place in bad.err
    assert gofer("run", "start", pipeline, "-p", "nothing").code == 2
    assert gofer("run", "start", pipeline, "-p", "day=1", "-p", "day=2").code == 2


def test_cancel(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register(SLEEPS)
    gofer.ok("run", "start", pipeline)
    server.until("taskrun.running", pipeline, 1, "sleeps")
    assert gofer.ok("run", "cancel", pipeline, "1").out.startswith(f"run {pipeline} #1 cancel")
    assert server.ended(pipeline, 1)["status"] == "cancelled"
    followed = gofer("run", "follow", pipeline, "1")
    assert followed.code == 6
    assert f"gofer run retry {pipeline} 1" in followed.err


def test_cancel_all(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register(SLEEPS, parallelism={"limit": 1})
    for _ in range(2):
        gofer.ok("run", "start", pipeline)
    said = gofer.ok("run", "cancel-all", pipeline, "--format", "json")
    assert sorted(said.json["runs"]) == [1, 2]
    for run in (1, 2):
        assert server.ended(pipeline, run)["status"] == "cancelled"
    assert "no run" in gofer.ok("run", "cancel-all", pipeline).out


def test_retry_from_failed(gofer: Gofer, register: Register) -> None:
    pipeline = register(HELLO, FAILS)
    gofer("run", "start", pipeline, "-f")
    said = gofer("run", "retry", pipeline, "latest", "--from-failed", "--follow")
    assert said.code == 1
    assert f"run {pipeline} #2 failed" in said.out
    assert "hello |" not in said.out
    assert gofer.ok("run", "get", pipeline, "2", "--format", "json").json["retry_of"] == 1


def test_list_by_status(gofer: Gofer, register: Register) -> None:
    pipeline = register(
        {"id": "x", "script": '[ "$N" != 1 ]', "variables": {"N": "param{{n}}"}}, parameters=[{"name": "n"}]
    )
    for number in range(3):
        gofer("run", "start", pipeline, "-p", f"n={number}", "-f")
    listed = gofer.ok("run", "list", pipeline, "--status", "failed", "--format", "json").json
    assert [run["id"] for run in listed["items"]] == [2]
    assert [run["id"] for run in gofer.ok("run", "list", pipeline, "--format", "json").json["items"]] == [3, 2, 1]
    page = gofer.ok("run", "list", pipeline, "--limit", "1")
    assert "#3" in page.out
    assert "--all" in page.err
    assert pipeline in gofer.ok("run", "list", "--all").out
    assert gofer("run", "list", pipeline, "--status", "lost").code == 2


def test_history(gofer: Gofer, register: Register) -> None:
    pipeline = register({**FAILS, "retries": {"count": 1, "backoff": "1ms"}})
    gofer("run", "start", pipeline, "-f")
    lines = gofer.ok("run", "get", pipeline, "1", "--history").out.splitlines()
    kinds = [line.split()[3] for line in lines[1:]]
    assert kinds[0] == "run.queued"
    assert kinds[-1] == "run.ended"
    assert kinds.count("taskrun.starting") == 2
    assert "taskrun.retrying" in kinds
    assert gofer("run", "get", pipeline, "99", "--history").code == 4


def test_what_does_not_exist(gofer: Gofer, register: Register) -> None:
    pipeline = register(HELLO)
    for command in (["run", "get", pipeline, "1"], ["run", "get", pipeline, "latest"], ["run", "follow", "nope", "1"]):
        said = gofer(*command)
        assert said.code == 4
        assert said.err.startswith("error: ")
        assert "hint: " in said.err
    assert gofer("run", "get", "../x", "1").code == 5
    assert gofer("run", "get", pipeline, "0").code == 2
