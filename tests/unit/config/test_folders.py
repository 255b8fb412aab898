from __future__ import annotations

from pathlib import Path

import pytest

from gofer.config.default_folders import default_file, default_logs_path, default_storage_path
from gofer.config.load import load, read


def test_under_systemd_the_units_folders_hold() -> None:
    environ = {"HOME": "/root", "XDG_DATA_HOME": "/data", "STATE_DIRECTORY": "/var/lib/gofer:/var/lib/gofer-old"}
    assert default_storage_path(environ) == Path("/var/lib/gofer")
    assert default_logs_path(environ, Path("/var/lib/gofer")) == Path("/var/lib/gofer/logs")
    environ["LOGS_DIRECTORY"] = "/var/log/gofer"
    assert default_logs_path(environ, Path("/var/lib/gofer")) == Path("/var/log/gofer")


@pytest.mark.parametrize("text", ["", "relative", ":", "relative:also"])
def test_what_names_no_folder_is_passed_over(text: str) -> None:
    assert default_storage_path({"HOME": "/h", "STATE_DIRECTORY": text}) == Path("/h/.local/share/gofer")


def test_without_home_it_is_the_home_of_the_user_not_tmp() -> None:
    found = default_storage_path({})
    assert found.is_absolute()
    assert found.parts[-3:] == (".local", "share", "gofer")
    assert "tmp" not in found.parts


def test_settings_beat_the_units_folders(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/gofer", "LOGS_DIRECTORY": "/var/log/gofer"}
    settings = load(None, environ, {"server.storage_path": "/srv/g"}, default_path=tmp_path / "none")
    assert settings.server.storage_path == Path("/srv/g")
    assert settings.task_run_logs_dir == Path("/var/log/gofer")
    settings = load(None, {**environ, "GOFER_TASK_RUN_LOGS_DIR": "/logs"}, {}, default_path=tmp_path / "none")
    assert (settings.server.storage_path, settings.task_run_logs_dir) == (Path("/var/lib/gofer"), Path("/logs"))


def test_the_units_file_comes_before_that_of_the_machine(tmp_path: Path) -> None:
    machine = tmp_path / "etc.hcl"
    machine.write_text('log_level = "error"')
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    environ = {"CONFIGURATION_DIRECTORY": f"{first}:{second}"}
    assert default_file(environ) is None
    assert read(None, environ, {}, default_path=machine).file == machine
    (second / "gofer.hcl").write_text('log_level = "debug"')
    found = read(None, environ, {}, default_path=machine)
    assert (found.file, found.settings.log_level) == (second / "gofer.hcl", "debug")
