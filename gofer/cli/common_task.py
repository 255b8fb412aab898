"""`gofer common-task …`"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gofer.cli.arguments import complete_common_task
from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.models.common_task import (
    CommonTask,
    CommonTaskChanged,
    CommonTaskDeleted,
    InstallCommonTask,
    UpgradeCommonTask,
)
from gofer.models.manifest import Registry

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])

_PULL = ("always", "if_not_present", "never")


@click.group("common-task", cls=Group)
def common_task() -> None:
    """Install tasks once that every pipeline may use.

    A pipeline names a common task in place of an image, or as a notifier, and never sees what it was installed with.
    """


def _name(command: F) -> F:
    return click.argument("name", shell_complete=complete_common_task)(command)


def _options(command: F) -> F:
    """What `install` and `upgrade` both take."""
    options = [
        click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help=_SET),
        click.option("--entrypoint", metavar="WORDS", help="In place of the image's, as a shell would split it."),
        click.option("--command", metavar="WORDS", help="In place of the image's, as a shell would split it."),
        click.option("--namespaces", metavar="A,B", help="Whose pipelines may use it: ids, or patterns with *."),
        click.option("--pull", type=click.Choice(_PULL), help="When the image is pulled."),
        click.option("--registry-user", metavar="NAME", help="Who to log in as at the image's registry."),
        click.option("--registry-secret", metavar="KEY", help="The global secret that holds the password there."),
        click.option("--description", help="What it is for."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


_SET = "A variable of its container; global_secret{{key}} in a value is replaced when it starts. Repeat for more."


@common_task.command(
    "install",
    examples=[
        "gofer common-task install slack builtin:slack --set 'SLACK_WEBHOOK_URL=global_secret{{slack_url}}'",
        "gofer common-task install scan ghcr.io/acme/scan:2 --namespaces 'team-*' --set LEVEL=high",
    ],
)
@pass_invocation
@click.argument("name")
@click.argument("image")
@_options
def install(invocation: Invocation, /, name: str, image: str, **options: Any) -> None:
    """Install a common task.

    IMAGE is a container's, or builtin:NAME for one that the program brings along.
    """
    variables = _variables(options["given"])
    given = _given(options)
    body = InstallCommonTask(id=name, image=image, variables=variables, **given)
    _show_changed(invocation, invocation.client.send("POST", paths.COMMON_TASKS, CommonTaskChanged, body), "installed")


@common_task.command(
    "upgrade",
    examples=[
        "gofer common-task upgrade scan ghcr.io/acme/scan:3",
        "gofer common-task upgrade slack --set CHANNEL=ops --unset TEMPLATE",
    ],
)
@pass_invocation
@_name
@click.argument("image", required=False)
@_options
@click.option("--unset", metavar="NAME", multiple=True, help="A variable to take away. Repeat for more.")
def upgrade(invocation: Invocation, /, name: str, image: str | None, unset: tuple[str, ...], **options: Any) -> None:
    """Change a common task. What is not given stays; containers that run already go on as they are."""
    variables: dict[str, str | None] = {**dict.fromkeys(unset), **_variables(options["given"])}
    given = _given(options)
    if not (image or variables or given):
        raise click.UsageError("give what is to change: an image, or one of the options", click.get_current_context())
    body = UpgradeCommonTask(image=image, variables=variables, **given)
    changed = invocation.client.send("PATCH", paths.common_task(name), CommonTaskChanged, body)
    _show_changed(invocation, changed, "upgraded")


@common_task.command("list", examples=["gofer common-task list"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """The common tasks that you may use."""
    columns = Columns(
        ("COMMON TASK", "ENABLED", "IMAGE", "NAMESPACES", "DESCRIPTION"),
        lambda one: [
            one.id, "yes" if one.enabled else "no", plain(one.image), ", ".join(one.namespaces), plain(one.description)
        ],
        "No common tasks. Install one: gofer common-task install --help.",
    )  # fmt: skip
    show_list(invocation, paths.COMMON_TASKS, CommonTask, {}, paging, columns)


@common_task.command("get", examples=["gofer common-task get slack"])
@pass_invocation
@_name
def get(invocation: Invocation, name: str) -> None:
    """One common task. Values of its variables are shown to those who may set them."""
    found = invocation.client.get(paths.common_task(name), CommonTask)
    invocation.output.show(found, lambda: _described(invocation, found))


@common_task.command("enable", examples=["gofer common-task enable slack"])
@pass_invocation
@_name
def enable(invocation: Invocation, name: str) -> None:
    """Let a common task be used again."""
    done = invocation.client.send("POST", f"{paths.common_task(name)}/enable", CommonTask)
    invocation.output.show(done, lambda: [f"common task {done.id} enabled"])


@common_task.command("disable", examples=["gofer common-task disable slack"])
@pass_invocation
@_name
def disable(invocation: Invocation, name: str) -> None:
    """Let nothing of a common task start any more; what runs goes on."""
    done = invocation.client.send("POST", f"{paths.common_task(name)}/disable", CommonTask)
    invocation.output.show(done, lambda: [f"common task {done.id} disabled"])


@common_task.command("uninstall", examples=["gofer common-task uninstall slack"])
@pass_invocation
@_name
@click.option("--force", is_flag=True, help="Also if pipelines use it: what they do with it fails from then on.")
def uninstall(invocation: Invocation, name: str, force: bool) -> None:
    """Uninstall a common task.

    One that pipelines use is kept, and it is said which, unless --force is given.
    """
    path = paths.common_task(name) + ("?force=true" if force else "")
    gone = invocation.client.send("DELETE", path, CommonTaskDeleted)
    document = {"uninstalled": name, "pipelines": gone.pipelines}
    invocation.output.show(document, lambda: [f"common task {name} uninstalled"])
    if gone.pipelines:
        invocation.output.note(f"These pipelines use it, and fail from now on: {', '.join(gone.pipelines)}")


def _variables(given: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            # Not the text itself: it may be a secret.
            raise click.BadParameter("expected NAME=VALUE, such as LEVEL=high", param_hint="'--set'")
        found[name] = value
    return found


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of either body that were given."""
    found = {name: options[name] for name in ("description", "pull") if options[name] is not None}
    for name in ("entrypoint", "command"):
        if options[name] is not None:
            found[name] = _words(name, options[name])
    if options["namespaces"] is not None:
        found["namespaces"] = [one.strip() for one in options["namespaces"].split(",") if one.strip()]
    user, secret = options["registry_user"], options["registry_secret"]
    if (user is None) != (secret is None):
        raise click.UsageError("give --registry-user and --registry-secret together", click.get_current_context())
    if user is not None:
        found["registry"] = Registry(user=user, password_secret=secret)
    return found


