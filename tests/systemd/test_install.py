"""`gofer service install` and `uninstall` on a machine that systemd runs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.systemd.machine import Machine

MOST_EXPOSURE = 3.0
_LISTED = "find /usr /etc -xdev -newer /tmp/mark ! -type d | sort"


@pytest.fixture(scope="module")
def gofer(bare: Machine, program: Path) -> str:
    bare.copy(program, "/tmp/gofer")
    return "/tmp/gofer"


def call(machine: Machine, *command: str) -> Any:
    return json.loads(machine.ok(*command[:1], "--format", "json", *command[1:]))


def actions(done: Any) -> set[str]:
    return {step["action"] for step in done["steps"]}


def test_a_dry_run_changes_nothing(bare: Machine, gofer: str) -> None:
    bare.ok("touch", "/tmp/mark")
    done = call(bare, gofer, "service", "install", "--dry-run")
    assert done["dry_run"] is True
    assert actions(done) == {"write", "run"}
    assert bare.ok("sh", "-c", _LISTED) == ""
    assert bare.run("getent", "passwd", "gofer").returncode != 0


def test_only_root_may_do_it(bare: Machine, gofer: str) -> None:
    said = bare.run(gofer, "service", "install", user="daemon")
    assert said.returncode == 5
    assert "error: only root may do this" in said.stderr
    assert "sudo" in said.stderr


def test_uninstall_without_an_installation(bare: Machine, gofer: str) -> None:
    said = bare.run(gofer, "service", "uninstall")
    assert said.returncode == 4
    assert "nothing was installed" in said.stderr


def test_a_machine_without_systemd(images: None, program: Path) -> None:
    command = ["docker", "run", "--rm", "--volume", f"{program.resolve()}:/gofer:ro", "gofer-test-debian"]
    said = subprocess.run([*command, "/gofer", "service", "install"], capture_output=True, text=True, check=False)
    assert said.returncode == 5
    assert "error: this machine is not run by systemd" in said.stderr
    assert "--root DIR" in said.stderr


def test_install_lays_down_everything_and_nothing_twice(bare: Machine, gofer: str) -> None:
    bare.ok("touch", "/tmp/mark")
    first = call(bare, gofer, "service", "install")
    assert actions(first) == {"write", "run"}
    assert first["next"] == "systemctl enable --now gofer"
    laid = {step["target"] for step in first["steps"] if step["action"] == "write"}
    listed = set(bare.ok("sh", "-c", _LISTED).split())
    # Of the rest systemd-sysusers is the author.
    users = {f"/etc/{name}{old}" for name in ("passwd", "group", "shadow", "gshadow") for old in ("", "-")}
    assert listed - users == laid | {"/usr/local/lib/gofer/installed.json"}
    again = call(bare, "/usr/local/bin/gofer", "service", "install")
    assert actions(again) == {"keep", "run"}
    assert bare.ok("id", "--name", "--groups", "gofer").split() == ["gofer"]


def test_systemd_finds_nothing_wrong_with_the_units(bare: Machine) -> None:
    units = [f"/usr/local/lib/systemd/system/gofer.{kind}" for kind in ("service", "socket")]
    done = bare.run("systemd-analyze", "verify", "--man=no", *units)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_exposure(bare: Machine) -> None:
    unit = "/usr/local/lib/systemd/system/gofer.service"
    said = bare.ok("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for gofer.service: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= MOST_EXPOSURE, said


def test_a_changed_unit_is_kept_beside_the_new_one(bare: Machine) -> None:
    unit = "/usr/local/lib/systemd/system/gofer.socket"
    bare.ok("sh", "-c", f"echo '# mine' >> {unit}")
    done = call(bare, "gofer", "service", "install")
    replaced = [step for step in done["steps"] if step["action"] == "replace"]
    assert [step["target"] for step in replaced] == [unit]
    assert "# mine" in bare.ok("cat", f"{unit}.old")
    assert "# mine" not in bare.ok("cat", unit)
    bare.ok("rm", f"{unit}.old")


def test_a_configuration_that_is_there_stays(bare: Machine) -> None:
    bare.write("/etc/gofer/gofer.hcl", "dev_mode = false\n# mine\n")
    call(bare, "gofer", "service", "install")
    assert bare.ok("cat", "/etc/gofer/gofer.hcl") == "dev_mode = false\n# mine\n"


def test_uninstall_leaves_data_and_configuration(bare: Machine) -> None:
    bare.ok("systemctl", "enable", "--now", "gofer")
    assert bare.ok("test", "-f", "/var/lib/gofer/gofer.db") == ""
    done = call(bare, "gofer", "service", "uninstall")
    key = "/etc/credstore/gofer.encryption-key"
    assert set(done["left"]) == {"/etc/gofer/gofer.hcl", key, "/var/lib/gofer", "/var/log/gofer"}
    assert bare.run("systemctl", "cat", "gofer").returncode != 0
    assert bare.run("systemctl", "is-active", "gofer").stdout == "inactive\n"
    assert bare.ok("find", "/usr/local", "-name", "*gofer*") == ""
    assert bare.ok("sh", "-c", "find /etc/systemd -name '*gofer*'") == ""
    assert bare.ok("cat", "/etc/gofer/gofer.hcl") == "dev_mode = false\n# mine\n"
    assert bare.ok("test", "-f", "/var/lib/gofer/gofer.db") == ""
