"""The root command: which nouns there are, and where each is found. Imports none of them before it is called."""

from __future__ import annotations

import click

from gofer import __version__
from gofer.cli.base import Command, Entry, Group

_ABOUT = """Gofer runs short-lived container jobs as pipelines.

`gofer service start` starts the server; every other command is a client of it, except `local run`, which needs none.
"""


def root() -> Group:
    """The whole command line."""
    about = click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
    )
    return Group(
        "gofer",
        help=_ABOUT,
        params=[about],
        table=_table(),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        print(f"gofer {__version__}")
        ctx.exit()


def _table() -> dict[str, Entry]:
    return {
        "pipeline": Entry("Register pipelines, look at them and run them.", _pipeline),
        "up": Entry("Check a pipeline, show what changes, make it live, run it.", _up),
        "apply": Entry("Make a namespace equal to a folder of pipelines.", _apply),
        "run": Entry("Start, follow, cancel and retry runs.", _run),
        "taskrun": Entry("Look at the task runs of a run, their logs and inside their containers.", _taskrun),
        "trigger": Entry(
            "Install what starts runs by itself: schedules, webhooks, other pipelines, your own.", _trigger
        ),
        "secret": Entry("Keep passwords and tokens for pipelines, encrypted.", _secret),
        "token": Entry("Let people and programs in, and keep them to what they need.", _token),
        "common-task": Entry("Install tasks once that every pipeline may use.", _common_task),
        "namespace": Entry("Make and change namespaces.", _namespace),
        "role": Entry("Say what tokens may do.", _role),
        "event": Entry("See what happened, and watch what happens.", _event),
        "local": Entry("Run a pipeline without a server.", _local),
        "service": Entry("Start the server and ask how it is.", _service),
        "python": Entry("Run Python as pipelines are run: Gofer's own, with the SDK.", _python),
        "completion": Entry("Print the script that completes gofer's commands in your shell.", _completion),
        "version": Entry(
            "Print the version of this program and of the server, and what the program is made of.", _version_command
        ),
        "builtin": Entry(
            "Run a trigger or a common task of the program's own, as the server does.", _builtin, hidden=True
        ),
    }


# Imports are literal, so that tools which look for them (such as a freezer) find every one.


def _pipeline() -> click.Command:
    from gofer.cli.pipeline import pipeline

    return pipeline


def _up() -> Command:
    from gofer.cli.up import up

    return up


def _apply() -> Command:
    from gofer.cli.apply import apply

    return apply


def _run() -> click.Command:
    from gofer.cli.run import run

    return run


def _taskrun() -> click.Command:
    from gofer.cli.taskrun import taskrun

    return taskrun


def _trigger() -> click.Command:
    from gofer.cli.trigger import trigger

    return trigger


def _secret() -> click.Command:
    from gofer.cli.secret import secret

    return secret


def _token() -> click.Command:
    from gofer.cli.token import token

    return token


def _common_task() -> click.Command:
    from gofer.cli.common_task import common_task

    return common_task


def _namespace() -> click.Command:
    from gofer.cli.namespace import namespace

    return namespace


def _role() -> click.Command:
    from gofer.cli.role import role

    return role


def _event() -> click.Command:
    from gofer.cli.event import event

    return event


def _local() -> click.Command:
    from gofer.cli.local import local

    return local


def _service() -> click.Command:
    from gofer.cli.service import service

    return service


def _python() -> Command:
    from gofer.cli.python import python

    return python


def _completion() -> Command:
    from gofer.cli.completion import completion

    return completion


def _builtin() -> Command:
    from gofer.cli.builtin import builtin

    return builtin


def _version_command() -> Command:
    from gofer.cli.version import version

    return version
