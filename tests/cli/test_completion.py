"""Shell completion: as the shells call it, and in a real bash."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.conftest import GOFER, Gofer, Register


@pytest.fixture
def complete(gofer: Gofer) -> Gofer:
    """With a `gofer` on the PATH, as the scripts call it."""
    folder = gofer.home / "bin"
    folder.mkdir()
    program = folder / "gofer"
    program.write_text(f'#!/bin/sh\nexec {" ".join(GOFER)} "$@"\n')
    program.chmod(0o755)
    gofer.environ["PATH"] = f"{folder}:{gofer.environ['PATH']}"
    return gofer


def bash(gofer: Gofer, *words: str) -> list[str]:
    """What a Tab after these words offers."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"""
        eval "$(gofer completion bash)"
        COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
        $(complete -p gofer | sed 's/.*-F \\([^ ]*\\).*/\\1/') gofer
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], env=gofer.environ, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split()


def test_without_a_shell_it_names_those_it_knows(alone: Gofer) -> None:
    said = alone("completion")
    assert said.code == 2
    assert said.err.startswith("error: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n")


def test_commands_and_options_in_bash(complete: Gofer) -> None:
    assert bash(complete, "gofer", "pipe") == ["pipeline"]
    assert bash(complete, "gofer", "run", "cancel") == ["cancel", "cancel-all"]
    assert bash(complete, "gofer", "taskrun", "logs", "--since") == ["--since-line"]
    assert "--namespace" in bash(complete, "gofer", "run", "list", "--n")
    assert bash(complete, "gofer", "run", "list", "--status", "f") == ["failed"]


def test_ids_come_from_the_server(complete: Gofer, register: Register) -> None:
    pipeline = register({"id": "alpha", "command": ["true"]}, {"id": "beta", "command": ["true"]})
    complete("run", "start", pipeline, "-f")
    assert bash(complete, "gofer", "run", "start", pipeline[:-3]) == [pipeline]
    assert bash(complete, "gofer", "taskrun", "get", pipeline, "1", "") == ["alpha", "beta"]
    assert bash(complete, "gofer", "taskrun", "get", pipeline, "latest", "be") == ["beta"]


def test_keys_of_secrets_come_from_the_server(complete: Gofer, register: Register) -> None:
    pipeline = register({"id": "alpha", "command": ["true"]})
    complete.ok("secret", "put", "db_password", "--pipeline", pipeline, stdin=b"value")
    complete.ok("secret", "put", "db_global", "--global", "--namespaces", "*", stdin=b"value")
    assert bash(complete, "gofer", "secret", "get", "--pipeline", pipeline, "db") == ["db_password"]
    assert bash(complete, "gofer", "secret", "get", "--global", "db") == ["db_global"]
    assert bash(complete, "gofer", "secret", "get", "db") == []


def test_ids_of_roles_come_from_the_server(complete: Gofer) -> None:
    complete.ok("role", "create", "op-nights", "--allow", "runs:read")
    assert bash(complete, "gofer", "role", "get", "op") == ["op-nights", "operator"]
    assert bash(complete, "gofer", "token", "create", "--role", "op-") == ["op-nights"]
    complete.ok("role", "delete", "op-nights")


def test_no_server_is_no_noise(complete: Gofer) -> None:
    complete.environ["GOFER_CLI_HOST"] = "127.0.0.1:1"
    assert bash(complete, "gofer", "run", "start", "x") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str, alone: Gofer) -> None:
    script = alone.ok("completion", shell).out
    assert "_GOFER_COMPLETE" in script
    found = shutil.which(shell)
    if found is not None:
        subprocess.run([found, "-n"], input=script.encode(), check=True)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_the_other_shells_ask(shell: str, alone: Gofer) -> None:
    environ = {"_GOFER_COMPLETE": f"{shell}_complete", "COMP_WORDS": "gofer pipe", "COMP_CWORD": "pipe"}
    environ["COMP_CWORD"] = "1" if shell == "zsh" else "pipe"
    said = alone(environ=environ)
    assert said.code == 0
    assert "pipeline" in said.out
    assert "Register pipelines" in said.out
