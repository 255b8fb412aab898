"""The debug containers and the common tasks do what they say."""

from __future__ import annotations

import re
import subprocess

import pytest

from gofer.cli.builtin import PROGRAMS
from tests.images.build import ROOT, TAG, build, run


def test_the_list_of_images_has_every_built_in() -> None:
    text = (ROOT / "packaging/images/build").read_text()
    listed = {kind: set(names.split(",")) for kind, names in re.findall(r"^  (.+)/\{(.+)\}$", text, re.MULTILINE)}
    assert listed["trigger"] == set(PROGRAMS["trigger"])
    assert listed["common-task"] >= set(PROGRAMS["common-task"])
    assert listed["debug"] == {path.stem for path in (ROOT / "packaging/images").glob("*.sh")}


@pytest.mark.parametrize("image", ["nothing/log", "debug/nothing", "common-task/nothing"])
def test_what_cannot_be_built_is_said(images: None, image: str) -> None:
    ended = build(image)
    assert ended.returncode != 0
    assert "nothing" in ended.stderr


def test_envs(images: None) -> None:
    ended = run("debug/envs", "a b", options=("--env", "ZED=1\n2", "--env", "ALSO=x"))
    lines = ended.stdout.splitlines()
    assert lines[:2] == ["argument: a b", "ALSO=x"]
    assert lines[-2:] == ["ZED=1", "2"]


@pytest.mark.parametrize(
    ("arguments", "options", "code"),
    [
        ((), (), 1),
        (("7",), (), 7),
        (("0",), (), 0),
        ((), ("--env", "EXIT_CODE=3", "--env", "AFTER_SECONDS=0"), 3),
        (("256",), (), 2),
        (("x",), (), 2),
    ],
)
def test_fail(images: None, arguments: tuple[str, ...], options: tuple[str, ...], code: int) -> None:
    assert run("debug/fail", *arguments, options=options).returncode == code


def test_log(images: None) -> None:
    ended = run("debug/log", "11")
    assert ended.stdout.splitlines() == [f"line {n} of 11" for n in range(1, 12) if n != 10]
    assert ended.stderr == "line 10 of 11\n"
    assert run("debug/log", options=("--env", "LOG_LINES=2", "--env", "LOG_RATE=2")).stdout.count("\n") == 2
    assert run("debug/log", "many").returncode == 2


@pytest.mark.parametrize("ignores", [False, True])
def test_wait(images: None, ignores: bool) -> None:
    command = ["docker", "run", "--rm", "--network", "none", "--env", f"IGNORE_TERM={'1' if ignores else ''}"]
    with subprocess.Popen([*command, f"gofer-debug-wait:{TAG}", "3"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "wait: 3\n"
        process.terminate()
        assert process.stdout.readline() == f"wait: SIGTERM has come{', and is ignored' if ignores else ''}\n"
        assert process.wait() == 0


def test_a_common_task_is_nobody_in_particular(images: None) -> None:
    ended = run("common-task/debug", options=("--read-only", "--env", "GOFER_SETTING_TEXT=hello"))
    assert ended.returncode == 0, ended.stderr
    assert "GOFER_SETTING_TEXT=hello" in ended.stdout
    inspected = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Config.User}}", f"gofer-common-task-debug:{TAG}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert inspected.stdout.strip() == "65532:65532"
