"""Node: what every task of a pipeline has, whatever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Self

from gofer_sdk import bounds, checks
from gofer_sdk.errors import PipelineError, mistake
from gofer_sdk.references import references
from gofer_sdk.value import Value

Condition = Literal["successful", "failed", "any"]
Scalar = str | int | float

_CONDITIONS = ("successful", "failed", "any")


class Node(Value):
    """A Task or a CommonTask: its place in the graph, and how long and how often it is tried."""

    __slots__ = ()
    _abstract = True

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids of the tasks that it depends on."""
        return tuple(edge["task"] for edge in self._parts.get("depends_on", ()))

    def manifest(self) -> dict[str, Any]:
        """This task as it stands in the manifest. Changing the answer changes nothing here."""
        return self._plain()

    def with_id(self, id: str) -> Self:  # noqa: A002  # as in the constructor
        """The same task by another name: how a base task becomes one of a pipeline's."""
        return self._with(id=checks.identifier(self._where("with_id"), id, "the id of a task"))

    def description(self, description: str) -> Self:
        """What it does, for people."""
        where = self._where("description")
        fix = 'Write .description("What it does").'
        most = bounds.MAX_DESCRIPTION
        return self._with(description=checks.block(where, description, "a description", fix, empty=True, most=most))

    def depends_on(self, *parents: str | Node, when: Condition = "successful") -> Self:
        """Start only after `parents` have ended as `when` says: `successful`, `failed` or `any` (skipped ones too)."""
        where = self._where("depends_on")
        if not parents:
            raise PipelineError(f'{where}: expected at least one task, got none. Write .depends_on("build").')
        checks.one_of(where, when, _CONDITIONS, 'Write when="any", for example.')
        added = [parent.id if isinstance(parent, Node) else _parent(where, parent) for parent in parents]
        if self.id in added:
            raise PipelineError(f"{where}: a task cannot wait for itself. Name another task.")
        checks.distinct(where, (*self.parents, *added), "the list of parents")
        return self._with(
            depends_on=[*self._parts.get("depends_on", ()), *({"task": task, "when": when} for task in added)]
        )

    def matrix(self, **values: Sequence[Scalar]) -> Self:
        """Fan out: one task run for each combination of the values, as in `.matrix(python=["3.11", "3.12"])`.

        Each one gets its values as GOFER_MATRIX_<KEY> and as `matrix("key")` in its variables. A dependant waits for
        all of them.
        """
        where = self._where("matrix")
        if not values:
            raise PipelineError(
                f'{where}: expected at least one key, got none. Write .matrix(python=["3.11", "3.12"]).'
            )
        added = {key: _axis(where, checks.variable_name(where, key, "a key"), axis) for key, axis in values.items()}
        merged = {**self._parts.get("matrix", {}), **added}
        checks.few(where, merged, bounds.MAX_MATRIX_KEYS, "keys")
        checks.distinct(where, (key.upper() for key in merged), "GOFER_MATRIX_… (capitals do not count)")
        return self._with(matrix=merged)

    def retries(
        self,
        count: int,
        *,
        backoff: str | timedelta | None = None,
        factor: float | None = None,
        max_backoff: str | timedelta | None = None,
        jitter: float | None = None,
    ) -> Self:
        """Up to `count` further attempts after a failure.

        The wait before the first is `backoff` ("1s" where not given), then `factor` (2) times as long each time, at
        most `max_backoff` ("5m"), shortened or lengthened at random by up to the part `jitter` (0.1) of it.
        """
        where = self._where("retries")
        retries: dict[str, Any] = {"count": _count(where, count)}
        if backoff is not None:
            retries["backoff"] = checks.duration(where, backoff, 'backoff="2s"')
        if factor is not None:
            retries["factor"] = checks.number(
                where, factor, "factor", "Write factor=2.", least=1, most=bounds.MAX_FACTOR
            )
        if max_backoff is not None:
            retries["max_backoff"] = checks.duration(where, max_backoff, 'max_backoff="1m"')
        if jitter is not None:
            retries["jitter"] = checks.number(where, jitter, "jitter", "Write jitter=0.1.", least=0, most=1)
        _refuse_shrinking(where, retries)
        return self._with(retries=retries)

    def timeout(self, timeout: str | timedelta) -> Self:
        """How long one attempt may take, such as `"10m"`; it is stopped and failed then."""
        return self._with(timeout=checks.duration(self._where("timeout"), timeout, '.timeout("10m")', least=1))

    def stop_timeout(self, timeout: str | timedelta) -> Self:
        """How long the container may take to stop when it is asked to, before it is killed."""
        where = self._where("stop_timeout")
        most = bounds.MAX_STOP_TIMEOUT_MS
        return self._with(stop_timeout=checks.duration(where, timeout, '.stop_timeout("30s")', most=most))

    def allow_failure(self, allowed: bool = True) -> Self:
        """Whether the run may be successful even where this task has failed."""
        where = self._where("allow_failure")
        return self._with(allow_failure=checks.boolean(where, allowed, "Write .allow_failure()."))


def scalar(where: str, value: object, name: str) -> str:
    """The value of a variable or matrix key as text. Numbers are plain; True could be meant as 1, true or yes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return checks.content(where, value, f"the value of {name}", f'Write it in quotes, such as "{value}".')


def _parent(where: str, parent: object) -> str:
    if isinstance(parent, list | tuple):
        raise mistake(where, "tasks one by one", parent, "Put a star before the list: .depends_on(*tasks).")
    return checks.identifier(where, parent, "a task or the id of one")


def _axis(where: str, key: str, values: object) -> list[str]:
    """All values of one key of a matrix."""
    fix = f'Write .matrix({key}=["a", "b"]).'
    checks.identifier(where, key, "a key")
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence) or not values:
        raise mistake(where, f"a list of at least one value for {key}", values, fix)
    checks.few(where, values, bounds.MAX_TASKS, f"values of {key}")
    axis = [scalar(where, value, key) for value in values]
    for value in axis:
        checks.line(where, value, f"a value of {key}", fix, most=bounds.MAX_MATRIX_VALUE)
        if references(value):
            reason = "A matrix is fanned out before a run starts: put the text where the value is used."
            raise mistake(where, f"values of {key} without {{{{…}}}}", value, reason)
    checks.distinct(where, axis, key)
    return axis


def _count(where: str, count: object) -> int:
    return checks.whole_number(where, count, "count", "Write .retries(3).", most=bounds.MAX_RETRIES)


def _refuse_shrinking(where: str, retries: Mapping[str, Any]) -> None:
    """The longest wait is no shorter than the first."""
    first, longest = retries.get("backoff", "1s"), retries.get("max_backoff", "5m")
    if (checks.milliseconds(longest) or 0) < (checks.milliseconds(first) or 0):
        raise PipelineError(
            f'{where}: expected max_backoff to be at least backoff, got backoff="{first}", max_backoff="{longest}". '
            f'Write max_backoff="{first}" or longer.'
        )
