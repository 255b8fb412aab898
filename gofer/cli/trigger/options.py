"""Options that several of the commands take."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from gofer.cli.arguments import complete_trigger
from gofer.models.trigger import Field, TriggerOptions

F = TypeVar("F", bound=Callable[..., Any])

PULL = ("always", "if_not_present", "never")
_SET = "A setting of the trigger's; global_secret{{key}} in a value is replaced when it starts. Repeat for more."


def trigger_argument(command: F) -> F:
    """NAME, completed from the server."""
    return click.argument("name", shell_complete=complete_trigger)(command)


def settings_options(command: F) -> F:
    """`--set`, `--ask` and `--no-input`; the command gets `given`, `ask` and `no_input`."""
    options = [
        click.option("--set", "given", metavar="NAME=VALUE", multiple=True, callback=_pairs, help=_SET),
        click.option("--ask", is_flag=True, help="Ask for every setting, not only for those that must be set."),
        click.option("--no-input", is_flag=True, help="Ask for nothing: what must be set and is not is an error."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def container_options(command: F) -> F:
    """What the container of a trigger needs besides its image; the command gets them as `container`."""
    import functools

    options = [
        click.option("--entrypoint", metavar="WORDS", help="In place of the image's, as a shell would split it."),
        click.option("--command", metavar="WORDS", help="In place of the image's, as a shell would split it."),
        click.option(
            "--variable", "variables", metavar="NAME=VALUE", multiple=True, callback=_pairs,
            help="A variable of its container; global_secret{{key}} works there too.",
        ),
        click.option("--user", metavar="USER", help="Who it runs as, in place of the image's."),
        click.option("--network", metavar="NAME", help="A network of the engine that the server allows."),
        click.option("--pull", type=click.Choice(PULL), help="When the image is pulled."),
        click.option("--cpu", type=float, metavar="CORES", help="So many cores at most."),
        click.option("--memory", metavar="SIZE", help="So much at most, as in 256MiB."),
    ]  # fmt: skip

    @functools.wraps(command)
    def with_container(*args: Any, **given: Any) -> Any:
        names = ("entrypoint", "command", "variables", "user", "network", "pull", "cpu", "memory")
        container = {name: given.pop(name) for name in names}
        for name in ("entrypoint", "command"):
            container[name] = _words(name, container[name])
        return command(*args, container={name: value for name, value in container.items() if value}, **given)

    for option in reversed(options):
        with_container = option(with_container)
    return with_container  # type: ignore[return-value]  # click's decorators keep the function


def options_of(container: Mapping[str, Any], before: TriggerOptions | None = None) -> TriggerOptions:
    """What was given, in place of what was before."""
    import msgspec

    return msgspec.structs.replace(before or TriggerOptions(), **container)


def typed(field: Field, text: str) -> Any:
    """What a text that somebody typed means for a field. A text that does not fit is left to the server to refuse."""
    import msgspec

    if field.type in ("string", "duration") or "{{" in text:
        return text
    try:
        if field.type in ("list", "map"):
            return msgspec.json.decode(text)
        return msgspec.convert(text, {"integer": int, "number": float, "boolean": bool}[field.type], strict=False)
    except ValueError:
        return text


def _pairs(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or not name:
            raise click.BadParameter(f'expected NAME=VALUE, got "{one}"')
        if name in found:
            raise click.BadParameter(f'"{name}" is given twice')
        found[name] = value
    return found


def _words(name: str, text: str | None) -> list[str] | None:
    if text is None:
        return None
    try:
        return shlex.split(text)
    except ValueError as error:
        raise click.UsageError(f"--{name}: {error}", click.get_current_context()) from None
