"""The service's life under systemd: start, status, reload, stop, the journal, the boot."""

from __future__ import annotations

import time
from typing import Any

from tests.support.until import until
from tests.systemd.jobs import check_whole, manifest, wait_for_end
from tests.systemd.machine import Machine

INFO = "6"
SHUTDOWN = 3
SHORT = 20


def test_it_answers_when_systemd_says_that_it_has_started(machine: Machine) -> None:
    machine.ok("systemctl", "restart", "gofer")
    assert machine.api.get("/readyz")["status"] == "ok"
    assert machine.show("gofer", "Type") == "notify"
    info = machine.gofer("service", "info")
    assert info["dev_mode"] is False
    assert info["engine"]["name"] == "docker"
    assert info["storage_path"] == "/var/lib/gofer"


def test_it_runs_as_its_own_user_without_rights(machine: Machine) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in machine.ok("cat", f"/proc/{machine.server_process()}/status").splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split()[0] == machine.ok("id", "--user", "gofer").strip()
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    for path in ("/var/lib/gofer", "/var/log/gofer", "/var/cache/gofer"):
        assert machine.ok("stat", "--format", "%U %a", path).strip() == "gofer 700"


def test_the_status_line_tells_of_runs(machine: Machine) -> None:
    api = machine.api
    assert machine.show("gofer", "StatusText").startswith("0 runs running, 0 queued; docker ")
    api.register(manifest("status", 1, lines=SHORT))
    run = api.start("status")
    until(lambda: machine.show("gofer", "StatusText").startswith("1 run running, 0 queued"), "status with a run")
    assert check_whole(api, "status", run, SHORT) == 1
    until(lambda: machine.show("gofer", "StatusText").startswith("0 runs running, 0 queued"), "status without a run")


def test_reload_goes_on_in_the_same_process(machine: Machine) -> None:
    before = machine.server_process()
    machine.write("/etc/gofer/gofer.hcl", machine.ok("cat", "/etc/gofer/gofer.hcl") + '\nlog_level = "debug"\n')
    machine.ok("systemctl", "reload", "gofer")
    until(lambda: "log_level" in messages(machine), "the journal tells of the new level")
    assert machine.server_process() == before
    assert machine.show("gofer", "ActiveState") == "active"
    assert machine.show("gofer", "NRestarts") == "0"


def test_the_journal_is_for_people_and_has_levels(machine: Machine) -> None:
    machine.ok("systemctl", "restart", "gofer")
    entry = until(lambda: [one for one in machine.journal() if "ready" in message(one)], "that it is ready")[-1]
    assert entry["PRIORITY"] == INFO
    assert "http://localhost:8080" in message(entry)
    assert not message(entry).startswith("<")
    machine.ok("systemctl", "stop", "docker.socket", "docker.service")
    try:
        until(lambda: machine.api.raw("GET", "/readyz")[0] == 503, "that it is not ready")
        until(lambda: [one for one in machine.journal("--priority", "warning") if "engine" in message(one)], "warning")
        until(lambda: "ENGINE AWAY" in machine.show("gofer", "StatusText"), "status without an engine")
    finally:
        machine.ok("systemctl", "start", "docker.socket", "docker.service")
    until(lambda: "answers" in machine.show("gofer", "StatusText"), "status with the engine again")


def test_a_wrong_setting_is_an_error_in_the_journal_and_once_mended_it_starts(machine: Machine) -> None:
    machine.ok("systemctl", "stop", "gofer")
    machine.write("/etc/default/gofer", "GOFER_SERVER__HOST=nowhere\n")
    assert machine.run("systemctl", "start", "gofer").returncode != 0
    assert machine.show("gofer", "ActiveState") == "activating"
    said = [message(one) for one in machine.journal("--priority", "err") if one.get("_COMM") == "gofer"]
    assert any("nowhere" in one for one in said), said
    assert any(one.startswith("hint:") for one in said), said
    machine.ok("rm", "/etc/default/gofer")
    until(lambda: machine.show("gofer", "ActiveState") == "active", "that it starts by itself")


