"""Where each value comes from, everything that is wrong at once, and secrets that are never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from gofer.config.force import settings_in_force
from gofer.config.gather import Gathering, Source, variable
from gofer.config.load import read
from gofer.config.settings import Settings
from gofer.config.table import Doc, Setting, build, flatten, table
from gofer.config.write import simple, write_value
from gofer.errors import ConfigError
from gofer.models.units import parse_duration

SECRET = "correct horse battery staple"


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    encryption_key: Annotated[str, Doc("What secrets are encrypted with.", secret=True)] = ""
    attempts: Annotated[int, Doc("A secret number.", secret=True, minimum=1, maximum=9)] = 1


class WithSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """As settings of later parts will look."""

    pause: Annotated[int, Doc("How long to wait.", "duration")] = 90_000
    store: StoreSettings = StoreSettings()


def gathered(folder: Path, text: str = "", environ: dict[str, str] | None = None, **options: str) -> Gathering:
    (folder / "f.hcl").write_text(text)
    found = Gathering(table(WithSecrets))
    found.file(folder / "f.hcl")
    found.environment(environ or {}, "X_", lambda _: False)
    found.options(options)
    return found


def test_each_value_has_its_source(tmp_path: Path) -> None:
    path = tmp_path / "gofer.hcl"
    path.write_text('log_level = "debug"\nserver {\n  host = "localhost:1"\n}\ndev_mode = false\n')
    environ = {"GOFER_SERVER__HOST": "localhost:2", "GOFER_RUN_PARALLELISM_LIMIT": "3"}
    found = read(path, environ, {"run_parallelism_limit": "4"})
    assert found.source("log_level") == Source("file", f"{path} line 1")
    assert found.source("dev_mode") == Source("file", f"{path} line 5")
    assert found.source("server.host") == Source("environment", "GOFER_SERVER__HOST")
    assert found.source("run_parallelism_limit") == Source("option")
    assert found.source("task_parallelism_limit") == Source("default")
    assert (found.settings.server.host, found.settings.run_parallelism_limit) == ("localhost:2", 4)


def test_everything_that_is_wrong_is_found_at_once_in_order(tmp_path: Path) -> None:
    path = tmp_path / "gofer.hcl"
    path.write_text('dev_mod = true\nlog_level = info\nrun_parallelism_limit = -1\nsever { }\nhost = "x"\na = [\n')
    found = read(path, {"GOFER_DEV_MOD": "1", "GOFER_LOG_LEVEL": "loud"}, {"nonsense": "1"})
    assert [problem.place for problem in found.problems] == [
        *(f"{path} line {line}" for line in range(1, 7)),
        "environment variable GOFER_DEV_MOD",
        "environment variable GOFER_LOG_LEVEL",
        "option for nonsense",
    ]
    assert all(problem.message for problem in found.problems)
    with pytest.raises(ConfigError, match="line 1: there is no setting") as caught:
        found.check()
    assert f"(8): `gofer service config check {path}`" in caught.value.hint


def test_a_file_that_is_not_there_is_a_problem_with_its_name(tmp_path: Path) -> None:
    (problem,) = read(tmp_path / "none.hcl", {}, {}).problems
    assert problem.place == str(tmp_path / "none.hcl")


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    found = gathered(tmp_path, f'store {{ encryption_key = "{SECRET}" attempts = 3 }}')
    shown = settings_in_force(build(WithSecrets, found.values), found.sources)
    assert [(one.key, one.value, one.hidden) for one in shown] == [
        ("pause", "90s", False),
        ("store.encryption_key", None, True),
        ("store.attempts", None, True),
    ]
    assert SECRET not in str(shown)
    assert shown[1].place.endswith("line 1")
    unset = settings_in_force(WithSecrets(), {})
    assert [(one.value, one.hidden) for one in unset[1:2]] == [(None, False)]


@pytest.mark.parametrize("text", [f'store.encryption_key = ["{SECRET}"]', "store.attempts = 4711"])
def test_a_wrong_secret_is_not_shown_either(tmp_path: Path, text: str) -> None:
    (problem,) = gathered(tmp_path, text).problems
    assert SECRET not in str(problem)
    assert "4711" not in str(problem)
    assert "not shown" in problem.message


@pytest.mark.parametrize("setting", list(table(Settings)), ids=lambda setting: setting.key)
def test_every_setting_can_be_set_in_every_way(setting: Setting, tmp_path: Path) -> None:
    value = setting.example if setting.default is None else setting.default
    written = write_value(setting, value)
    plain = simple(setting, value)
    text = ",".join(plain) if isinstance(plain, list) else written if setting.type == "boolean" else str(plain)
    path, none = tmp_path / "gofer.hcl", tmp_path / "none.hcl"
    path.write_text(f"{setting.key} = {written}")
    ways = [
        read(path, {}, {}),
        read(None, {variable(setting.key, "GOFER_"): text}, {}, default_path=none),
        read(None, {}, {setting.key: text}, default_path=none),
    ]
    assert [way.problems for way in ways] == [[], [], []]
    assert [way.source(setting.key).kind for way in ways] == ["file", "environment", "option"]
    values = [flatten(way.settings)[setting.key] for way in ways]
    assert values[0] == values[1] == values[2] == (Path(value) if setting.type == "path" else value)


def test_bounds(tmp_path: Path) -> None:
    path = tmp_path / "gofer.hcl"
    path.write_text("server { storage_results_limit = 1001 }")
    (problem,) = read(path, {}, {}).problems
    assert "expected at most 1000" in problem.message


def test_flatten_is_the_reverse_of_build() -> None:
    values = {"pause": 1, "store.encryption_key": "k", "store.attempts": 2}
    assert flatten(build(WithSecrets, values)) == values


def test_durations_are_written_as_they_are_read() -> None:
    for number in (0, 1, 999, 1_000, 90_000, 3_600_000, 5_400_000, 86_400_001):
        (shown, *_) = settings_in_force(WithSecrets(pause=number), {})
        assert parse_duration(str(shown.value)) == number
