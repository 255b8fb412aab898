"""Commands and groups as Gofer's command line wants them: global options everywhere, examples, loaded when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

pass_invocation = click.pass_obj
"""Hands the Invocation to a command as its first argument."""

Load = Callable[[], click.Command]


class Entry(NamedTuple):
    """A command that is imported when it is called. `help` is the first line of its own help; a hidden one is not for
    people, and no list has it."""

    help: str
    load: Load
    hidden: bool = False


class GlobalOption(click.Option):
    """An option of every command, before or after the command's name."""


class Command(click.Command):
    """A command with examples in its help, and with the global options."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = list(examples)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return _with_global_options(super().get_params(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Group(click.Group):
    """A noun, or the root: its commands are its own or loaded from a table."""

    command_class = Command

    def __init__(self, *args: Any, table: Mapping[str, Entry] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table or {}

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return _with_global_options(super().get_params(ctx))

    def entry(self, name: str) -> Entry:
        """The row of the table for a command."""
        return self._table[name]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._table.get(cmd_name)
        return entry.load() if entry is not None else super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        listed = [name for name, entry in self._table.items() if not entry.hidden]
        return listed if self._table else list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self.list_commands(ctx), n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise click.UsageError(f'There is no command "{name}".{meant}', ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, without importing what is in the table only to show its help."""
        if not self._table:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._table[name].help) for name in self.list_commands(ctx)])


@cache
def global_options() -> tuple[GlobalOption, ...]:
    """The options of every command."""

    def option(name: str, about: str, **kwargs: Any) -> GlobalOption:
        return GlobalOption([f"--{name}"], help=about, expose_value=False, callback=_remember, **kwargs)

    return (
        option("format", "How to print: pretty for people, json for programs.", type=click.Choice(_FORMATS)),
        option("no-color", "Never print colours (NO_COLOR does the same).", is_flag=True, default=None),
        option("namespace", "Namespace to work in.", metavar="ID"),
        option("host", "Where the server is, such as localhost:8080 or unix:///path.", metavar="ADDRESS"),
        option("ca-file", "Authority that signed the server's certificate (PEM).", metavar="FILE"),
        option("insecure", "Do not check the server's certificate; a token in the clear.", is_flag=True, default=None),
        option("token-file", "File with the token to show to the server; - is stdin.", metavar="FILE"),
        option("config", "Configuration file to read in place of ~/.gofer.hcl.", metavar="FILE"),
    )


_FORMATS = ("pretty", "json", "silent")


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is None or ctx.resilient_parsing:
        return
    invocation: Invocation = ctx.find_root().obj
    invocation.override(str(param.name), "true" if value is True else str(value))


def _with_global_options(own: list[click.Parameter]) -> list[click.Parameter]:
    taken = {name for param in own for name in param.opts}
    return own + [option for option in global_options() if not taken.intersection(option.opts)]


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The command's own options; the global ones in full in the root's help only."""
    own: list[tuple[str, str]] = []
    everywhere: list[tuple[str, str]] = []
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            (everywhere if isinstance(param, GlobalOption) else own).append(record)
    with formatter.section("Options"):
        formatter.write_dl(own)
    if ctx.parent is None:
        with formatter.section("Options of every command"):
            formatter.write_dl(everywhere)
    else:
        names = ", ".join(option.opts[0] for option in global_options())
        formatter.write_paragraph()
        formatter.write_text(f"Options of every command, see `gofer --help`: {names}.")
