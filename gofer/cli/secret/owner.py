"""Whose secret: a pipeline's, or a global one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from gofer.cli.arguments import complete_pipeline, complete_secret
from gofer.client import paths

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


class Owner(NamedTuple):
    """`pipeline` None: it is a global secret."""

    namespace: str
    pipeline: str | None

    def path(self, key: str) -> str:
        """Of one secret. Raises InvalidInput where a name is no id."""
        return paths.secret(self.namespace, self.pipeline, key)

    @property
    def all(self) -> str:
        """Of all."""
        return paths.secrets(self.namespace, self.pipeline)

    def said(self, key: str) -> str:
        """The secret, for a sentence."""
        return f"global secret {key}" if self.pipeline is None else f"secret {key} of {self.pipeline}"


def owner_options(command: F) -> F:
    """`--pipeline` or `--global`; the command gets them as `owner`."""

    @functools.wraps(command)
    def owned(invocation: Invocation, pipeline: str | None, is_global: bool, **rest: Any) -> Any:
        if is_global == (pipeline is not None):
            raise click.UsageError("give either --pipeline P or --global", click.get_current_context())
        return command(invocation, owner=Owner(invocation.namespace, pipeline), **rest)

    about = "A secret that pipelines of several namespaces may use."
    wrapped = click.option("--global", "is_global", is_flag=True, help=about)(owned)
    about = "The pipeline that the secret belongs to."
    option = click.option("--pipeline", metavar="P", shell_complete=complete_pipeline, help=about)
    return option(wrapped)  # type: ignore[return-value]  # click's decorators keep the function


def key_argument(command: F) -> F:
    """KEY, completed from the server where the owner was given before."""
    return click.argument("key", shell_complete=complete_secret)(command)
