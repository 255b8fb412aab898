"""The grammar of interpolations, and which fields of a task have them.

`kind{{key}}` anywhere in a text is replaced when the task starts. `kind!{{key}}` is the escape: one `!` is taken away
and the rest stays as it is. What is put in is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, cast

import msgspec

from gofer.errors import InvalidInput
from gofer.models.ids import is_id, is_variable_name, shown
from gofer.models.manifest import Input, Manifest, Output, Registry, Task
from gofer.server.pipelines.matrix import id_safe

Kind = Literal["param", "matrix", "secret", "global_secret", "pipeline", "run"]
KINDS: tuple[Kind, ...] = ("param", "matrix", "secret", "global_secret", "pipeline", "run")
# Command lines, images and the like are seen by everybody on the host: secrets and objects go into variables only.
PLAIN_KINDS: frozenset[Kind] = frozenset({"param", "matrix"})
# A script is a program: who may start a run must not be able to write into it.
SCRIPT_KINDS: frozenset[Kind] = frozenset({"matrix"})
ALL_KINDS: frozenset[Kind] = frozenset(KINDS)
# What only a store knows, and only when the task starts.
STORED_KINDS: frozenset[Kind] = ALL_KINDS - PLAIN_KINDS
SECRET_KINDS: frozenset[Kind] = frozenset({"secret", "global_secret"})

ESCAPE_HINT = (
    'Write kind{{key}}, such as param{{name}}; to keep the text as it is, put "!" before the braces: param!{{name}}.'
)

_OPENING = re.compile(r"(param|matrix|global_secret|secret|pipeline|run)(!*)\{\{")
_KEY = re.compile(r"([^{}]{0,200})\}\}")

Resolve = Callable[[Kind, str], str]


class Reference(NamedTuple):
    """A well-formed interpolation."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}{{{{{self.key}}}}}"


class Malformed(NamedTuple):
    """Something that begins like an interpolation and is none; `problem` is a sentence."""

    text: str
    problem: str


class Field(NamedTuple):
    """A text of a task in which interpolations are replaced. `place` is relative to the task."""

    place: str
    text: str
    kinds: frozenset[Kind]


def parse(text: str) -> Iterator[str | Reference | Malformed]:
    """The literal stretches (escapes undone), interpolations and malformed ones of a text, in order."""
    position = 0
    for opening in _OPENING.finditer(text):
        if opening.start() > position:
            yield text[position : opening.start()]
        if escape := opening[2]:
            yield f"{opening[1]}{escape[1:]}{{{{"
            position = opening.end()
            continue
        kind = cast("Kind", opening[1])
        closing = _KEY.match(text, opening.end())
        if closing is None:
            yield Malformed(text[opening.start() : opening.end()], f'"{kind}{{{{" is not closed by "}}}}"')
            position = opening.end()
            continue
        position = closing.end()
        yield _reference(kind, closing[1])
    if position < len(text):
        yield text[position:]


def _reference(kind: Kind, key: str) -> Reference | Malformed:
    if is_variable_name(key) if kind in PLAIN_KINDS else is_id(key):
        return Reference(kind, key)
    return Malformed(f"{kind}{{{{{key}}}}}", f"{shown(key)} in {kind}{{{{…}}}} is not a key")


def references(text: str) -> list[Reference]:
    """The well-formed interpolations of a text, in order."""
    return [part for part in parse(text) if isinstance(part, Reference)] if "{{" in text else []


def interpolate(text: str, resolve: Resolve) -> str:
    """`text` with every interpolation replaced by `resolve(kind, key)`, whose exceptions pass through.

    Raises InvalidInput for a malformed one. Pure; values are put in as they are.
    """
    if "{{" not in text:
        return text
    parts: list[str] = []
    for part in parse(text):
        if isinstance(part, Malformed):
            raise InvalidInput(part.problem, ESCAPE_HINT)
        parts.append(resolve(part.kind, part.key) if isinstance(part, Reference) else part)
    return "".join(parts)


