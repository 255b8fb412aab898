"""Pipeline: a named graph of tasks, and what its runs take and keep to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Self

from gofer_sdk import bounds, checks
from gofer_sdk.common_task import checked_settings
from gofer_sdk.errors import PipelineError, mistake
from gofer_sdk.finish import problems_of
from gofer_sdk.node import Node, Scalar
from gofer_sdk.parameter import ParameterType, ParameterValue, parameter
from gofer_sdk.subscription import subscription
from gofer_sdk.value import Value

OnLimit = Literal["queue", "skip", "cancel_oldest"]
Outcome = Literal["successful", "failed", "cancelled"]

SCHEMA_VERSION = 1
_OUTCOMES = ("successful", "failed", "cancelled")
_ON_LIMIT = ("queue", "skip", "cancel_oldest")


class Pipeline(Value):
    """`Pipeline("nightly", "Nightly jobs").tasks(Task("dump", "postgres:16").command("pg_dump", "shop"))`.

    A pipeline is a value. Each method returns a new pipeline; `label`, `labels`, `link`, `parameter`, `subscription`,
    `notifier` and `tasks` add to what is there, all others replace it. Every method raises PipelineError for a value
    that cannot be; `manifest`, `to_json`, `to_msgpack` and `emit` check the pipeline as a whole and list all that is
    wrong in one PipelineError.
    """

    __slots__ = ()
    _order = (
        *("id", "schema_version", "name", "description", "owner", "labels", "links", "parameters"),
        *("parallelism", "run_timeout", "subscriptions", "notifiers", "tasks"),
    )

    def __init__(self, id: str, name: str = "") -> None:  # noqa: A002  # `Pipeline(id=…)` is what its author would write
        """`id` names the pipeline in its namespace; `name` is what people read, the id where there is none."""
        checked = checks.identifier("Pipeline()", id, "the id of a pipeline")
        parts: dict[str, Any] = {"id": checked, "schema_version": SCHEMA_VERSION}
        fix = 'Write Pipeline("nightly", "Nightly jobs").'
        if title := checks.line(f'Pipeline "{checked}"', name, "a name", fix, empty=True, most=bounds.MAX_NAME):
            parts["name"] = title
        super().__init__({**parts, "tasks": ()})

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of its tasks, in order."""
        return tuple(task.id for task in self._parts["tasks"])

    def task(self, id: str) -> Node:  # noqa: A002  # it is an id
        """The task of that id, to be looked at in a test. Raises KeyError."""
        tasks: tuple[Node, ...] = self._parts["tasks"]
        return {task.id: task for task in tasks}[id]

    def manifest(self) -> dict[str, Any]:
        """The pipeline as the server takes it, checked as a whole. Changing the answer changes nothing here."""
        manifest = self._plain()
        problems = problems_of(manifest)
        if problems:
            listed = "".join(f"\n  - {problem}" for problem in problems)
            told = f" {problems[0]}" if len(problems) == 1 else f" {len(problems)} things are wrong.{listed}"
            raise PipelineError(f'Pipeline "{self.id}":{told}', problems)
        return manifest

    def to_json(self) -> str:
        """The manifest as JSON with a final newline: indented, unless that would make it longer than a server takes."""
        manifest = self.manifest()
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        if len(text.encode()) >= bounds.MAX_MANIFEST_BYTES:
            text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
        return f"{text}\n"

    def to_msgpack(self) -> bytes:
        """The manifest as MessagePack."""
        import msgpack  # type: ignore[import-untyped]  # it has no type hints

        packed: bytes = msgpack.packb(self.manifest())
        return packed

    def emit(self) -> None:
        """Print the manifest to standard output: JSON, or MessagePack where the program was given `--msgpack`.

        The last line of a pipeline file, below `if __name__ == "__main__":`. Once a program: a second call raises.
        """
        from gofer_sdk.emit import emit

        emit(self)

    def description(self, description: str) -> Self:
        """What it is for, for people."""
        fix = 'Write .description("What it is for").'
        where = self._where("description")
        most = bounds.MAX_DESCRIPTION
        return self._with(description=checks.block(where, description, "a description", fix, empty=True, most=most))

    def owner(self, owner: str) -> Self:
        """The person or team to ask."""
        fix = 'Write .owner("team-data").'
        return self._with(owner=checks.line(self._where("owner"), owner, "an owner", fix, most=bounds.MAX_NAME))

    def label(self, key: str, value: str) -> Self:
        """One label: a key and a value to find the pipeline by."""
        return self._with(labels=self._labels(self._where("label"), {key: value}))

    def labels(self, labels: Mapping[str, str]) -> Self:
        """Several labels at once."""
        where = self._where("labels")
        if not isinstance(labels, Mapping):
            raise mistake(where, "keys and their values", labels, 'Write .labels({"team": "data"}).')
        return self._with(labels=self._labels(where, labels))

    def link(self, title: str, url: str) -> Self:
        """A link that is shown beside the pipeline, such as to its runbook."""
        where = self._where("link")
        fix = 'Write .link("Runbook", "https://example.org/runbook").'
        link = {"title": checks.line(where, title, "a title", fix, most=bounds.MAX_NAME), "url": _url(where, url, fix)}
        links = [*self._parts.get("links", ()), link]
        checks.few(where, links, bounds.MAX_LINKS, "links")
        return self._with(links=links)

    def parameter(
        self,
        name: str,
        type: ParameterType = "string",  # noqa: A002  # the manifest's own word
        *,
        default: ParameterValue | None = None,
        choices: Sequence[ParameterValue] | None = None,
        required: bool = False,
        description: str = "",
    ) -> Self:
        """What a person or a trigger fills in when a run starts.

        `name` follows the rule of a variable. A run is refused where a `required` parameter is missing, or a value is
        not of the type or not one of the choices. Tasks take it with `param("name")`.
        """
        where = self._where("parameter")
        added = parameter(
            where, name, type, default=default, choices=choices, required=required, description=description
        )
        parameters = [*self._parts.get("parameters", ()), added]
        checks.few(where, parameters, bounds.MAX_PARAMETERS, "parameters")
        checks.distinct(where, (each["name"] for each in parameters), "the list of parameters")
        return self._with(parameters=parameters)

    def parallelism(self, limit: int, *, on_limit: OnLimit = "queue") -> Self:
        """At most `limit` runs at once (0: only the server's limit counts).

        One run more waits (`queue`), is not run (`skip`), or takes the place of the oldest (`cancel_oldest`).
        """
        where = self._where("parallelism")
        fix = "Write .parallelism(1)."
        most = bounds.MAX_PARALLELISM
        return self._with(
            parallelism={
                "limit": checks.whole_number(where, limit, "limit", fix, most=most),
                "on_limit": checks.one_of(where, on_limit, _ON_LIMIT, 'Write on_limit="skip", for example.'),
            }
        )

    def run_timeout(self, timeout: str | timedelta) -> Self:
        """How long a run may take from its start, such as `"2h"`; what still runs then is stopped."""
        where = self._where("run_timeout")
        return self._with(run_timeout=checks.duration(where, timeout, '.run_timeout("2h")', least=1))

    def subscription(
        self,
        label: str,
        trigger: str,
        *,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> Self:
        """Let a trigger start runs: `.subscription("nightly", "cron", settings={"expression": "0 3 * * *"})`.

        `label` is unique in the pipeline; `trigger` is the name under which it is installed, and takes the `settings`
        that its page tells of, in whose texts `secret("key")` and `global_secret("key")` may stand. `parameters` are
        given to every run that it starts.
        """
        where = self._where("subscription")
        added = subscription(where, label, trigger, settings, parameters)
        subscriptions = [*self._parts.get("subscriptions", ()), added]
        checks.few(where, subscriptions, bounds.MAX_SUBSCRIPTIONS, "subscriptions")
        checks.distinct(where, (each["label"] for each in subscriptions), "the list of labels")
        return self._with(subscriptions=subscriptions)

    def notifier(
        self,
        label: str,
        common_task: str,
        *,
        when: Sequence[Outcome] = (),
        on_change: bool = False,
        settings: Mapping[str, Scalar] | None = None,
    ) -> Self:
        """The common task that runs when a run has ended: `.notifier("alarm", "slack", when=["failed"])`.

        `label` is unique in the pipeline. `when`: with which status the run has ended; without it, with any.
        `on_change`: only when the pipeline breaks, and when it is mended.
        """
        where = self._where("notifier")
        fix = 'Write .notifier("alarm", "slack", when=["failed"]).'
        added: dict[str, Any] = {
            "label": checks.identifier(where, label, "the label of a notifier"),
            "common_task": checks.identifier(where, common_task, "the name of a common task"),
        }
        if isinstance(when, str) or not isinstance(when, Sequence):
            raise mistake(where, "a list of statuses", when, fix)
        if when:
            added["when"] = [checks.one_of(where, status, _OUTCOMES, fix) for status in when]
            checks.distinct(where, added["when"], "when")
        if checks.boolean(where, on_change, "Write on_change=True."):
            added["on_change"] = True
        if settings is not None:
            added["settings"] = checked_settings(where, {}, settings)
        notifiers = [*self._parts.get("notifiers", ()), added]
        checks.few(where, notifiers, bounds.MAX_NOTIFIERS, "notifiers")
        checks.distinct(where, (each["label"] for each in notifiers), "the list of labels")
        return self._with(notifiers=notifiers)

    def tasks(self, *tasks: Node) -> Self:
        """Add tasks. Their order is only how they are listed; `Task.depends_on` says what waits for what."""
        self._check_tasks(self._where("tasks"), tasks)
        return self._with(tasks=(*self._parts["tasks"], *tasks))

    def _check_tasks(self, where: str, tasks: Sequence[object]) -> None:
        known = set(self.task_ids)
        for task in tasks:
            if not isinstance(task, Node):
                listed = isinstance(task, list | tuple)
                fix = (
                    "Put a star before the list: .tasks(*tasks)."
                    if listed
                    else 'Write .tasks(Task("build", "alpine")).'
                )
                raise mistake(where, "tasks one by one", task, fix)
            if task.id in known:
                fix = f'Give one of them another id: .with_id("{task.id[:60]}-2").'
                raise PipelineError(f'{where}: expected ids that are unique, got two tasks "{task.id}". {fix}')
            known.add(task.id)

    def _labels(self, where: str, added: Mapping[str, str]) -> dict[str, str]:
        """The labels that it has and those added, checked."""
        labels = dict(self._parts.get("labels", {}))
        for key, value in added.items():
            what = "the key of a label: up to 63 letters, digits, '.', '_', '/' or '-', a letter or digit at both ends"
            fix = 'Write .label("team", "data").'
            checked = checks.matching(where, key, what, fix, pattern=bounds.LABEL_PATTERN, most=63)
            most = bounds.MAX_LABEL_VALUE
            labels[checked] = checks.line(where, value, f'the value of "{key}"', fix, empty=True, most=most)
        checks.few(where, labels, bounds.MAX_LABELS, "labels")
        return labels


def _url(where: str, url: object, fix: str) -> str:
    from urllib.parse import urlsplit

    checked = checks.line(where, url, "an address", fix, most=bounds.MAX_URL)
    try:
        parts = urlsplit(checked)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        good = False
    if not good or any(letter in ' "<>\\^`{|}' for letter in checked):
        raise mistake(where, "an address that begins with https:// or http://", url, fix)
    return checked
