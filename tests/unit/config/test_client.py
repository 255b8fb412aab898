from __future__ import annotations

from pathlib import Path

import pytest

from gofer.config.client import ClientSettings, load_client_settings
from gofer.errors import ConfigError
from tests.support.closed import closed


def test_defaults(tmp_path: Path) -> None:
    assert load_client_settings(None, {"HOME": str(tmp_path)}, {}).settings == ClientSettings(
        namespace="default", format="pretty", host="localhost:8080", no_color=False, token=""
    )
    assert load_client_settings(None, {}, {}).settings == ClientSettings()


def test_options_beat_environment_beats_file(tmp_path: Path) -> None:
    (tmp_path / ".gofer.hcl").write_text('namespace = "file"\nhost = "file:1"\nformat = "json"\nno_color = true\n')
    environ = {"HOME": str(tmp_path), "GOFER_CLI_NAMESPACE": "variable", "GOFER_CLI_HOST": "variable:2"}
    settings = load_client_settings(None, environ, {"namespace": "option"}).settings
    assert (settings.namespace, settings.host) == ("option", "variable:2")
    assert (settings.format, settings.no_color) == ("json", True)


def test_a_home_that_may_not_be_looked_into_has_no_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with closed(home):
        assert load_client_settings(None, {"HOME": str(home)}, {}).settings == ClientSettings()


def test_the_first_file_that_is_there_is_read(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "gofer.hcl").write_text('namespace = "second"')
    assert load_client_settings(None, environ, {}).settings.namespace == "second"
    (tmp_path / ".gofer.hcl").write_text('namespace = "first"')
    assert load_client_settings(None, environ, {}).settings.namespace == "first"
    (tmp_path / "named.hcl").write_text('namespace = "named"')
    environ["GOFER_CLI_CONFIG"] = str(tmp_path / "named.hcl")
    assert load_client_settings(None, environ, {}).settings.namespace == "named"
    (tmp_path / "given.hcl").write_text('namespace = "given"')
    assert load_client_settings(tmp_path / "given.hcl", environ, {}).settings.namespace == "given"


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_client_settings(tmp_path / "missing.hcl", {}, {})


def test_the_customary_variable_against_colours_counts() -> None:
    assert load_client_settings(None, {"NO_COLOR": "1"}, {}).settings.no_color
    assert not load_client_settings(None, {"NO_COLOR": ""}, {}).settings.no_color
    assert not load_client_settings(None, {"NO_COLOR": "1", "GOFER_CLI_NO_COLOR": "false"}, {}).settings.no_color


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / ".gofer.hcl").write_text('\nformta = "json"')
    with pytest.raises(ConfigError, match=r'\.gofer\.hcl line 2: there is no setting "formta"') as caught:
        load_client_settings(None, {"HOME": str(tmp_path)}, {})
    assert caught.value.hint == 'Did you mean "format"?'
    with pytest.raises(ConfigError, match='expected "pretty" or "json" or "silent", came "yaml"'):
        load_client_settings(None, {"GOFER_CLI_FORMAT": "yaml"}, {})
    with pytest.raises(ConfigError, match="environment variable GOFER_CLI_TOKN") as caught:
        load_client_settings(None, {"GOFER_CLI_TOKN": "x"}, {})
    assert caught.value.hint == "Did you mean GOFER_CLI_TOKEN?"


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "c.hcl"
    path.write_text("token = 123456")
    with pytest.raises(ConfigError) as caught:
        load_client_settings(path, {}, {})
    assert "123456" not in caught.value.message + caught.value.hint


TASK = {"GOFER_API_URL": "unix:///run/gofer/api.sock", "GOFER_API_TOKEN": "t", "GOFER_NAMESPACE_ID": "shop"}


def test_in_a_task_its_own_server_counts_where_no_other_is_named(tmp_path: Path) -> None:
    settings = load_client_settings(None, TASK, {}).settings
    assert (settings.host, settings.token, settings.namespace) == ("unix:///run/gofer/api.sock", "t", "shop")
    settings = load_client_settings(None, TASK, {"namespace": "other", "token": "mine"}).settings
    assert (settings.host, settings.token, settings.namespace) == ("unix:///run/gofer/api.sock", "mine", "other")


@pytest.mark.parametrize("how", ["option", "variable", "file"])
def test_the_token_of_a_task_is_never_sent_to_another_server(tmp_path: Path, how: str) -> None:
    environ = TASK | ({"GOFER_CLI_HOST": "elsewhere:1"} if how == "variable" else {})
    (tmp_path / "named.hcl").write_text('host = "elsewhere:1"' if how == "file" else "")
    options = {"host": "elsewhere:1"} if how == "option" else {}
    settings = load_client_settings(tmp_path / "named.hcl", environ, options).settings
    assert (settings.host, settings.token, settings.namespace) == ("elsewhere:1", "", "default")