def fields(task: Task) -> Iterator[Field]:
    """Every text of a task in which interpolations are replaced."""
    yield Field(".image", task.image, PLAIN_KINDS)
    for key, value in task.settings.items():
        yield Field(f".settings.{key}", value, ALL_KINDS)
    for name, items in (("entrypoint", task.entrypoint), ("command", task.command)):
        for i, item in enumerate(items or ()):
            yield Field(f".{name}[{i}]", item, PLAIN_KINDS)
    if task.script is not None:
        yield Field(".script", task.script, SCRIPT_KINDS)
    for name, text in (("working_directory", task.working_directory), ("user", task.user)):
        if text is not None:
            yield Field(f".{name}", text, PLAIN_KINDS)
    for key, value in task.variables.items():
        yield Field(f".variables.{key}", value, ALL_KINDS)
    yield from _fields_of_artifacts(task)
    if task.registry is not None:
        yield Field(".registry.user", task.registry.user, ALL_KINDS)
        yield Field(".registry.password_secret", password_text(task.registry), SECRET_KINDS)


def password_text(registry: Registry) -> str:
    """The password of a registry as a text to interpolate: a mere key is that of the pipeline's own secret."""
    key = registry.password_secret
    return f"secret{{{{{key}}}}}" if is_id(key) else key


def stored_references(task: Task) -> list[Reference]:
    """The secrets and objects that a task's texts name, each once."""
    found = {r: None for field in fields(task) for r in references(field.text) if r.kind in STORED_KINDS}
    return list(found)


def secret_references(manifest: Manifest) -> tuple[Reference, ...]:
    """The secrets that the tasks of a pipeline name, each once. What its notifiers name, no task is given."""
    found = {r: None for task in manifest.tasks for r in stored_references(task) if r.kind in SECRET_KINDS}
    return tuple(found)


def _fields_of_artifacts(task: Task) -> Iterator[Field]:
    both: list[tuple[str, Sequence[Input | Output]]] = [("inputs", task.inputs), ("outputs", task.outputs)]
    for name, artifacts in both:
        for i, artifact in enumerate(artifacts):
            yield Field(f".{name}[{i}].key", artifact.key, PLAIN_KINDS)
            yield Field(f".{name}[{i}].path", artifact.path, PLAIN_KINDS)
    for i, cache in enumerate(task.caches):
        yield Field(f".caches[{i}].key", cache.key, PLAIN_KINDS)
        for j, path in enumerate(cache.paths):
            yield Field(f".caches[{i}].paths[{j}]", path, PLAIN_KINDS)


def interpolate_task(task: Task, resolve: Resolve) -> Task:
    """A copy of the task with every text of `fields` interpolated; raises as `interpolate` does."""

    def text(value: str | None) -> str | None:
        return None if value is None else interpolate(value, resolve)

    def texts(values: list[str] | None) -> list[str] | None:
        return None if values is None else [interpolate(value, resolve) for value in values]

    registry = task.registry
    if registry is not None:
        registry = msgspec.structs.replace(
            registry,
            user=interpolate(registry.user, resolve),
            password_secret=interpolate(password_text(registry), resolve),
        )
    return msgspec.structs.replace(
        interpolate_artifacts(task, resolve),
        image=interpolate(task.image, resolve),
        settings={key: interpolate(value, resolve) for key, value in task.settings.items()},
        entrypoint=texts(task.entrypoint),
        command=texts(task.command),
        script=text(task.script),
        working_directory=text(task.working_directory),
        user=text(task.user),
        variables={key: interpolate(value, resolve) for key, value in task.variables.items()},
        registry=registry,
    )


def interpolate_artifacts(task: Task, resolve: Resolve) -> Task:
    """A copy of the task with the keys and paths of its inputs, outputs and caches interpolated, and nothing else.

    In a key a value stands as it does in the id of a task run: `3.11` as `3-11`.
    """
    if not (task.inputs or task.outputs or task.caches):
        return task

    def text(value: str) -> str:
        return interpolate(value, resolve)

    replace = msgspec.structs.replace
    return replace(
        task,
        inputs=[replace(one, key=interpolate_key(one.key, resolve), path=text(one.path)) for one in task.inputs],
        outputs=[replace(one, key=interpolate_key(one.key, resolve), path=text(one.path)) for one in task.outputs],
        caches=[
            replace(one, key=interpolate_key(one.key, resolve), paths=[text(path) for path in one.paths])
            for one in task.caches
        ],
    )


def interpolate_key(key: str, resolve: Resolve) -> str:
    """As `interpolate`, for the key of an object."""

    def safe(kind: Kind, name: str) -> str:
        value = resolve(kind, name)
        return id_safe(value) if value else ""

    return interpolate(key, safe)
