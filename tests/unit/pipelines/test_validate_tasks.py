from __future__ import annotations

from typing import Any

import pytest

from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.building import from_json, of_task, only_problem, places


def test_a_full_task_is_valid() -> None:
    full = from_json(
        parameters=[{"name": "day"}, {"name": "tool"}],
        tasks=[
            {
                "id": "dump",
                "image": "registry.example.org:5000/team/postgres:matrix{{version}}",
                "description": "Dumps it",
                "entrypoint": ["/bin/sh", "-c"],
                "command": ["pg_dump param{{day}}"],
                "working_directory": "/work/param{{day}}",
                "user": "1000:postgres",
                "variables": {"PW": "secret{{pg-password}}", "URL": "pg://global_secret{{host}}/run{{db}}", "_x": ""},
                "inputs": [
                    {"key": "in-matrix{{version}}", "path": "in"},
                    {"key": "x", "path": "/y/", "level": "pipeline"},
                ],
                "outputs": [{"key": "dump-matrix{{version}}", "path": "out/param{{day}}"}],
                "caches": [{"key": "param{{tool}}", "paths": [".cache", "/root/.cache", "..x/y.."]}],
                "matrix": {"version": ["15", "16"]},
                "retries": {"count": 3, "backoff": "500ms", "factor": 1, "max_backoff": "1h", "jitter": 0},
                "timeout": "1h30m",
                "stop_timeout": "0s",
                "limits": {"cpu": 0.5, "memory": "6MiB"},
                "pull": "always",
                "registry": {"user": "param{{tool}}", "password_secret": "registry_password"},
                "allow_failure": True,
                "network": "none",
                "mounts": [{"source": "/", "target": "/host"}, {"source": "/srv/data/", "target": "/data"}],
                "privileged": True,
            },
            {"id": "with-script", "image": "param{{tool}}", "script": "echo param!{{x}} ${HOME} {{ .Go }}"},
        ],
    )
    assert validate(full) == []


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({"id": "a/b"}, ".id", '"a/b" is not a valid task id'),
        ({"id": "_a"}, ".id", "is not a valid task id"),
        ({"image": ""}, "", "has neither an image nor a common task"),
        ({"common_task": "slack"}, ".common_task", "stands beside an image"),
        ({"settings": {"a": "b"}}, ".settings", "are for a common task"),
        ({"image": "", "common_task": "a b"}, ".common_task", '"a b" is not the name of a common task'),
        ({"image": "", "common_task": "slack", "command": ["env"]}, ".command", "does not go with a common task"),
        (
            {"image": "", "common_task": "slack", "variables": {"A": "b"}},
            ".variables",
            "does not go with a common task",
        ),
        ({"image": "", "common_task": "slack", "inject_api_token": True}, ".inject_api_token", "nobody looks into"),
        ({"image": "", "common_task": "slack", "settings": {"A": "b"}}, ".settings.A", "is not the name of a setting"),
        (
            {"image": "", "common_task": "slack", "settings": {"a": "param{{nobody}}"}},
            ".settings.a",
            'there is no parameter "nobody"',
        ),
        ({"image": "https://docker.io/busybox"}, ".image", "is not the name of an image"),
        ({"image": "-v /:/host busybox"}, ".image", "is not the name of an image"),
        ({"command": ["a"], "script": "b"}, ".script", "both a command and a script are given"),
        ({"entrypoint": ["a"], "script": "b"}, ".entrypoint", "both an entrypoint and a script are given"),
        ({"command": []}, ".command", "is an empty list"),
        ({"entrypoint": []}, ".entrypoint", "is an empty list"),
        ({"command": ["a"] * 1_001}, ".command", "has 1001 words; at most 1000"),
        ({"command": ["a", "é" * 60_000]}, ".command[1]", "has 120000 bytes; at most 102400"),
        ({"script": " \n"}, ".script", "is empty"),
        ({"script": "x" * 102_401}, ".script", "has 102401 bytes"),
        ({"inputs": [{"key": "a/b", "path": "x"}]}, ".inputs[0].key", '"a/b" is not the key of an object'),
        ({"inputs": [{"key": "a", "path": "x"}, {"key": "b", "path": "x/"}]}, ".inputs[1].path", "inputs[0] already"),
        ({"inputs": [{"key": "a", "path": f"x{i}"} for i in range(51)]}, ".inputs", "has 51 inputs; at most 50"),
        ({"outputs": [{"key": "", "path": "x"}]}, ".outputs[0].key", '"" is not the key of an object'),
        ({"outputs": [{"key": "a", "path": "x"}, {"key": "a", "path": "y"}]}, ".outputs[1].key", "outputs[0] already"),
        ({"outputs": [{"key": "a", "path": ""}]}, ".outputs[0].path", '"" is no path'),
        ({"outputs": [{"key": "a", "path": "/"}]}, ".outputs[0].path", '"/" is no path'),
        ({"outputs": [{"key": "a", "path": "."}]}, ".outputs[0].path", '"." is no path, or has empty'),
        ({"outputs": [{"key": "a", "path": "../x"}]}, ".outputs[0].path", '".." parts'),
        ({"outputs": [{"key": "a", "path": "x//y"}]}, ".outputs[0].path", '".." parts'),
        ({"outputs": [{"key": "a", "path": "~/x"}]}, ".outputs[0].path", 'begins with "~"'),
        ({"outputs": [{"key": "a", "path": "é" * 128}]}, ".outputs[0].path", "longer than a path can be"),
        ({"outputs": [{"key": "param!{{x}}", "path": "x"}]}, ".outputs[0].key", "is not the key of an object"),
        ({"outputs": [{"key": "a" * 1_001, "path": "x"}]}, ".outputs[0].key", "has 1001 characters"),
        (
            {"matrix": {"v": ["x" * 40, "y"]}, "outputs": [{"key": f"{'a' * 30}matrix{{{{v}}}}", "path": "x"}]},
            ".outputs[0].key",
            "is not the key of an object",
        ),
        ({"outputs": [{"key": "run{{a}}", "path": "x"}]}, ".outputs[0].key", "may stand in a variable only"),
        ({"outputs": [{"key": "a", "path": "secret{{a}}"}]}, ".outputs[0].path", "may stand in a variable only"),
        ({"caches": [{"key": "a", "paths": []}]}, ".caches[0].paths", "has no paths"),
        ({"caches": [{"key": "a", "paths": ["x", "x"]}]}, ".caches[0].paths[1]", "paths[0] already"),
        ({"caches": [{"key": "a", "paths": [f"{i}" for i in range(21)]}]}, ".caches[0].paths", "has 21 paths"),
        ({"caches": [{"key": "a", "paths": ["/x/.."]}]}, ".caches[0].paths[0]", '".." parts'),
        (
            {"caches": [{"key": "a", "paths": ["x"]}, {"key": "a", "paths": ["y"]}]},
            ".caches[1].key",
            "caches[0] already",
        ),
        ({"working_directory": "work"}, ".working_directory", '"work" is not an absolute path'),
        ({"working_directory": ""}, ".working_directory", "is not an absolute path"),
        ({"working_directory": "/a/../b"}, ".working_directory", '".." parts'),
        ({"working_directory": "/" + "a" * 5_000}, ".working_directory", "at most 4095"),
        ({"user": "a b"}, ".user", '"a b" is not a user'),
        ({"user": ""}, ".user", "is not a user"),
        ({"user": "a:b:c"}, ".user", "is not a user"),
        ({"network": "a b"}, ".network", "is not the name of a network"),
        ({"network": ""}, ".network", "is not the name of a network"),
        ({"variables": {"A B": "x"}}, '.variables["A B"]', '"A B" is not the name of a variable'),
        ({"variables": {"A=": "x"}}, '.variables["A="]', "is not the name of a variable"),
        ({"variables": {"GOFER_API_TOKEN": "x"}}, ".variables.GOFER_API_TOKEN", "Gofer's own"),
        ({"variables": {"A": "x" * 102_401}}, ".variables.A", "at most 102400"),
        ({"variables": {f"V{i}": "" for i in range(501)}}, ".variables", "at most 500"),
        ({"retries": {"count": -1}}, ".retries.count", "is not between 0 and 100"),
        ({"retries": {"count": 101}}, ".retries.count", "is not between 0 and 100"),
        ({"retries": {"backoff": "fast"}}, ".retries.backoff", '"fast" is not a duration'),
        ({"retries": {"backoff": "10m"}}, ".retries.backoff", '"10m" is longer than max_backoff, "5m"'),
        ({"retries": {"max_backoff": "-1s"}}, ".retries.max_backoff", "is not a duration"),
        ({"retries": {"factor": 0.5}}, ".retries.factor", "is not between 1 and 100"),
        ({"retries": {"factor": float("nan")}}, ".retries.factor", "is not between 1 and 100"),
        ({"retries": {"factor": float("inf")}}, ".retries.factor", "is not between 1 and 100"),
        ({"retries": {"jitter": 1.1}}, ".retries.jitter", "is not between 0 and 1"),
        ({"retries": {"jitter": float("nan")}}, ".retries.jitter", "is not between 0 and 1"),
        ({"timeout": "0s"}, ".timeout", "too short"),
        ({"timeout": "1m 30s"}, ".timeout", "is not a duration"),
        ({"timeout": "30s1m"}, ".timeout", "is not a duration"),
        ({"stop_timeout": "25h"}, ".stop_timeout", "is longer than 24 hours"),
        ({"limits": {"cpu": 0}}, ".limits.cpu", "is not between 0.01 and 1024 cores"),
        ({"limits": {"cpu": -1}}, ".limits.cpu", "is not between"),
        ({"limits": {"cpu": float("nan")}}, ".limits.cpu", "is not between"),
        ({"limits": {"cpu": float("inf")}}, ".limits.cpu", "is not between"),
        ({"limits": {"memory": "5MiB"}}, ".limits.memory", "is 5242880 bytes; between 6 MiB and 1024 TiB"),
        ({"limits": {"memory": "9999999TB"}}, ".limits.memory", "between 6 MiB and 1024 TiB"),
        ({"limits": {"memory": "lots"}}, ".limits.memory", '"lots" is not a size'),
        ({"limits": {"memory": "-1GB"}}, ".limits.memory", "is not a size"),
        ({"registry": {"user": "", "password_secret": "k"}}, ".registry.user", "is empty"),
        ({"registry": {"user": "a\nb", "password_secret": "k"}}, ".registry.user", "control characters"),
        ({"registry": {"user": "a", "password_secret": "my password!"}}, ".registry.password_secret", "is not the key"),
        ({"registry": {"user": "a", "password_secret": "xsecret{{k}}"}}, ".registry.password_secret", "is not the key"),
        ({"registry": {"user": "a", "password_secret": "secret!{{k}}"}}, ".registry.password_secret", "is not the key"),
        ({"mounts": [{"source": "data", "target": "/x"}]}, ".mounts[0].source", "is not an absolute path"),
        ({"mounts": [{"source": "/data/../etc", "target": "/x"}]}, ".mounts[0].source", "parts"),
        ({"mounts": [{"source": "/a//b", "target": "/x"}]}, ".mounts[0].source", "parts"),
        ({"mounts": [{"source": "/a:/etc", "target": "/x"}]}, ".mounts[0].source", "has a colon"),
        ({"mounts": [{"source": "/a", "target": "/"}]}, ".mounts[0].target", "is the root of the container"),
        ({"mounts": [{"source": "/a/param{{x}}", "target": "/b"}]}, ".mounts[0].source", "would not be replaced here"),
        (
            {"mounts": [{"source": "/a", "target": "/x"}, {"source": "/b", "target": "/x/"}]},
            ".mounts[1].target",
            "is the target of mounts[0] already",
        ),
        ({"mounts": [{"source": "/a", "target": f"/x{i}"} for i in range(51)]}, ".mounts", "at most 50"),
        ({"description": "x" * 10_001}, ".description", "at most 10000"),
    ],
)
def test_a_wrong_field_is_reported_at_its_place(fields: dict[str, Any], place: str, message: str) -> None:
    problem = only_problem(of_task(**fields))
    assert problem.place == f"tasks[0]{place}"
    assert problem.message.startswith('task "')
    assert message in problem.message


