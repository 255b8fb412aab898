"""Whose objects a command is for: those of a pipeline, or of a run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gofer.cli.arguments import pipeline_argument, run_argument
from gofer.client import paths

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


class Place(NamedTuple):
    """The objects of a pipeline, or of the run with this number."""

    namespace: str
    pipeline: str
    run: int | None

    def __str__(self) -> str:
        return f"pipeline {self.pipeline}" if self.run is None else f"run {self.pipeline} #{self.run}"

    @property
    def path(self) -> str:
        """Of all of them, in the API."""
        return paths.objects(self.namespace, self.pipeline, self.run)

    def path_of(self, key: str) -> str:
        """Of one of them, in the API."""
        return paths.object_(self.namespace, self.pipeline, self.run, key)

    def command(self, invocation: Invocation, verb: str, arguments: str) -> str:
        """A command for a person to copy."""
        if self.run is None:
            return invocation.command(f"pipeline store {verb}", f"{self.pipeline} {arguments}")
        return invocation.command(f"run store {verb}", f"{self.pipeline} {self.run} {arguments}")


class Level(NamedTuple):
    """`owner` is how examples name whose objects they are; `argument` takes that from the command line."""

    noun: str
    about: str
    owner: str
    argument: Callable[[F], F]

    def example(self, verb: str, rest: str = "") -> str:
        """A line for the help of a command."""
        return f"gofer {self.noun} store {verb} {self.owner} {rest}".rstrip()


def _of_pipeline(command: F) -> F:
    """PIPELINE; the command gets `place`."""

    @functools.wraps(command)
    def placed(invocation: Invocation, pipeline: str, **rest: Any) -> Any:
        return command(invocation, place=Place(invocation.namespace, pipeline, None), **rest)

    return pipeline_argument(placed)  # type: ignore[return-value]  # click's decorators keep the function


def _of_run(command: F) -> F:
    """PIPELINE RUN; the command gets `place`."""

    @functools.wraps(command)
    def placed(invocation: Invocation, pipeline: str, run: int, **rest: Any) -> Any:
        return command(invocation, place=Place(invocation.namespace, pipeline, run), **rest)

    return run_argument(placed)  # type: ignore[return-value]  # click's decorators keep the function


def of_pipelines() -> Level:
    """The level of `gofer pipeline store`."""
    about = (
        "Keep values and files for a pipeline: its objects.\n\nThey stay until they are deleted, or until the pipeline "
        "has more than the server's object_store.pipeline_object_limit: then the oldest go."
    )
    return Level("pipeline", about, "nightly", _of_pipeline)


def of_runs() -> Level:
    """The level of `gofer run store`."""
    about = (
        "Keep values and files for one run: its objects.\n\nThey go when the pipeline has had the server's "
        "object_store.run_object_expiry further runs. RUN is a run's number within its pipeline, or `latest`."
    )
    return Level("run", about, "nightly 12", _of_run)
