"""The server's start with and without a key for secrets, and how one is changed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer, Said
from tests.support.server import ServerProcess
from tests.support.until import until

KEY, PREVIOUS = "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY", "GOFER_SECRET_STORE__SQLITE__PREVIOUS_ENCRYPTION_KEYS"
OLD, NEW, SAMPLE = "old-key-" * 4, "new-key-" * 4, "changeme" * 4
SERIOUS = {"GOFER_DEV_MODE": "false", "GOFER_ALLOW_PROCESS_ENGINE": "true"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process", SERIOUS, program=GOFER)
    yield made
    assert made.stop() == 0, made.log_text()


def client(house: ServerProcess) -> Gofer:
    """With the root token, which is made when it is first needed."""
    found = Gofer(house.home, house.api.address)
    token = house.home / "token"
    if not token.exists():
        token.write_text(found.ok("service", "token", "bootstrap").out)
    found.environ["GOFER_CLI_TOKEN_FILE"] = str(token)
    return found


def refused(house: ServerProcess, **environ: str) -> Said:
    """A start that must fail, and must not tell a key."""
    made = Gofer(house.home, "127.0.0.1:1")
    data = str(house.home / "data")
    command = ["service", "start", "--host", "127.0.0.1:0", "--storage", data, "--engine", "process"]
    said = made(*command, environ={**SERIOUS, **environ})
    assert said.code == 2, said
    assert not [key for key in (OLD, NEW, SAMPLE) if key in said.out + said.err]
    return said


def put(house: ServerProcess, value: str) -> None:
    client(house).ok("secret", "put", "key", "--global", "--namespaces", "*", stdin=value.encode())


def value(house: ServerProcess) -> str:
    return client(house).ok("secret", "get", "key", "--global", "--reveal").out


def test_without_a_key_it_starts_and_says_what_is_missing(house: ServerProcess) -> None:
    house.start()
    said_at_start = until(lambda: re.findall("No encryption key is configured.*", house.log_text()), "what is missing")
    assert "gofer secret generate-key" in said_at_start[0]
    gofer = client(house)
    for command in (["put", "key", "--global", "--namespaces", "*"], ["rotate-key"]):
        said = gofer("secret", *command, stdin=b"value")
        assert said.code == 5
        assert "No encryption key is configured" in said.err
        assert KEY in said.err
    assert gofer("secret", "list", "--global").code == 0
    doctor = {check["name"]: check for check in gofer("service", "doctor", "--format", "json").json}
    assert doctor["secrets"]["level"] == "warning"
    assert "generate-key" in doctor["secrets"]["hint"]


def test_a_wrong_key_at_the_start(house: ServerProcess) -> None:
    house.start(**{KEY: OLD})
    put(house, "some value")
    doctor = {check["name"]: check for check in client(house)("service", "doctor", "--deep", "--format", "json").json}
    assert doctor["secrets"]["message"] == "Every secret decrypts."
    assert house.stop() == 0
    said = refused(house, **{KEY: NEW})
    assert "1 of the values in the secret store" in said.err
    assert "previous_encryption_keys" in said.err
    said = refused(house)
    assert "no encryption key is configured" in said.err
    assert "Set the key that was used before" in said.err
    assert "generate-key" not in said.err
    house.start(**{KEY: OLD})
    assert value(house) == "some value"


def test_the_sample_key_is_for_development(house: ServerProcess) -> None:
    assert "sample key" in refused(house, **{KEY: SAMPLE}).err
    assert "sample key" in refused(house, **{KEY: NEW, PREVIOUS: SAMPLE}).err
    house.start(GOFER_DEV_MODE="true")
    put(house, "of development")
    assert house.stop() == 0
    for said in (refused(house), refused(house, **{KEY: NEW})):
        assert "They are under the sample key of dev mode" in said.err
    house.start(GOFER_DEV_MODE="true", **{KEY: NEW, PREVIOUS: SAMPLE})
    client(house).ok("secret", "rotate-key")
    assert house.stop() == 0
    house.start(**{KEY: NEW})
    assert value(house) == "of development"


def test_what_is_no_key(house: ServerProcess) -> None:
    said = refused(house, **{KEY: "hunter2"})
    assert "expected exactly 32 characters" in said.err
    assert "gofer secret generate-key" in said.err
    assert "hunter2" not in said.err


def test_systemds_credential(house: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "gofer.encryption-key").write_text(new_key(tmp_path))
    house.start(CREDENTIALS_DIRECTORY=str(folder))
    put(house, "under the credential")
    assert house.stop() == 0
    (folder / "gofer.encryption-key").write_text("hunter2\n")
    said = refused(house, CREDENTIALS_DIRECTORY=str(folder))
    assert f"{folder}/gofer.encryption-key" in said.err
    (folder / "gofer.encryption-key").write_text(new_key(tmp_path))
    assert f"{folder}/gofer.encryption-key" in refused(house, CREDENTIALS_DIRECTORY=str(folder)).err


def new_key(home: Path) -> str:
    return Gofer(home, "127.0.0.1:1").ok("secret", "generate-key").out


def test_a_key_is_changed_as_the_docs_say(house: ServerProcess) -> None:
    """Step by step, with SIGHUP, and without a restart until the last."""
    path = house.home / "gofer.hcl"

    def write(key: str, *previous: str) -> None:
        quoted = ", ".join(f'"{one}"' for one in previous)
        path.write_text(
            f'secret_store {{ sqlite {{ encryption_key = "{key}" previous_encryption_keys = [{quoted}] }} }}\n'
        )

    def reload(expected: str) -> None:
        assert house.process is not None
        before = house.log_text().count(expected)
        house.process.send_signal(signal.SIGHUP)
        until(lambda: house.log_text().count(expected) > before, expected)

    write(OLD)
    house.start(GOFER_CONFIG_PATH=str(path))
    put(house, "some value")
    write(NEW)
    reload("not reloaded")
    assert value(house) == "some value"
    write(NEW, OLD)
    reload("event=reloaded")
    assert value(house) == "some value"
    doctor = {check["name"]: check for check in client(house)("service", "doctor", "--format", "json").json}
    assert "gofer secret rotate-key" in doctor["secrets"]["hint"]
    said = client(house).ok("secret", "rotate-key")
    assert said.out == "1 of 1 value encrypted anew with the current key\n"
    assert client(house).ok("secret", "rotate-key").out == "There was nothing to do: 1 value\n"
    write(NEW)
    reload("event=reloaded")
    assert house.stop() == 0
    house.start(**{KEY: NEW})
    assert value(house) == "some value"
    assert not [key for key in (OLD, NEW) if key in house.log_text()]
