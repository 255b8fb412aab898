"""The Debian package: made, installed, upgraded, removed, purged."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.until import until
from tests.systemd.conftest import ROOT
from tests.systemd.jobs import check_whole, manifest, wait_for_output
from tests.systemd.machine import Machine

KEY = "/etc/credstore/gofer.encryption-key"
NEWER = "99.0.0"


@pytest.fixture(scope="module")
def package(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(program, tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a higher version."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(folder / "tree")], check=True)
    control = folder / "tree" / "DEBIAN" / "control"
    lines = control.read_text().splitlines()
    control.write_text("\n".join(f"Version: {NEWER}" if line.startswith("Version:") else line for line in lines) + "\n")
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build"]
    subprocess.run([*command, str(folder / "tree"), str(folder / "newer.deb")], check=True, capture_output=True)
    return folder / "newer.deb"


def build(program: Path, folder: Path) -> Path:
    subprocess.run([ROOT / "packaging" / "deb" / "build", program, folder], check=True, capture_output=True)
    (made,) = folder.glob("gofer_*_amd64.deb")
    return made


def test_it_is_made_of_the_same_bytes_each_time(package: Path, program: Path, tmp_path: Path) -> None:
    assert build(program, tmp_path).read_bytes() == package.read_bytes()


def test_lintian_finds_nothing_wrong(package: Path) -> None:
    if shutil.which("lintian") is None:
        assert "CI" not in os.environ, "lintian is missing: .ci/test-tools installs it"
        pytest.skip("there is no lintian (make test-tools)")
    done = subprocess.run(
        ["lintian", "--fail-on", "error,warning", package], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_installed_it_runs(bare: Machine, package: Path) -> None:
    bare.copy(package, "/tmp/gofer.deb")
    bare.ok("dpkg", "--install", "/tmp/gofer.deb")
    assert bare.show("gofer", "ActiveState") == "active"
    assert bare.show("gofer", "UnitFileState") == "enabled"
    assert bare.show("gofer.socket", "UnitFileState") == "disabled"
    bare.bootstrap()
    assert bare.gofer("service", "info")["storage_path"] == "/var/lib/gofer"
    assert "path=/usr/bin/gofer " in bare.show("gofer", "ExecStart")
    assert bare.run("dpkg", "--verify", "gofer").stdout == ""
    assert bare.ok("stat", "--format", "%a %U %s", KEY).split() == ["600", "root", "45"]
    bare.ok("sh", "-c", "gofer secret put key --global --namespaces '*' </etc/hostname")
    said = bare.run("gofer", "service", "install")
    assert said.returncode == 5
    assert "Debian package" in said.stderr


def test_an_upgrade_kills_no_job_and_keeps_the_configuration(bare: Machine, newer: Path) -> None:
    api = bare.api
    bare.write("/etc/gofer/gofer.hcl", bare.ok("cat", "/etc/gofer/gofer.hcl") + "# mine\n")
    bare.copy(newer, "/tmp/newer.deb")
    api.register(manifest("upgraded", tasks=6))
    run = api.start("upgraded")
    wait_for_output(api, "upgraded", run)
    before = bare.server_process()
    bare.ok("dpkg", "--install", "/tmp/newer.deb")
    assert bare.server_process() != before
    assert bare.show("gofer", "ActiveState") == "active"
    assert NEWER in bare.ok("dpkg-query", "--show", "gofer")
    assert check_whole(api, "upgraded", run) == 6
    assert bare.ok("tail", "-n", "1", "/etc/gofer/gofer.hcl") == "# mine\n"


def test_what_was_stopped_stays_stopped_over_an_upgrade(bare: Machine) -> None:
    bare.ok("systemctl", "stop", "gofer")
    bare.ok("dpkg", "--install", "/tmp/gofer.deb")
    assert bare.show("gofer", "ActiveState") == "inactive"
    bare.ok("systemctl", "start", "gofer")


def test_removed_it_leaves_configuration_and_data(bare: Machine) -> None:
    bare.ok("dpkg", "--remove", "gofer")
    assert bare.show("gofer", "ActiveState") == "inactive"
    assert bare.run("test", "-e", "/usr/bin/gofer").returncode != 0
    bare.ok("test", "-e", "/etc/gofer/gofer.hcl", "-a", "-e", "/var/lib/gofer/gofer.db")
    bare.ok("dpkg", "--install", "/tmp/gofer.deb")
    until(lambda: bare.show("gofer", "ActiveState") == "active", "that it runs again")
    assert (
        bare.ok("sh", "-c", "gofer secret get key --global --reveal").strip() == bare.ok("cat", "/etc/hostname").strip()
    )
    assert bare.api.get("namespaces/default/pipelines/upgraded")["id"] == "upgraded"


def test_purged_it_leaves_data_alone(bare: Machine) -> None:
    done = bare.run("dpkg", "--purge", "gofer")
    assert done.returncode == 0, done.stderr
    assert "/var/lib/gofer" in done.stderr
    assert bare.run("test", "-e", "/etc/gofer/gofer.hcl").returncode != 0
    assert bare.run("test", "-e", "/var/cache/gofer").returncode != 0
    bare.ok("test", "-e", "/var/lib/gofer/gofer.db", "-a", "-e", KEY)
    assert KEY in done.stderr
    assert bare.ok("find", "/etc/systemd", "/usr/lib/systemd", "-name", "gofer*") == ""
    assert bare.ok("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""


def test_it_is_not_installed_beside_the_other_way_of_installing(bare: Machine, program: Path) -> None:
    bare.copy(program, "/tmp/gofer")
    bare.ok("/tmp/gofer", "service", "install")
    said = bare.run("dpkg", "--install", "/tmp/gofer.deb")
    assert said.returncode != 0
    assert "gofer service uninstall" in said.stderr
