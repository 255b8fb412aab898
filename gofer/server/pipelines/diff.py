"""What differs between two manifests: nothing exactly where their hashes are equal. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from gofer.models.diff import Change, ChangeKind
from gofer.models.manifest import (
    Cache,
    Dependency,
    Input,
    Link,
    Manifest,
    Mount,
    Notifier,
    Output,
    Parameter,
    Subscription,
    Task,
)
from gofer.server.pipelines.manifest_hash import normal

_NAMES: Mapping[type[msgspec.Struct], str] = {
    Task: "id",
    Parameter: "name",
    Subscription: "label",
    Notifier: "label",
    Dependency: "task",
    Input: "path",
    Output: "key",
    Cache: "key",
    Mount: "target",
    Link: "title",
}
"""By which field those in a list are matched with those of the other list."""


def diff(before: Manifest | None, after: Manifest) -> list[Change]:
    """The changes from `before` (None: from nothing) to `after`, both valid, in the order of the manifest's fields.

    A part without a counterpart is one change, with all that is in it; a part that both have is looked into.
    """
    old = Manifest(id=after.id) if before is None else normal(before)
    return list(_struct(old, normal(after), ""))


def _struct(before: msgspec.Struct, after: msgspec.Struct, path: str) -> Iterator[Change]:
    if _same(before, after):
        return
    for name, default in _fields(type(after)):
        old, new = getattr(before, name), getattr(after, name)
        if not _same(old, new):
            yield from _value(old, new, default, f"{path}.{name}" if path else name)


def _value(before: Any, after: Any, default: Any, path: str) -> Iterator[Change]:
    """The changes between two values that are not the same."""
    if isinstance(before, msgspec.Struct) and isinstance(after, msgspec.Struct):
        yield from _struct(before, after, path)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _entries(before, after, path)
    elif (named := _named(before, after)) is not None:
        yield from _entries(*named, path)
        yield from _order(*named, path)
    elif _is_nothing(before, default):
        yield _change("added", path, None, after)
    elif _is_nothing(after, default):
        yield _change("removed", path, before, None)
    else:
        yield _change("changed", path, before, after)


def _entries(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Change]:
    """What happened to each name, in the order of `after`; then what is gone."""
    for name, new in after.items():
        place = f"{path}[{name}]"
        if name not in before:
            yield _change("added", place, None, new)
        elif isinstance(new, msgspec.Struct):
            yield from _struct(before[name], new, place)
        elif not _same(before[name], new):
            yield _change("changed", place, before[name], new)
    for name, old in before.items():
        if name not in after:
            yield _change("removed", f"{path}[{name}]", old, None)


def _order(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Change]:
    """A list is another one where those that stayed stand in another order."""
    stayed = [name for name in after if name in before]
    if stayed != [name for name in before if name in after]:
        yield _change("changed", path, list(before), list(after))


def _named(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Two lists of parts by their names; None where they are something else, or a name is there twice."""
    if not isinstance(before, list) or not isinstance(after, list):
        return None
    by_name = [_by_name(parts) for parts in (before, after)]
    return None if by_name[0] is None or by_name[1] is None else (by_name[0], by_name[1])


def _by_name(parts: Sequence[Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for part in parts:
        field = _NAMES.get(type(part))
        if field is None or getattr(part, field) in found:
            return None
        found[getattr(part, field)] = part
    return found


def _same(before: Any, after: Any) -> bool:
    # As a manifest's hash sees them: 1, 1.0 and true are three values, though Python calls them equal.
    if before is after:
        return True
    if type(before) is not type(after):
        return False
    return before == after if isinstance(before, str) else _encoded(before) == _encoded(after)


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


@cache
def _fields(part: type[msgspec.Struct]) -> Sequence[tuple[str, Any]]:
    """The names of the fields and their defaults, in order; to find them out again for each part takes long."""
    return [(field.name, _default(field)) for field in msgspec.structs.fields(part)]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _is_nothing(value: Any, default: Any) -> bool:
    """Whether a field says nothing. A default that means something, such as `false`, is a value."""
    return value in (None, "", []) and bool(value == default)


def _change(kind: ChangeKind, path: str, before: Any, after: Any) -> Change:
    task, field = _split(path)
    return Change(
        kind=kind,
        path=path,
        task=task,
        field=field,
        before=msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )


def _split(path: str) -> tuple[str, str]:
    """The task that a path leads into, and the rest. A task's id has no brackets."""
    if not path.startswith("tasks["):
        return "", path
    task, _, field = path.removeprefix("tasks[").partition("]")
    return task, field.removeprefix(".")
