"""Asking a person for the settings of a trigger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import is_terminal, plain
from gofer.cli.trigger.options import typed
from gofer.models.trigger import Field, TriggerInfo


def answered(
    info: TriggerInfo, given: Mapping[str, str], known: Mapping[str, Any], *, ask: bool, no_input: bool
) -> dict[str, Any]:
    """The settings that are given, and what a person answers for those that are missing; `known` are there already.

    Raises CommandError where something is missing and nobody can be asked.
    """
    fields = {field.name: field for field in info.settings}
    found = {name: typed(fields[name], text) if name in fields else text for name, text in given.items()}
    open_ones = [field for field in info.settings if field.name not in found and field.name not in known]
    missing = [field for field in open_ones if field.required]
    if no_input or not is_terminal(sys.stdin):
        if ask:
            raise CommandError("nobody can be asked here", "Give settings with --set.", exit_code=ExitCode.USAGE)
        if missing:
            raise _missing(missing)
        return found
    for field in open_ones if ask else missing:
        answer = _ask(field)
        if answer is not None:
            found[field.name] = answer
    return found


def _ask(field: Field) -> Any:
    """None: the default is good."""
    print(f"{plain(field.name)}: {plain(field.description or field.type)}", file=sys.stderr)
    if field.choices:
        print(f"  one of: {', '.join(plain(str(one)) for one in field.choices)}", file=sys.stderr)
    if field.secret:
        print("  best global_secret{{KEY}}: keep the value with `gofer secret put KEY --global`", file=sys.stderr)
    default = "" if field.required or field.default is None else f" [{plain(str(field.default))}]"
    while True:
        text: str = click.prompt(
            f"  {plain(field.name)}{default}", default="", show_default=False, hide_input=field.secret, err=True
        )
        if text:
            return typed(field, text)
        if not field.required:
            return None


def _missing(fields: list[Field]) -> CommandError:
    names = ", ".join(f'"{plain(field.name)}"' for field in fields)
    listed = "; ".join(f"{plain(field.name)} ({field.type}): {plain(field.description)}" for field in fields)
    example = " ".join(f"--set {plain(field.name)}=…" for field in fields)
    return CommandError(f"the trigger needs {names}: {listed}", f"Add {example}", exit_code=ExitCode.USAGE)
