from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gofer.config.load import load
from gofer.config.settings import ServerSettings, Settings
from gofer.config.table import table
from gofer.errors import ConfigError

HOME = {"HOME": "/home/somebody"}


def load_text(folder: Path, text: str, environ: Mapping[str, str] = HOME, **overrides: str) -> Settings:
    path = folder / "gofer.hcl"
    path.write_text(text)
    return load(path, environ, {key.replace("__", "."): value for key, value in overrides.items()})


def nothing(tmp_path: Path) -> Path:
    return tmp_path / "there-is-no-such.hcl"


def test_defaults(tmp_path: Path) -> None:
    settings = load(None, HOME, {}, default_path=nothing(tmp_path))
    assert settings == Settings(
        server=ServerSettings(storage_path=Path("/home/somebody/.local/share/gofer")),
        task_run_logs_dir=Path("/home/somebody/.local/share/gofer/logs"),
    )
    assert settings.event_log_retention == 4380 * 3_600_000
    assert settings.server.host == "localhost:8080"


def test_the_data_folder_follows_xdg(tmp_path: Path) -> None:
    settings = load(None, {**HOME, "XDG_DATA_HOME": "/data"}, {}, default_path=nothing(tmp_path))
    assert settings.server.storage_path == Path("/data/gofer")
    # The standard says that a relative one is to be ignored.
    settings = load(None, {**HOME, "XDG_DATA_HOME": "data"}, {}, default_path=nothing(tmp_path))
    assert settings.server.storage_path == Path("/home/somebody/.local/share/gofer")


def test_logs_are_in_the_storage_folder_unless_said_otherwise(tmp_path: Path) -> None:
    settings = load_text(tmp_path, 'server { storage_path = "/var/lib/gofer" }')
    assert settings.task_run_logs_dir == Path("/var/lib/gofer/logs")
    settings = load_text(tmp_path, 'task_run_logs_dir = "/logs"')
    assert settings.task_run_logs_dir == Path("/logs")


def test_every_type_from_a_file(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        """
        dev_mode = false
        log_level = "debug"
        run_parallelism_limit = 7
        task_run_stop_timeout = "1m30s"
        allowed_mounts = ["/srv", "/mnt"]
        server { max_body_bytes = "1MiB" storage_path = "/var/lib/gofer" }
        scheduler { engine = "docker" docker { prune = true start_concurrency = 3 } }
        """,
    )
    assert (settings.dev_mode, settings.log_level, settings.run_parallelism_limit) == (False, "debug", 7)
    assert (settings.task_run_stop_timeout, settings.allowed_mounts) == (90_000, ["/srv", "/mnt"])
    assert (settings.server.max_body_bytes, settings.server.storage_path) == (1_048_576, Path("/var/lib/gofer"))
    assert settings.scheduler.engine == "docker"
    assert (settings.scheduler.docker.prune, settings.scheduler.docker.start_concurrency) == (True, 3)


def test_every_type_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "GOFER_DEV_MODE": "no",
        "GOFER_RUN_PARALLELISM_LIMIT": "7",
        "GOFER_TASK_RUN_STOP_TIMEOUT": "1m30s",
        "GOFER_ALLOWED_MOUNTS": "/srv, /mnt",
        "GOFER_SERVER__MAX_BODY_BYTES": "1MiB",
        "GOFER_SCHEDULER__DOCKER__PRUNE": "true",
        "GOFER_LOG_LEVEL": "warning",
    }
    settings = load(None, environ, {}, default_path=nothing(tmp_path))
    assert (settings.dev_mode, settings.run_parallelism_limit, settings.log_level) == (False, 7, "warning")
    assert (settings.task_run_stop_timeout, settings.allowed_mounts) == (90_000, ["/srv", "/mnt"])
    assert (settings.server.max_body_bytes, settings.scheduler.docker.prune) == (1_048_576, True)


def test_options_beat_environment_beats_file_beats_default(tmp_path: Path) -> None:
    text = 'log_level = "debug"\nserver { host = "localhost:1" shutdown_timeout = "1s" }'
    environ = {**HOME, "GOFER_SERVER__HOST": "localhost:2", "GOFER_SERVER__SHUTDOWN_TIMEOUT": "2s"}
    settings = load_text(tmp_path, text, environ, server__host="localhost:3")
    assert settings.server.host == "localhost:3"
    assert settings.server.shutdown_timeout == 2000
    assert settings.log_level == "debug"
    assert settings.task_run_log_expiry == 20


