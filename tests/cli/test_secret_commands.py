"""`gofer secret …` against a real server."""

from __future__ import annotations

import base64
import subprocess
import termios

import pytest

from gofer.cli.secret.read_value import without_end
from tests.cli.conftest import GOFER, Gofer, Register
from tests.cli.terminal import Terminal, in_terminal
from tests.support.server import Api

VALUE = "hunter2 correct horse"


@pytest.fixture
def pipeline(register: Register) -> str:
    return register({"id": "x", "command": ["true"]})


def revealed(gofer: Gofer, pipeline: str, key: str) -> str:
    said = gofer.ok("secret", "get", key, "--pipeline", pipeline, "--reveal")
    assert said.err == ""
    return said.out


def put(gofer: Gofer, pipeline: str, stdin: bytes, *more: str) -> str:
    said = gofer.ok("secret", "put", "key", "--pipeline", pipeline, *more, stdin=stdin)
    assert stdin.strip() not in said.out.encode() + said.err.encode()
    return revealed(gofer, pipeline, "key")


def test_the_life_of_a_secret(gofer: Gofer, pipeline: str) -> None:
    own = ["--pipeline", pipeline]
    assert gofer.ok("secret", "list", *own).err == "No secrets.\n"
    first = gofer.ok("secret", "put", "key", *own, stdin=VALUE.encode())
    assert first.out == f"secret key of {pipeline} set\n"
    again = gofer.ok("secret", "put", "key", *own, stdin=b"another")
    assert again.out == f"secret key of {pipeline} has a new value\n"
    listed = gofer.ok("secret", "list", *own)
    assert listed.out.splitlines()[0].split() == ["KEY", "CREATED", "MODIFIED", "BY"]
    assert listed.out.splitlines()[1].split()[0] == "key"
    shown = gofer.ok("secret", "get", "key", *own).out
    assert "another" not in shown + listed.out
    assert f"pipeline     {pipeline}" in shown
    assert revealed(gofer, pipeline, "key") == "another"
    assert gofer.ok("secret", "delete", "key", *own).out == f"secret key of {pipeline} deleted\n"
    for command in (["get"], ["get", "--reveal"], ["delete"]):
        said = gofer("secret", *command, "key", *own)
        assert said.code == 4
        assert f"gofer secret list --pipeline {pipeline}" in said.err


def test_as_json(gofer: Gofer, pipeline: str) -> None:
    own = ["--pipeline", pipeline, "--format", "json"]
    made = gofer.ok("secret", "put", "key", *own, stdin=b"abc").json
    assert (made["created"], made["secret"]["key"], len(made["warnings"])) == (True, "key", 1)
    assert gofer.ok("secret", "get", "key", *own).json == made["secret"]
    assert gofer.ok("secret", "get", "key", *own, "--reveal").json == {"value": "abc"}
    assert gofer.ok("secret", "list", *own).json["items"] == [made["secret"]]
    assert gofer.ok("secret", "delete", "key", *own).json == {"deleted": "key"}
    assert gofer.ok("secret", "rotate-key", "--format", "json").json["rotated"] == 0


def test_global_ones(gofer: Gofer) -> None:
    said = gofer("secret", "put", "shared", "--global", stdin=b"value")
    assert said.code == 4
    assert "namespaces" in said.err
    said = gofer("secret", "put", "shared", "--global", "--namespaces", ",", stdin=b"value")
    assert said.code == 5
    gofer.ok("secret", "put", "shared", "--global", "--namespaces", "default, team-b", stdin=b"value")
    gofer.ok("secret", "put", "shared", "--global", stdin=b"new value")
    assert gofer.ok("secret", "list", "--global").out.splitlines()[0].split()[1] == "NAMESPACES"
    assert "default, team-b" in gofer.ok("secret", "get", "shared", "--global").out
    assert gofer.ok("secret", "get", "shared", "--global", "--reveal").out == "new value"
    assert gofer.ok("secret", "delete", "shared", "--global").out == "global secret shared deleted\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("one", "one"),
        ("one\n", "one"),
        ("one\r\n", "one"),
        ("one\r", "one\r"),
        ("one\n\n", "one\n\n"),
        ("one\ntwo", "one\ntwo"),
        ("one\ntwo\n", "one\ntwo\n"),
        ("one\r\ntwo\r\n", "one\r\ntwo\r\n"),
        (" one \n", " one "),
        ("\n", ""),
        ("", ""),
    ],
)
def test_a_single_line_loses_its_end(text: str, kept: str) -> None:
    assert without_end(text) == kept


def test_stdin_and_files(gofer: Gofer, pipeline: str) -> None:
    assert put(gofer, pipeline, b"one line\n") == "one line"
    assert put(gofer, pipeline, b"one line\n", "--exact") == "one line\n"
    assert put(gofer, pipeline, b"two\nlines\n") == "two\nlines\n"
    assert put(gofer, pipeline, "ünï✓\n".encode(), "--file", "-") == "ünï✓"
    (gofer.home / "key.pem").write_text("-----BEGIN-----\nAAAA\n-----END-----\n")
    assert put(gofer, pipeline, b"not this", "--file", "key.pem") == "-----BEGIN-----\nAAAA\n-----END-----\n"


