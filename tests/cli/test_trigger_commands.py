"""`gofer trigger …` against a real server."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer
from tests.cli.terminal import in_terminal

_PROGRAM = Path(__file__).parents[1] / "scenarios" / "programs" / "trigger.py"


def command(mode: str) -> str:
    return shlex.join([sys.executable, "-W", "ignore", str(_PROGRAM), mode])


def test_the_life_of_a_trigger(gofer: Gofer) -> None:
    installed = gofer(
        "trigger", "install", "mine", "program", "--command", command("good"), "--set", "word=x", "--set", "key=hush"
    )
    assert (installed.code, installed.out) == (0, "trigger mine installed: healthy\n")
    assert "given in clear" in installed.err
    found = gofer.ok("trigger", "get", "mine", "--format", "json").json
    assert found["settings"] == {"word": "x", "key": "***"}
    assert (found["state"], found["restarts"], found["subscriptions"]) == ("healthy", 0, 0)
    shown = gofer.ok("trigger", "get", "mine").out
    assert "healthy" in shown
    assert "hush" not in shown
    assert "mine" in gofer.ok("trigger", "list").out
    pid = gofer.ok("trigger", "debug", "mine", "--format", "json").json["state"]["pid"]
    assert gofer.ok("trigger", "restart", "mine").out == "trigger mine restarted: healthy\n"
    assert gofer.ok("trigger", "debug", "mine", "--format", "json").json["state"]["pid"] != pid
    upgraded = gofer.ok("trigger", "upgrade", "mine", "--set", "word=y", "--unset", "key")
    assert upgraded.out == "trigger mine upgraded: healthy\n"
    assert gofer.ok("trigger", "get", "mine", "--format", "json").json["settings"] == {"word": "y"}
    assert gofer.ok("trigger", "disable", "mine").out == "trigger mine disabled: disabled\n"
    assert gofer("trigger", "restart", "mine").code == 5
    assert gofer("trigger", "debug", "mine").code == 7
    assert gofer.ok("trigger", "enable", "mine").out == "trigger mine enabled: healthy\n"
    said = gofer.ok("trigger", "logs", "mine", "--format", "json").json["lines"]
    assert [line["number"] for line in said] == list(range(1, len(said) + 1))
    assert gofer.ok("trigger", "uninstall", "mine", "--format", "json").json == {"uninstalled": "mine"}
    assert gofer("trigger", "get", "mine").code == 4


def test_what_cannot_be_installed(gofer: Gofer) -> None:
    for arguments, code, said in (
        (["a b", "builtin:interval"], 5, "is not a valid trigger id"),
        (["one", "builtin:intervall"], 5, 'Did you mean "interval"?'),
        (["one", "builtin:interval", "--set", "min_durat=1s"], 5, 'Did you mean "min_duration"?'),
        (["one", "builtin:interval", "--set", "min_duration"], 2, "expected NAME=VALUE"),
        (["one", "builtin:interval", "--user", "1"], 5, "takes no options of a container"),
        (["one", "program", "--command", command("exits")], 5, "nothing to do here"),
        (["one", "program", "--command", command("junk")], 5, "It broke the protocol"),
        (
            ["one", "program", "--command", command("good"), "--set", "key=global_secret{{no}}"],
            4,
            "gofer secret put no",
        ),
        (["one", "program", "--command", "'"], 2, "--command"),
        (["probe", "builtin:interval"], 5, "cannot be the name of a trigger"),
        (["one", "builtin:interval", "--ask"], 2, "nobody can be asked here"),
    ):
        refused = gofer("trigger", "install", *arguments)
        assert refused.code == code, (arguments, refused)
        assert said in refused.err, (arguments, refused)
    assert gofer("trigger", "upgrade", "one").code == 2
    assert gofer("trigger", "get", "one").code == 4


def test_one_that_does_not_take_its_settings(gofer: Gofer) -> None:
    refused = gofer("trigger", "install", "choosy", "program", "--command", command("refuses"), "--set", "word=x")
    assert refused.code == 1
    assert refused.out == "trigger choosy installed: failed\n"
    assert "it does not take its settings: word: must not be x" in refused.err
    assert "gofer trigger upgrade choosy --set" in refused.err
    doctor = gofer("service", "doctor")
    assert "Nothing starts by choosy (failed: it does not take its settings" in doctor.out + doctor.err
    gofer.ok("trigger", "uninstall", "choosy")


@pytest.mark.skipif("GOFER_TEST_CLI" in os.environ, reason="a person types the same to the one-file program")
def test_a_person_is_asked(gofer: Gofer) -> None:
    arguments = ["trigger", "install", "asked", "program", "--command", command("good"), "--ask"]
    with in_terminal([*GOFER, *arguments], gofer.environ, gofer.home) as screen:
        screen.until(b"word")
        at = screen.until(b"word: ")
        screen.type(b"hello\n")
        at = screen.until(b"key", at)
        screen.until(b"key: ", at)
        screen.type(b"hush\n")
        assert screen.wait() == 0
        assert b"hush" not in screen.seen
    assert gofer.ok("trigger", "get", "asked", "--format", "json").json["settings"] == {"word": "hello", "key": "***"}
    gofer.ok("trigger", "uninstall", "asked")