def test_the_credential_is_handed_over_and_without_it_there_are_no_secrets(machine: Machine) -> None:
    folder, key = "/run/credentials/gofer.service", "/etc/credstore/gofer.encryption-key"
    made = machine.ok("cat", key)
    assert machine.ok("cat", f"{folder}/gofer.encryption-key") == made
    assert machine.ok("stat", "--format", "%a %U", key).split() == ["600", "root"]
    put = ["sh", "-c", "echo value | gofer secret put key --global --namespaces '*'"]
    machine.ok("mv", key, f"{key}.away")
    machine.ok("systemctl", "restart", "gofer")
    assert machine.ok("ls", folder) == ""
    said = machine.run(*put)
    assert said.returncode == 5
    assert "generate-key" in said.stderr
    machine.ok("mv", f"{key}.away", key)
    machine.ok("systemctl", "restart", "gofer")
    machine.ok(*put)
    machine.ok("gofer", "secret", "delete", "key", "--global")


def test_with_containers_alone_the_unit_can_be_closed_further(machine: Machine) -> None:
    """What docs/systemd.md says of that."""
    closed = "[Service]\nMemoryDenyWriteExecute=yes\nSystemCallFilter=~@resources @privileged\n"
    machine.write("/etc/systemd/system/gofer.service.d/closed.conf", closed)
    machine.ok("systemctl", "daemon-reload")
    machine.ok("systemctl", "restart", "gofer")
    machine.api.register(manifest("closed", 1, lines=SHORT))
    assert check_whole(machine.api, "closed", machine.api.start("closed"), SHORT) == 1
    machine.ok("rm", "/etc/systemd/system/gofer.service.d/closed.conf")
    machine.ok("systemctl", "daemon-reload")
    machine.ok("systemctl", "restart", "gofer")


def test_stop_waits_for_open_requests_as_long_as_the_settings_say(machine: Machine) -> None:
    machine.write("/etc/default/gofer", f"GOFER_SERVER__SHUTDOWN_TIMEOUT={SHUTDOWN}s\n")
    machine.ok("systemctl", "restart", "gofer")
    api = machine.api
    api.register(manifest("slow", tasks=1))
    run = api.start("slow")
    # A request whose body never comes does not end by itself.
    with machine.connect() as caller:
        head = "POST /api/v1/namespaces/default/pipelines HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        head += f"Authorization: Bearer {machine.token}\r\nContent-Type: application/json\r\n"
        caller.sendall(f"{head}\r\n{{".encode())
        begin = time.monotonic()
        machine.ok("systemctl", "stop", "gofer")
        assert time.monotonic() - begin >= SHUTDOWN
    assert machine.show("gofer", "Result") == "success"
    machine.ok("rm", "/etc/default/gofer")
    machine.ok("systemctl", "start", "gofer")
    assert check_whole(machine.api, "slow", run) == 1


def test_after_a_boot_it_is_there_and_docker_was_first(machine: Machine) -> None:
    api = machine.api
    api.register(manifest("boot", 1, lines=SHORT))
    run = api.start("boot")
    wait_for_end(api, "boot", run)
    before = machine.ok("date", "+%s").strip()
    machine.reboot()
    assert machine.show("gofer", "ActiveState") == "active"
    docker = int(machine.show("docker", "ActiveEnterTimestampMonotonic"))
    gofer = int(machine.show("gofer", "ExecMainStartTimestampMonotonic"))
    assert docker < gofer
    assert machine.gofer("service", "info")["engine_available"] is True
    assert not [message(one) for one in machine.journal("--since", f"@{before}", "--priority", "warning")]
    assert check_whole(machine.api, "boot", run, SHORT) == 1


def message(entry: dict[str, Any]) -> str:
    return str(entry["MESSAGE"])


def messages(machine: Machine) -> str:
    return "\n".join(map(message, machine.journal()))
