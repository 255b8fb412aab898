"""Registering a manifest, for every command that does: the options, the request, and what is said of the answer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from gofer.client import paths
from gofer.client.answers import decode
from gofer.models.pipeline import Registered

if TYPE_CHECKING:
    from gofer.cli.compile import Manifest
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


class Registration(NamedTuple):
    """How to register: `deploy` makes the version live, `force` aborts the deployment that is in the way."""

    deploy: bool = True
    notes: str = ""
    force: bool = False

    def send(self, invocation: Invocation, manifest: Manifest) -> Registered:
        """Register `manifest`; a person is told of the warnings."""
        query = {} if self.deploy else {"deploy": "false"}
        query |= {"notes": self.notes} if self.notes else {}
        query |= {"force": "true"} if self.force else {}
        path = paths.pipelines(invocation.namespace)
        answer = invocation.client.send_bytes(path, manifest.body, manifest.content_type, query)
        registered = decode(answer, Registered, invocation.client.address)
        for warning in registered.warnings:
            invocation.output.warn(warning)
        return registered


def registration_options(command: F) -> F:
    """--no-deploy, --notes and --force; the command gets a Registration as `registration`."""

    @functools.wraps(command)
    def with_registration(*args: Any, no_deploy: bool, notes: str, force: bool, **rest: Any) -> Any:
        return command(*args, registration=Registration(not no_deploy, notes, force), **rest)

    options = (
        click.option("--no-deploy", is_flag=True, help="Only store the version; the live one stays."),
        click.option("--notes", default="", metavar="TEXT", help="What there is to say of the version."),
        click.option("--force", is_flag=True, help="Abort the deployment that is under way, if there is one."),
    )
    for option in reversed(options):
        with_registration = option(with_registration)
    return with_registration  # type: ignore[return-value]  # click's decorators keep it


def outcome(registered: Registered) -> Iterator[str]:
    """One line: what became of the content."""
    what, version = f"pipeline {registered.pipeline.id}", registered.version
    short = registered.hash[:12]
    if registered.created:
        yield f"{what} created, version {version} ({short})"
    elif registered.changed:
        yield f"{what} updated, version {version} ({short})"
    else:
        yield f"{what} unchanged: version {version} has the same content ({short})"


def next_steps(invocation: Invocation, registered: Registered) -> Iterator[str]:
    """What to do now: run it, or deploy it first where it is not live."""
    pipeline, version = registered.pipeline, registered.version
    if pipeline.version == version:
        yield f"Run it: {invocation.command('pipeline run', pipeline.id)} --follow"
        return
    live = f"version {pipeline.version} is live" if pipeline.version else "no version is live"
    yield f"Not deployed: {live}."
    yield f"Try it:    {invocation.command('pipeline run', pipeline.id)} --version {version} --follow"
    yield f"Deploy it: {invocation.command('pipeline deploy', pipeline.id)} --version {version}"