def test_what_cannot_be_a_value(gofer: Gofer, pipeline: str) -> None:
    command = ["secret", "put", "key", "--pipeline", pipeline]
    wrong = ((b"", 5, "empty"), (b"\xff\xfe", 2, "UTF-8"), (b"x" * 65_537, 2, "65536"), (b"a\0b", 5, "NUL"))
    for stdin, code, words in wrong:
        said = gofer(*command, stdin=stdin)
        assert (said.code, words in said.err) == (code, True), said
    said = gofer(*command, "--file", "nope")
    assert said.code == 2
    assert "nope cannot be read" in said.err
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *GOFER, *command], env=gofer.environ, capture_output=True, check=False
    )
    assert closed.returncode == 2
    assert b"--file F" in closed.stderr


def test_a_value_is_no_argument_and_not_repeated(gofer: Gofer, pipeline: str) -> None:
    own = ["--pipeline", pipeline]
    for more in (["hunter2"], ["--value", "hunter2"], ["--value=hunter2"], ["--", "hunter2", "x"]):
        said = gofer("secret", "put", "key", *own, *more, stdin=b"x")
        assert said.code == 2
        assert "hunter2" not in said.out + said.err
    for value in (["key", "hunter2"], ["key=hunter2"]):
        said = gofer("secret", "put", *value, *own, stdin=b"x")
        assert "hunter2" not in said.out + said.err
        for words in ("is no argument", "shell", "--file"):
            assert words in said.err
    assert gofer("secret", "get", "key", *own).code == 4


def test_whose_it_is_must_be_said(gofer: Gofer, pipeline: str) -> None:
    for command in (["put", "key"], ["get", "key"], ["list"], ["delete", "key"]):
        for owner in ([], ["--global", "--pipeline", pipeline]):
            said = gofer("secret", *command, *owner)
            assert said.code == 2
            assert "either --pipeline P or --global" in said.err
    said = gofer("secret", "put", "key", "--pipeline", pipeline, "--namespaces", "*")
    assert said.code == 2
    assert "--global" in said.err


def echoes(screen: Terminal) -> bool:
    flags = screen.settings()[3]
    assert isinstance(flags, int)
    return bool(flags & termios.ECHO)


def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(gofer: Gofer, pipeline: str) -> None:
    command = [*GOFER, "secret", "put", "key", "--pipeline", pipeline]
    with in_terminal(command, gofer.environ, gofer.home) as screen:
        asked = screen.until(b"Value of key (not shown): ")
        assert not echoes(screen)
        screen.type(VALUE.encode() + b"\n")
        screen.until(b"The same again: ", asked)
        assert not echoes(screen)
        screen.type(VALUE.encode() + b"\n")
        screen.until(f"secret key of {pipeline} set".encode())
        assert screen.wait() == 0
        assert b"hunter2" not in screen.seen
    assert revealed(gofer, pipeline, "key") == VALUE


def test_two_that_differ_change_nothing(gofer: Gofer, pipeline: str) -> None:
    command = [*GOFER, "secret", "put", "key", "--pipeline", pipeline]
    with in_terminal(command, gofer.environ, gofer.home) as screen:
        asked = screen.until(b"(not shown): ")
        screen.type(b"hunter2\n")
        screen.until(b"again: ", asked)
        screen.type(b"hunter3\n")
        screen.until(b"the two values differ")
        assert screen.wait() == 2
        assert b"hunter" not in screen.seen
    assert gofer("secret", "get", "key", "--pipeline", pipeline).code == 4


@pytest.mark.parametrize(("keys", "code"), [(b"\x03", 130), (b"\x04", 2)])
def test_given_up_the_terminal_is_as_before(gofer: Gofer, pipeline: str, keys: bytes, code: int) -> None:
    script = f"{' '.join(GOFER)} secret put key --pipeline {pipeline}; echo ended with $?"
    with in_terminal(["sh", "-c", f"trap : INT; {script}; read nothing"], gofer.environ, gofer.home) as screen:
        screen.until(b"(not shown): ")
        assert not echoes(screen)
        screen.type(b"hunter2" if keys == b"\x03" else b"")
        screen.type(keys)
        screen.until(f"ended with {code}".encode())
        assert echoes(screen)
        assert b"hunter2" not in screen.seen
        screen.type(b"\n")
        screen.wait()


def test_a_value_on_a_terminal_cannot_command_it(gofer: Gofer, pipeline: str) -> None:
    own = ["--pipeline", pipeline]
    gofer.ok("secret", "put", "key", *own, stdin=b"red \x1b[31m\x1b]0;title\x07 text")
    with in_terminal([*GOFER, "secret", "get", "key", *own, "--reveal"], gofer.environ, gofer.home) as screen:
        assert screen.wait() == 0
        assert screen.seen == b"red  text\r\n"
    assert revealed(gofer, pipeline, "key") == "red \x1b[31m\x1b]0;title\x07 text"


def test_a_new_key(alone: Gofer) -> None:
    keys = {alone.ok("secret", "generate-key").out for _ in range(2)}
    assert len(keys) == 2
    assert {len(base64.b64decode(key)) for key in keys} == {32}
    assert len(alone.ok("secret", "generate-key", "--format", "json").json["key"]) == 44


def test_rotation_says_what_to_do_next(gofer: Gofer, pipeline: str) -> None:
    gofer.ok("secret", "put", "key", "--pipeline", pipeline, stdin=b"value")
    said = gofer.ok("secret", "rotate-key")
    assert said.out.startswith("There was nothing to do: ")
    assert "previous_encryption_keys may be emptied" in said.err


def test_the_server_has_not_been_told_more(gofer: Gofer, server: Api, pipeline: str) -> None:
    gofer.ok("secret", "put", "key", "--pipeline", pipeline, stdin=b"hunter2")
    for event in server.get("events", pipeline=pipeline, namespace="default")["items"]:
        assert "hunter2" not in str(event)
