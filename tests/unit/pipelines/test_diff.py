from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.models.diff import Change, ChangeKind
from gofer.models.manifest import Manifest, Task
from gofer.server.pipelines.diff import _NAMES, diff
from gofer.server.pipelines.manifest_hash import manifest_hash
from tests.unit.pipelines.building import from_json, manifest, needs, of_task, task

_BACK: dict[ChangeKind, ChangeKind] = {"added": "removed", "removed": "added", "changed": "changed"}


def told(before: Manifest | None, after: Manifest) -> list[tuple[str, str, Any, Any]]:
    return [(one.kind, one.path, one.before, one.after) for one in diff(before, after)]


def test_the_same_content_has_no_changes_however_it_was_written() -> None:
    plain = of_task(limits={"cpu": 1})
    assert told(plain, of_task(limits={"cpu": 1.0}, retries={"count": 0}, pull="if_not_present", timeout=None)) == []


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"image": "alpine"}, ("changed", "image", "busybox", "alpine")),
        ({}, {"timeout": "10m"}, ("added", "timeout", None, "10m")),
        ({"timeout": "10m"}, {}, ("removed", "timeout", "10m", None)),
        ({}, {"command": []}, ("added", "command", None, [])),
        ({"command": ["a"]}, {"command": ["a", "b"]}, ("changed", "command", ["a"], ["a", "b"])),
        # What has a default that means something was never nothing.
        ({}, {"pull": "always"}, ("changed", "pull", "if_not_present", "always")),
        ({}, {"allow_failure": True}, ("changed", "allow_failure", False, True)),
        ({}, {"retries": {"count": 3}}, ("changed", "retries.count", 0, 3)),
        ({}, {"limits": {"memory": "1GB"}}, ("added", "limits.memory", None, "1GB")),
        ({}, {"variables": {"A": ""}}, ("added", "variables[A]", None, "")),
        ({"variables": {"A": "1"}}, {"variables": {"A": "2"}}, ("changed", "variables[A]", "1", "2")),
        ({"variables": {"A": "1", "B": "2"}}, {"variables": {"B": "2"}}, ("removed", "variables[A]", "1", None)),
        ({}, {"matrix": {"k": ["1"]}}, ("added", "matrix[k]", None, ["1"])),
        (
            {},
            {"registry": {"user": "u", "password_secret": "p"}},
            ("added", "registry", None, {"user": "u", "password_secret": "p"}),
        ),
        (
            {"mounts": [{"source": "/a", "target": "/t"}]},
            {"mounts": [{"source": "/a", "target": "/t", "read_only": False}]},
            ("changed", "mounts[/t].read_only", True, False),
        ),
        (
            {"outputs": [{"key": "k", "path": "/a"}]},
            {"outputs": [{"key": "k", "path": "/b"}]},
            ("changed", "outputs[k].path", "/a", "/b"),
        ),
    ],
)
def test_a_field_of_a_task(before: dict[str, Any], after: dict[str, Any], change: tuple[Any, ...]) -> None:
    kind, field, old, new = change
    assert diff(of_task(**before), of_task(**after)) == [
        Change(kind=kind, path=f"tasks[a].{field}", task="a", field=field, before=old, after=new)
    ]


def test_tasks_are_matched_by_id() -> None:
    before = manifest(task("a"), task("b", "a"), task("old"))
    after = manifest(task("new", "b"), task("a"), task("b", depends_on=needs(a="any")))
    assert told(before, after) == [
        ("added", "tasks[new]", None, {"id": "new", "image": "busybox", "depends_on": [{"task": "b"}]}),
        ("changed", "tasks[b].depends_on[a].when", "successful", "any"),
        ("removed", "tasks[old]", {"id": "old", "image": "busybox"}, None),
    ]
    assert diff(before, after)[0].task == "new"
    assert diff(before, after)[0].field == ""


def test_another_order_is_a_change_of_the_list() -> None:
    assert told(manifest(task("a"), task("b")), manifest(task("b"), task("c"), task("a"))) == [
        ("added", "tasks[c]", None, {"id": "c", "image": "busybox"}),
        ("changed", "tasks", ["a", "b"], ["b", "c", "a"]),
    ]


def test_the_pipelines_own_parts() -> None:
    nightly = {"label": "nightly", "trigger": "cron", "settings": {"expression": "0 3 * * *"}}
    before = from_json(name="Old", parameters=[{"name": "day"}], subscriptions=[nightly], labels={"team": "a"})
    later = {**nightly, "settings": {"expression": "0 4 * * *"}}
    tells = {"label": "tell", "common_task": "slack"}
    after = from_json(
        name="New",
        parameters=[{"name": "day", "required": True}],
        subscriptions=[later],
        notifiers=[tells],
        parallelism={"limit": 2},
        labels={"team": "b"},
    )
    assert told(before, after) == [
        ("changed", "name", "Old", "New"),
        ("changed", "labels[team]", "a", "b"),
        ("changed", "parameters[day].required", False, True),
        ("changed", "parallelism.limit", 0, 2),
        ("changed", "subscriptions[nightly].settings[expression]", "0 3 * * *", "0 4 * * *"),
        ("added", "notifiers[tell]", None, tells),
    ]


