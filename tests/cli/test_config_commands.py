"""`gofer service config …`, `init-config`, `printenv`, `reload`, `start --set`, and SIGHUP."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from gofer.config.gather import variable
from gofer.config.settings import Settings
from gofer.config.table import table
from tests.cli.conftest import GOFER, Gofer
from tests.cli.small_server import Answer, small_server
from tests.support.server import Api


class Served(NamedTuple):
    """A server with a configuration file of its own, whose stdin is no terminal."""

    process: subprocess.Popen[bytes]
    api: Api
    path: Path
    base: str
    gofer: Gofer

    def shown(self) -> dict[str, dict[str, object]]:
        found = self.gofer.ok("service", "config", "show", "--server", "--format", "json").json
        return {one["key"]: one for one in found}


@contextmanager
def served(alone: Gofer, text: str = "", *options: str) -> Iterator[Served]:
    path = alone.home / "gofer.hcl"
    base = f'server {{ host = "127.0.0.1:0" storage_path = "{alone.home}/data" }}\nscheduler {{ engine = "process" }}\n'
    path.write_text(base + text)
    command = [*GOFER, "service", "start", "--config", str(path), *options]
    environ = {**alone.environ, "PYTHONUNBUFFERED": "1"}
    log = (alone.home / "server.log").open("wb")
    with (
        log,
        subprocess.Popen(
            command, env=environ, cwd=alone.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[-1]
        alone.environ["GOFER_CLI_HOST"] = address
        try:
            yield Served(process, Api(address), path, base, alone)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert process.returncode == 0, (alone.home / "server.log").read_text()


def test_check_lists_everything_and_the_nearest_right_key(alone: Gofer) -> None:
    (alone.home / "g.hcl").write_text(
        'log_levl = "info"\nrun_parallelism_limit = many\nserver { host = "0.0.0.0:80" }\n'
    )
    said = alone("service", "config", "check", "g.hcl")
    assert said.code == 2
    for line in ("g.hcl line 1: there is no setting", 'Did you mean "log_level"?', "g.hcl line 2: ", "g.hcl line 3: "):
        assert line in said.out
    assert "has 3 errors" in said.out
    found = alone("service", "config", "check", "g.hcl", "--format", "json")
    assert found.code == 2
    assert [error["place"] for error in found.json["errors"]] == [f"g.hcl line {line}" for line in (1, 2, 3)]


@pytest.mark.parametrize("content", [None, b"\xff\n", b"server {\n"])
def test_check_has_no_doubts_about_what_it_could_not_read(alone: Gofer, content: bytes | None) -> None:
    path = alone.home / "g.hcl"
    if content is not None:
        path.write_bytes(content)
    said = alone("service", "config", "check", "g.hcl")
    assert said.code == 2
    assert said.out.count("error: g.hcl") == 1
    assert "g.hcl: g.hcl" not in said.out
    assert "warning" not in said.out


def test_check_of_what_is_sound_and_of_what_is_doubtful(alone: Gofer) -> None:
    (alone.home / "g.hcl").write_text("allow_privileged = true\ndev_mode = false\n")
    said = alone.ok("service", "config", "check", "g.hcl")
    assert "warning: g.hcl line 1: allow_privileged:" in said.out
    assert said.out.endswith("g.hcl is sound.\n")
    assert alone.ok("service", "config", "check").out.endswith("(there is no file) is sound.\n")
    assert alone("service", "config", "check", "none.hcl").code == 2
    assert alone("--config", "none.hcl", "service", "config", "check").code == 2


def test_show_says_where_each_value_comes_from(alone: Gofer) -> None:
    (alone.home / "g.hcl").write_text('log_level = "debug"\nrun_parallelism_limit = 7\n')
    arguments = ["service", "config", "show", "--config", "g.hcl", "--set", "server.max_body_bytes=1MiB"]
    environ = {"GOFER_RUN_PARALLELISM_LIMIT": "9"}
    found = {one["key"]: one for one in alone(*arguments, "--format", "json", environ=environ).json}
    assert set(found) == {setting.key for setting in table(Settings)}
    assert (found["log_level"]["value"], found["log_level"]["place"]) == ("debug", "g.hcl line 1")
    assert (found["run_parallelism_limit"]["value"], found["run_parallelism_limit"]["place"]) == (
        9,
        "GOFER_RUN_PARALLELISM_LIMIT",
    )
    assert (found["server.max_body_bytes"]["value"], found["server.max_body_bytes"]["source"]) == ("1MiB", "option")
    assert (found["dev_mode"]["value"], found["dev_mode"]["source"]) == (True, "default")
    pretty = alone(*arguments, environ=environ).out
    assert "GOFER_RUN_PARALLELISM_LIMIT" in pretty
    assert "(not set)" in pretty
    assert alone("service", "config", "show", "--config", "none.hcl").code == 2
    assert alone("service", "config", "show", "--server", "--config", "g.hcl").code == 2


def test_show_never_shows_a_secret(alone: Gofer) -> None:
    one = b'[{"key":"store.encryption_key","value":null,"source":"file","place":"f line 1","hidden":true}]'
    with small_server(lambda _: Answer(200, one)) as server:
        said = alone.ok("service", "config", "show", "--server", "--host", server.address)
    assert "(hidden)" in said.out


def test_init_config(alone: Gofer) -> None:
    assert alone.ok("service", "init-config").out == alone.ok("service", "init-config", "--dev", "-").out
    said = alone.ok("service", "init-config", "--production", "new.hcl")
    assert "config check new.hcl" in said.err
    path = alone.home / "new.hcl"
    assert path.read_text() == alone.ok("service", "init-config", "--production").out
    path.write_text("dev_mode = false\n")
    path.chmod(0o600)
    assert said.err.endswith("gofer service config check new.hcl\n")
    spaced = alone.ok("service", "init-config", "my new.hcl")
    assert spaced.err.endswith("gofer service config check 'my new.hcl'\n")
    refused = alone("service", "init-config", "new.hcl")
    assert refused.code == 5
    assert "--force" in refused.err
    assert path.read_text() == "dev_mode = false\n"
    alone.ok("service", "init-config", "--force", "new.hcl")
    assert "#log_level" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in alone.home.glob(".new*")] == []
    assert alone("service", "init-config", "no/such/folder.hcl").code == 74


@pytest.mark.parametrize("profile", ["--production", "--dev"])
def test_what_init_config_writes_is_sound(alone: Gofer, profile: str) -> None:
    alone.ok("service", "init-config", profile, "g.hcl")
    assert alone.ok("service", "config", "check", "g.hcl", "--format", "json").json["errors"] == []


def test_printenv_lists_every_variable(alone: Gofer) -> None:
    found = {one["name"]: one for one in alone.ok("service", "printenv", "--format", "json").json}
    assert {variable(setting.key, "GOFER_") for setting in table(Settings)} < set(found)
    assert {"GOFER_CONFIG_PATH", "GOFER_CLI_CONFIG", "GOFER_CLI_CA_FILE"} < set(found)
    assert found["GOFER_TASK_RUN_STOP_TIMEOUT"]["default"] == "5m"
    assert all(one["help"] for one in found.values())
    pretty = alone.ok("service", "printenv").out
    assert all(name in pretty for name in found)


def test_every_setting_can_come_from_an_option(alone: Gofer) -> None:
    with served(alone, "", "--set", "log_level=warning", "--set", "scheduler.docker.prune=true") as server:
        shown = server.shown()
        assert (shown["log_level"]["value"], shown["log_level"]["source"]) == ("warning", "option")
        assert (shown["scheduler.docker.prune"]["value"], shown["server.host"]["place"]) == (
            True,
            f"{server.path} line 1",
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "log_level"], "is not KEY=VALUE"),
        (["--set", "log_levl=info"], 'Did you mean "log_level"?'),
        (["--set", "log_level=loud"], 'expected "debug"'),
        (["--host", "127.0.0.1:0", "--set", "server.host=127.0.0.1:0"], "server.host is given twice"),
        (["--set", "dev_mode=true", "--set", "dev_mode=true"], "dev_mode is given twice"),
    ],
)
def test_a_wrong_option_stops_the_start(alone: Gofer, options: list[str], message: str) -> None:
    said = alone("service", "start", *options)
    assert said.code == 2
    assert message in said.err


def test_reload(alone: Gofer) -> None:
    with served(alone) as server:
        assert alone.ok("service", "reload").out == "Nothing has changed.\n"
        server.path.write_text(server.base + "run_parallelism_limit = 3\ndev_mode = false\n")
        said = alone.ok("service", "reload")
        assert said.out == "Changed: run_parallelism_limit\n"
        assert "dev_mode" in said.err
        assert "changes with a restart" in alone.ok("service", "config", "show", "--server").out
        server.path.write_text(server.base + "run_parallelism_limit = 3\nnonsense = 1\nlog_levl = 2\n")
        refused = alone("service", "reload")
        assert refused.code == 5
        assert f"{server.path} line 4: there is no setting" in refused.err
        assert "line 5" in refused.err
        assert server.shown()["run_parallelism_limit"]["value"] == 3


def test_hangup_reloads_where_there_is_no_terminal(alone: Gofer) -> None:
    with served(alone, 'log_level = "warning"\n') as server:
        events = server.api.events()
        server.path.write_text(server.base + "nonsense = 1\n")
        server.process.send_signal(signal.SIGHUP)
        assert next(one for one in events if one["kind"] == "server.misconfigured")["data"]["problems"]
        server.path.write_text(server.base + 'log_level = "info"\nrun_parallelism_limit = 5\n')
        server.process.send_signal(signal.SIGHUP)
        changed = next(one for one in events if one["kind"] == "server.reloaded")["data"]["applied"]
        assert changed == ["log_level", "run_parallelism_limit"]
        assert server.shown()["run_parallelism_limit"]["value"] == 5
    log = (alone.home / "server.log").read_text()
    assert "not reloaded" in log
    assert "line 3" in log
    assert "reloaded" in log
    assert "Traceback" not in log