def test_messages_name_the_task_so_that_people_find_it() -> None:
    assert only_problem(of_task(id="dump", timeout="soon")).message == (
        'task "dump": "soon" is not a duration of at most ten years'
    )


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        ("https://docker.io/busybox", "Leave out the scheme"),
        ("busybox ", "Leave out the spaces"),
        ("Busybox", "lower case"),
        ("busybox:", "[host[:port]/]name[:tag]"),
    ],
)
def test_hints_for_images(image: str, hint: str) -> None:
    assert hint in only_problem(of_task(image=image)).hint


def test_an_image_with_matrix_values_is_checked_for_each() -> None:
    assert validate(of_task(image="python:matrix{{v}}", matrix={"v": ["3.11", "3.12"]})) == []
    problem = only_problem(of_task(image="python:matrix{{v}}", matrix={"v": ["3.11", "no good"], "w": ["a", "b"]}))
    assert problem.place == "tasks[0].image"
    assert '"python:no good" is not the name of an image' in problem.message


@pytest.mark.parametrize(
    ("fields", "place", "message", "hint"),
    [
        ({"script": "param{{day}}"}, ".script", "param{{…}} may stand in a variable only", "variable of the task"),
        ({"user": "param{{dya}}"}, ".user", 'there is no parameter "dya"', 'Did you mean "day"?'),
        ({"command": ["x", "param{{a b}}"]}, ".command[1]", '"a b" in param{{…}} is not a key', "param!{{name}}"),
        ({"script": "param{{day"}, ".script", '"param{{" is not closed by "}}"', "param!{{name}}"),
        ({"script": "param{{}}"}, ".script", '"" in param{{…}} is not a key', "param!{{name}}"),
        ({"script": "secret{{key}}"}, ".script", "secret{{…}} may stand in a variable only", "variable of the task"),
        ({"image": "x:pipeline{{tag}}"}, ".image", "pipeline{{…}} may stand in a variable only", "variable"),
        ({"user": "run{{u}}"}, ".user", "run{{…}} may stand in a variable only", "variable"),
        ({"variables": {"A": "secret{{a/b}}"}}, ".variables.A", '"a/b" in secret{{…}} is not a key', "param!{{name}}"),
        ({"variables": {"A": "global_secret{{../x}}"}}, ".variables.A", "is not a key", "param!{{name}}"),
        ({"variables": {"A": "matrix{{os}}"}}, ".variables.A", 'the matrix has no key "os"', "has no matrix"),
        (
            {"script": "matrix{{oss}}", "matrix": {"os": ["linux"]}},
            ".script",
            'the matrix has no key "oss"',
            'Did you mean "os"?',
        ),
        ({"matrix": {"os": ["param{{day}}"]}}, ".matrix.os[0]", "would not be replaced", "where the value is used"),
    ],
)
def test_interpolations(fields: dict[str, Any], place: str, message: str, hint: str) -> None:
    wrong = from_json(parameters=[{"name": "day"}], tasks=[{"id": "a", "image": "busybox"} | fields])
    problem = only_problem(wrong)
    assert problem.place == f"tasks[0]{place}"
    assert message in problem.message
    assert hint in problem.hint


def test_several_wrong_fields_of_several_tasks() -> None:
    wrong = from_json(
        tasks=[
            {"id": "a", "image": "busybox", "timeout": "x", "limits": {"cpu": -1, "memory": "x"}},
            {"id": "b", "image": "X", "retries": {"count": -1, "jitter": 2}},
        ]
    )
    assert sorted(places(wrong)) == [
        "tasks[0].limits.cpu",
        "tasks[0].limits.memory",
        "tasks[0].timeout",
        "tasks[1].image",
        "tasks[1].retries.count",
        "tasks[1].retries.jitter",
    ]
