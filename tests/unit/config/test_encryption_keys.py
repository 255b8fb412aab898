"""Where the keys of secrets come from, and how they are written."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from gofer.config.encryption_keys import KEY, PREVIOUS, encryption_keys, parse_key
from gofer.config.load import Configuration, read
from gofer.config.rules import faults
from gofer.config.settings import SecretStoreSettings, Settings, SqliteSecretStoreSettings
from gofer.errors import ConfigError
from gofer.models.encryption_keys import SAMPLE_KEY

RAW = bytes(range(0xE0, 0x100))
BASE64 = base64.b64encode(RAW).decode()


def settings(key: str = "", *previous: str, dev: bool = False) -> Settings:
    store = SqliteSecretStoreSettings(encryption_key=key, previous_encryption_keys=list(previous))
    return Settings(dev_mode=dev, secret_store=SecretStoreSettings(sqlite=store))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("x" * 32, b"x" * 32),
        ("ü" * 16, "ü".encode() * 16),
        (BASE64, RAW),
        (BASE64.rstrip("="), RAW),
        (base64.urlsafe_b64encode(RAW).decode(), RAW),
        ("A" * 43 + "=", bytes(32)),
    ],
)
def test_a_key_has_32_bytes(text: str, key: bytes) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 31,
        "x" * 33,
        "ü" * 32,
        "=" * 44,
        "!" * 44,
        "A" * 44,
        "A" * 42 + "==",
        BASE64 + "\n",
        BASE64[:-2] + "==",
        "\ud800" * 32,
    ],
)
def test_anything_else_is_none_and_is_not_told(text: str) -> None:
    with pytest.raises(ValueError, match="characters") as caught:
        parse_key(text)
    assert len(text) < 10 or text not in str(caught.value)


def test_the_setting_comes_before_the_credential(tmp_path: Path) -> None:
    (tmp_path / "gofer.encryption-key").write_text("c" * 32)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    found = encryption_keys(settings("k" * 32, "o" * 32), environ)
    assert (found.current, found.previous, found.source) == (b"k" * 32, (b"o" * 32,), KEY)
    found = encryption_keys(settings(), environ)
    assert (found.current, found.source) == (b"c" * 32, str(tmp_path / "gofer.encryption-key"))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_credential_may_end_with_a_newline(tmp_path: Path, end: str) -> None:
    (tmp_path / "gofer.encryption-key").write_bytes((BASE64 + end).encode())
    assert encryption_keys(settings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}).current == RAW


def test_a_credential_that_is_no_key_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "gofer.encryption-key"
    for content in (b"", b"hunter2", b"\xff" * 32, b"x" * 10_000):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=str(path)) as caught:
            encryption_keys(settings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
        assert "hunter2" not in caught.value.message
        assert "gofer secret generate-key" in caught.value.hint


def test_a_credential_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gofer.encryption-key").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        encryption_keys(settings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_without_any_there_is_the_sample_in_dev_mode_and_none_elsewhere(tmp_path: Path) -> None:
    for environ in ({}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, {"CREDENTIALS_DIRECTORY": "relative"}):
        assert encryption_keys(settings(dev=True), environ).current == SAMPLE_KEY
        assert encryption_keys(settings(), environ).current is None


def test_the_sample_is_refused_outside_dev_mode(tmp_path: Path) -> None:
    in_base64 = base64.b64encode(SAMPLE_KEY).decode()
    for text in (SAMPLE_KEY.decode(), in_base64):
        assert encryption_keys(settings(text, text, dev=True), {}).current == SAMPLE_KEY
        for wrong, place in ((settings(text), KEY), (settings("k" * 32, text), PREVIOUS)):
            with pytest.raises(ConfigError, match="everybody knows") as caught:
                encryption_keys(wrong, {})
            assert caught.value.message.startswith(place)
    (tmp_path / "gofer.encryption-key").write_bytes(SAMPLE_KEY)
    with pytest.raises(ConfigError, match="everybody knows"):
        encryption_keys(settings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_the_check_of_a_configuration_says_where_the_wrong_key_stands(tmp_path: Path) -> None:
    path = tmp_path / "gofer.hcl"
    path.write_text('secret_store {\n  sqlite {\n    encryption_key = "hunter2"\n  }\n}\n')
    (problem,) = faults(read(path, {}, {}))
    assert problem.place == f"{path} line 3"
    assert "7 characters" in problem.message
    assert "hunter2" not in problem.message + problem.hint
    variable = "GOFER_SECRET_STORE__SQLITE__PREVIOUS_ENCRYPTION_KEYS"
    (problem,) = faults(read(None, {variable: "hunter2"}, {}, default_path=tmp_path / "none"))
    assert variable in problem.place


def test_the_check_knows_the_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gofer.encryption-key").write_text("hunter2")
    monkeypatch.setitem(os.environ, "CREDENTIALS_DIRECTORY", str(tmp_path))
    (problem,) = faults(Configuration(Settings()))
    assert problem.place == str(tmp_path / "gofer.encryption-key")


def test_nothing_shows_them() -> None:
    found = encryption_keys(settings("k" * 32, "o" * 32), {})
    assert "kkkk" not in repr(found)
    assert "oooo" not in f"{found}"