def test_values_that_python_calls_equal_are_not_the_same() -> None:
    defaults: list[Any] = [1, 1.0, True]
    made = [from_json(parameters=[{"name": "x", "type": "number", "default": value}]) for value in defaults]
    for one in made:
        for other in made:
            assert (diff(one, other) == []) is (one is other)


def test_of_a_new_pipeline_everything_is_added() -> None:
    assert told(None, manifest(task("a"), name="N")) == [
        ("added", "name", None, "N"),
        ("added", "tasks[a]", None, {"id": "a", "image": "busybox"}),
    ]


def test_parts_that_share_a_name_are_compared_as_a_list() -> None:
    """As in a version that was registered before a rule forbade it."""
    twice = [{"key": "k", "path": "/a"}, {"key": "k", "path": "/b"}]
    assert told(of_task(outputs=twice), of_task(outputs=twice[:1])) == [
        ("changed", "tasks[a].outputs", twice, twice[:1])
    ]


def test_every_list_of_parts_has_names() -> None:
    seen: set[type] = set()

    def walk(part: type[msgspec.Struct]) -> None:
        for kind in get_type_hints(part).values():
            for inner in (kind, *get_args(kind)):
                if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                    walk(inner)
                    if kind == list[inner]:  # type: ignore[valid-type]  # a type made at run time
                        seen.add(inner)

    walk(Manifest)
    assert seen == set(_NAMES)


_WORDS = st.sampled_from(["", "a", "b"])
_VALUES = st.sampled_from([0, 1, 1.0, True, "", "a"])
_IDS = st.sampled_from(["x", "y", "z"])


def _some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _listed(name: str, part: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Any]]:
    return st.lists(
        st.fixed_dictionaries({name: _IDS}).flatmap(lambda named: _some(part).map(lambda rest: {**rest, **named})),
        unique_by=lambda one: one[name],
        max_size=3,
    )


_TASKS = _listed(
    "id",
    {
        "image": _WORDS,
        "command": st.none() | st.lists(_WORDS, max_size=2),
        "variables": st.dictionaries(_IDS, _WORDS, max_size=2),
        "retries": _some({"count": st.sampled_from([0, 1]), "factor": st.sampled_from([2.0, 3.0])}),
        "depends_on": _listed("task", {"when": st.sampled_from(["successful", "any"])}),
        "registry": st.none() | st.just({"user": "u", "password_secret": "p"}),
        "allow_failure": st.booleans(),
    },
)
_MANIFESTS = _some(
    {
        "name": _WORDS,
        "labels": st.dictionaries(_IDS, _WORDS, max_size=2),
        "parameters": _listed("name", {"default": st.none() | _VALUES, "choices": st.lists(_VALUES, max_size=2)}),
        "subscriptions": _listed(
            "label",
            {"trigger": _WORDS.filter(bool), "settings": st.dictionaries(_IDS, _VALUES | st.none(), max_size=2)},
        ).map(lambda found: [{"trigger": "cron", **one} for one in found]),
        "tasks": _TASKS,
    }
).map(lambda fields: msgspec.convert({"id": "nightly", **fields}, Manifest))


@settings(deadline=None)
@given(_MANIFESTS, _MANIFESTS)
def test_there_are_changes_exactly_where_the_hashes_differ(before: Manifest, after: Manifest) -> None:
    changes = diff(before, after)
    assert (changes == []) is (manifest_hash(before) == manifest_hash(after))
    back = {one.path: one for one in diff(after, before)}
    assert len(back) == len(changes)
    for one in changes:
        other = back[one.path]
        assert (other.kind, other.before, other.after) == (_BACK[one.kind], one.after, one.before)


def test_every_field_of_a_task_is_seen() -> None:
    """With a value that is not its default, taken from its type."""
    names = [field.name for field in msgspec.structs.fields(Task) if field.name != "id"]
    samples: dict[str, Any] = {
        "settings": {"a": "1"}, "entrypoint": ["e"], "command": ["c"], "variables": {"V": "1"},
        "inputs": [{"key": "k", "path": "/p"}], "outputs": [{"key": "k", "path": "/p"}],
        "caches": [{"key": "k", "paths": ["/p"]}], "depends_on": [{"task": "b"}], "matrix": {"m": ["1"]},
        "retries": {"count": 1}, "limits": {"cpu": 1}, "pull": "never",
        "registry": {"user": "u", "password_secret": "p"}, "allow_failure": True,
        "mounts": [{"source": "/s", "target": "/t"}], "privileged": True, "inject_api_token": True,
    }  # fmt: skip
    for name in names:
        (change,) = diff(of_task(), of_task(**{name: samples.get(name, "other")}))
        assert change.path.startswith(f"tasks[a].{name}")