def _words(name: str, text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}: quote it as in a shell", param_hint=f"'--{name}'") from error


def _show_changed(invocation: Invocation, done: CommonTaskChanged, verb: str) -> None:
    invocation.output.show(done, lambda: [f"common task {done.common_task.id} {verb}"])
    for warning in done.warnings:
        invocation.output.warn(warning)


def _described(invocation: Invocation, one: CommonTask) -> Iterable[str]:
    output = invocation.output
    registry = f"{one.registry.user}, {one.registry.password_secret}" if one.registry else ""
    yield from output.fields(
        [
            ("common task", one.id),
            ("description", plain(one.description)),
            ("enabled", "yes" if one.enabled else "no"),
            ("image", plain(one.image)),
            ("entrypoint", plain(" ".join(one.entrypoint or ()))),
            ("command", plain(" ".join(one.command or ()))),
            ("pull", one.pull),
            ("registry", plain(registry)),
            ("namespaces", ", ".join(one.namespaces)),
            ("installed", f"{clock(one.created_at)} {plain(one.created_by)}".strip()),
            ("modified", f"{clock(one.modified_at)} {plain(one.modified_by)}".strip()),
        ]
    )
    if one.variables:
        yield ""
        yield from output.table(("VARIABLE", "VALUE"), [[plain(k), plain(v)] for k, v in sorted(one.variables.items())])
