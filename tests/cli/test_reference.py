"""Every command explains itself, and docs/cli.md says the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from gofer.cli.app import root
from gofer.cli.base import Command, Group
from gofer.cli.exit_codes import MEANINGS, ExitCode
from gofer.cli.invocation import Invocation
from gofer.cli.reference import reference, walk

ROOT = Path(__file__).parents[2]


def commands() -> dict[str, tuple[click.Command, click.Context]]:
    group = root()
    context = click.Context(group, info_name="gofer", **group.context_settings)
    return {path: (command, inner) for path, command, inner in walk(group, context)}


COMMANDS = commands()
LEAVES = {path: found for path, found in COMMANDS.items() if not isinstance(found[0], click.Group)}


def test_the_page_is_in_step() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert page == reference(), "renew it: python -m gofer.cli.reference > docs/cli.md"


def test_every_command_of_the_issue_is_there() -> None:
    wanted = """
        pipeline: create validate list get run enable disable delete graph
        run: start list get follow cancel cancel-all retry
        taskrun: list get logs cancel attach
        namespace: create list get update delete
        event: list follow
        local: run
        service: start info doctor
    """
    for line in wanted.split("\n"):
        noun, _, verbs = line.strip().partition(":")
        for verb in verbs.split():
            assert f"gofer {noun} {verb}" in LEAVES
    assert {"gofer completion", "gofer version"} <= LEAVES.keys()


@pytest.mark.parametrize("path", COMMANDS)
def test_help(path: str) -> None:
    command, context = COMMANDS[path]
    text = command.get_help(context)
    assert command.help
    assert "..." not in re.sub(r"\[?[A-Z]+\]?\.\.\.", "", text), "a short help is too long for its line"
    for option in ("--format", "--namespace", "--host", "--token-file", "--config", "--no-color"):
        assert option in text


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_an_example_that_parses(path: str) -> None:
    command, _ = LEAVES[path]
    assert isinstance(command, Command)
    assert command.examples
    for example in command.examples:
        called = example.partition("  #")[0].partition(" > ")[0]
        if called.startswith("eval"):
            called = called.split('"$(')[1].split(')"')[0]
        words = shlex.split(called.rpartition("| ")[2])
        own = len(path.split())
        assert words[:own] == path.split(), example
        command.make_context(path, words[own:], parent=click.Context(root(), obj=Invocation()))


def test_the_short_help_of_a_noun_is_its_own() -> None:
    group = root()
    assert isinstance(group, Group)
    for name in group.list_commands(click.Context(group)):
        command = COMMANDS[f"gofer {name}"][0]
        entry = group.entry(name)
        assert (command.help or "").split("\n")[0] == entry.help


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert len({int(code) for code in ExitCode}) == len(ExitCode)