def test_which_file_is_read(tmp_path: Path) -> None:
    paths = {}
    for name, level in (("option", "debug"), ("variable", "warning"), ("default", "error")):
        paths[name] = tmp_path / f"{name}.hcl"
        paths[name].write_text(f'log_level = "{level}"')
    environ = {**HOME, "GOFER_CONFIG_PATH": str(paths["variable"])}
    assert load(paths["option"], environ, {}, default_path=paths["default"]).log_level == "debug"
    assert load(None, environ, {}, default_path=paths["default"]).log_level == "warning"
    assert load(None, HOME, {}, default_path=paths["default"]).log_level == "error"
    with pytest.raises(ConfigError, match="cannot be read"):
        load(None, {"GOFER_CONFIG_PATH": str(nothing(tmp_path))}, {})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("\ndev_mod = true", 'line 2: there is no setting "dev_mod"', 'Did you mean "dev_mode"?'),
        ("server {\n hots = 1 }", 'line 2: there is no setting "server.hots"', 'Did you mean "server.host"?'),
        ("sevrer { }", 'line 1: there is no block "sevrer"', 'Did you mean "server"?'),
        ("host = 1", 'line 1: there is no setting "host"', 'Did you mean "server.host"?'),
        ("docker { }", 'line 1: there is no block "docker"', 'Did you mean "scheduler.docker"?'),
        ("zzz = 1", 'line 1: there is no setting "zzz"', "Remove it"),
        ("server = 1", 'line 1: "server" is a block, not a setting', "Write `server { … }`."),
        ("dev_mode { }", 'line 1: "dev_mode" is a setting, not a block', "Write `dev_mode = …`."),
        ("dev_mode = true\n\ndev_mode = false", 'line 3: "dev_mode" is set already in line 1', "Keep one"),
        (
            'server { host = "a" }\nserver { host = "b" }',
            'line 2: "server.host" is set already in line 1',
            "Keep one",
        ),
        ('dev_mode = "true"', 'line 1: dev_mode: expected true or false, came "true"', "Conveniences"),
        ("log_level = 3", 'log_level: expected "debug" or "info" or "warning" or "error", came the number 3', ""),
        ("run_parallelism_limit = 1.5", "expected a whole number, came the number 1.5", ""),
        ("run_parallelism_limit = true", "expected a whole number, came true", ""),
        ("run_parallelism_limit = -1", "expected at least 0, came the number -1", ""),
        ("task_run_log_expiry = 99999999999999999999", "expected at most 9007199254740991, came the number 9999", ""),
        ('server { max_body_bytes = "9999999999999999999GiB" }', "came", ""),
        ('task_run_stop_timeout = "5 minutes"', 'expected a duration such as "90s"', ""),
        ("task_run_stop_timeout = 5", "came the number 5", ""),
        ('event_log_retention = "1s"', "expected at least 1m00s, came the number 1000", ""),
        ('server { max_body_bytes = "lots" }', 'expected a size such as "512kB"', ""),
        ('server { storage_path = "" }', "expected the path of a file or folder", ""),
        ('server { storage_path = "~there-is-no-such-user/x" }', "there is no such home folder", ""),
        ('allowed_mounts = "/a"', 'expected a list of texts such as ["a", "b"], came "/a"', ""),
        ('allowed_mounts = ["/a", 1]', "came a list with other things than texts", ""),
        ('log_level = "\\u001b[31m"', "came ", ""),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    assert message in caught.value.message
    assert "gofer.hcl line " in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint.startswith(hint)


def test_the_command_that_lists_everything_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "my settings"
    folder.mkdir()
    with pytest.raises(ConfigError) as caught:
        load_text(folder, "one = 1\ntwo = 2")
    assert f"`gofer service config check '{folder}/gofer.hcl'`" in caught.value.hint


def test_a_relative_path_where_the_present_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload, long after the start."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match='a path that begins with /, came "logs"'):
        load_text(tmp_path, 'task_run_logs_dir = "logs"')


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("GOFER_DEV_MOD", "true", "there is no such setting", "Did you mean GOFER_DEV_MODE?"),
        ("GOFER_SERVER_HOST", "x", "there is no such setting", "Did you mean GOFER_SERVER__HOST?"),
        ("GOFER_ZZZ", "x", "there is no such setting", "Unset it."),
        ("GOFER_DEV_MODE", "maybe", 'dev_mode: expected true or false, came "maybe"', ""),
        ("GOFER_RUN_PARALLELISM_LIMIT", "many", 'expected a whole number, came "many"', ""),
        ("GOFER_RUN_PARALLELISM_LIMIT", "-1", "expected at least 0, came the number -1", ""),
        ("GOFER_LOG_LEVEL", "loud", 'came "loud"', ""),
    ],
)
def test_what_is_wrong_in_the_environment_is_said_with_its_name(
    tmp_path: Path, name: str, value: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {name: value}, {}, default_path=nothing(tmp_path))
    assert f"environment variable {name}: " in caught.value.message
    assert message in caught.value.message
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    "name",
    [
        "GOFER_CLI_HOST",
        "GOFER_RUN_ID",
        "GOFER_API_TOKEN",
        "GOFER_TEST_CRASH_AT",
        "GOFER_SERVICE_HOST",
        "GOFER_PORT",
        "GOFER_PORT_8080_TCP_ADDR",
        "GOFER_UI_SERVICE_PORT_HTTP",
        "OTHER",
    ],
)
def test_variables_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    assert load(None, {**HOME, name: "x"}, {}, default_path=nothing(tmp_path)).dev_mode


def test_a_wrong_option_is_said_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^option for dev_mode: expected true or false"):
        load(None, HOME, {"dev_mode": "x"}, default_path=nothing(tmp_path))
    with pytest.raises(ConfigError, match=r'there is no setting "server\.hots"'):
        load(None, HOME, {"server.hots": "x"}, default_path=nothing(tmp_path))


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load_text(tmp_path, 'server { storage_path = "data" }').server.storage_path == tmp_path / "data"
    assert load_text(tmp_path, 'server { storage_path = "~/d" }').server.storage_path == Path("/home/somebody/d")


def test_the_table_is_complete() -> None:
    rows = list(table(Settings))
    assert len({row.key for row in rows}) == len(rows) > 15
    assert all(row.help.endswith(".") for row in rows)
    assert all(row.choices for row in rows if row.type == "choice")
    assert all(row.default >= row.minimum for row in rows if row.minimum is not None)
    by_key = {row.key: row for row in rows}
    assert by_key["server.host"].default == "localhost:8080"
    assert by_key["server.shutdown_timeout"].type == "duration"
    assert by_key["scheduler.docker.prune"].type == "boolean"
    assert by_key["scheduler.engine"].choices == ("auto", "docker", "process", "fake")
