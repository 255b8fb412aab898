"""Each method of Task: what it puts into the manifest, and what it refuses on the spot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from gofer_sdk import PipelineError, Task, global_secret, matrix, param, pipeline_object, run_object, secret

TASK = Task("dump", "postgres:16")


class Word(StrEnum):
    ANY = "any"


class Number(IntEnum):
    THREE = 3


def test_everything_at_once_in_the_documented_order() -> None:
    task = (
        TASK.privileged()
        .inject_api_token()
        .description("Dumps")
        .pull("always")
        .registry("robot", password_secret="registry-password")
        .entrypoint("/bin/sh")
        .command("-c", "x")
        .working_directory("/data")
        .user("1000:1000")
        .variable("PGHOST", "db")
        .depends_on("init")
        .matrix(version=["1", "2"])
        .retries(3, backoff="2s", factor=3, max_backoff="1m", jitter=0.5)
        .timeout("10m")
        .stop_timeout("30s")
        .allow_failure()
        .limits(cpu=1, memory="512MB")
        .network("none")
        .mount("/srv/data", "/data", read_only=False)
    )
    assert list(task.manifest().items()) == [
        ("id", "dump"),
        ("image", "postgres:16"),
        ("description", "Dumps"),
        ("pull", "always"),
        ("registry", {"user": "robot", "password_secret": "registry-password"}),
        ("entrypoint", ["/bin/sh"]),
        ("command", ["-c", "x"]),
        ("working_directory", "/data"),
        ("user", "1000:1000"),
        ("variables", {"PGHOST": "db"}),
        ("depends_on", [{"task": "init", "when": "successful"}]),
        ("matrix", {"version": ["1", "2"]}),
        ("retries", {"count": 3, "backoff": "2s", "factor": 3.0, "max_backoff": "1m", "jitter": 0.5}),
        ("timeout", "10m"),
        ("stop_timeout", "30s"),
        ("allow_failure", True),
        ("limits", {"cpu": 1.0, "memory": "512MB"}),
        ("network", "none"),
        ("mounts", [{"source": "/srv/data", "target": "/data", "read_only": False}]),
        ("privileged", True),
        ("inject_api_token", True),
    ]


def test_a_script_loses_its_common_indentation_and_outer_blank_lines() -> None:
    task = TASK.script("""

        if true; then
            echo "yes"
        fi

    """)
    assert task.manifest()["script"] == 'if true; then\n    echo "yes"\nfi'


def test_parents_by_id_and_by_task() -> None:
    task = TASK.depends_on("a", Task("b", "x"), when="any").depends_on("c", when="failed")
    assert task.parents == ("a", "b", "c")
    assert [edge["when"] for edge in task.manifest()["depends_on"]] == ["any", "any", "failed"]


def test_variables_take_numbers_and_later_ones_win() -> None:
    task = TASK.variables({"PORT": 5432, "RATIO": 0.5, "EMPTY": ""}).variable("PORT", "1")
    assert task.manifest()["variables"] == {"PORT": "1", "RATIO": "0.5", "EMPTY": ""}


def test_a_matrix_grows_by_key() -> None:
    task = TASK.matrix(a=["1"]).matrix(b=(2, 3)).matrix(a=["x", "y"])
    assert task.manifest()["matrix"] == {"a": ["x", "y"], "b": ["2", "3"]}


def test_enums_become_plain_words_and_numbers() -> None:
    task = TASK.depends_on("a", when=Word.ANY.value).variable("A", Word.ANY).retries(Number.THREE)
    assert type(task.manifest()["variables"]["A"]) is str
    assert type(task.manifest()["depends_on"][0]["when"]) is str
    assert type(task.manifest()["retries"]["count"]) is int


@pytest.mark.parametrize(
    ("given", "written"),
    [("90s", "90s"), ("1h30m", "1h30m"), (timedelta(minutes=2), "120s"), (timedelta(milliseconds=1500), "1500ms")],
)
def test_durations(given: str | timedelta, written: str) -> None:
    assert TASK.timeout(given).manifest()["timeout"] == written


def test_helpers_write_interpolations() -> None:
    assert param("day") == "param{{day}}"
    assert matrix("python") == "matrix{{python}}"
    for helper in (param, matrix):
        with pytest.raises(PipelineError, match=r'got \'a b\'\. Write "a_b"'):
            helper("a b")
    for stored, text in (
        (secret, "secret{{db-password}}"),
        (global_secret, "global_secret{{db-password}}"),
        (pipeline_object, "pipeline{{db-password}}"),
        (run_object, "run{{db-password}}"),
    ):
        assert stored("db-password") == text
        assert TASK.variable("A", f"x{text}").manifest()["variables"] == {"A": f"x{text}"}
        with pytest.raises(PipelineError, match=rf"{stored.__name__}\(\): expected a key"):
            stored("a b")


def test_the_password_of_a_registry_is_a_secret() -> None:
    for key in ("hub", "secret{{hub}}", "global_secret{{hub}}"):
        assert TASK.registry("robot", password_secret=key).manifest()["registry"]["password_secret"] == key


def test_interpolations_may_stand_where_the_server_replaces_them() -> None:
    task = (
        Task("a", "python:matrix{{version}}")
        .entrypoint("param{{a}}")
        .command("param{{a}}")
        .working_directory("param{{a}}")
        .user("param{{a}}")
        .registry("param{{a}}", password_secret="x")
        .variable("A", "secret{{key}} global_secret{{key}} pipeline{{key}} run{{key}}")
    )
    assert task.image == "python:matrix{{version}}"
    assert Task("b", "x").script("echo matrix{{key}}").manifest()["script"] == "echo matrix{{key}}"
    assert Task("b", "x").script("echo param!{{anything at all").manifest()["script"].endswith("anything at all")


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: Task("", "x"), r'Task\(\): expected the id of a task: 1 to 64.* got \'\'\. Write "nightly"'),
    (lambda: Task("a b", "x"), r'Write "a-b", for example'),
    (lambda: Task("-a", "x"), r'got \'-a\'. Write "a"'),
    (lambda: Task("a\n", "x"), r'Write "a"'),
    (lambda: Task("é", "x"), r'Write "nightly"'),
    (lambda: Task("a" * 65, "x"), "1 to 64"),
    (lambda: Task(7, "x"), "Write it as text"),  # type: ignore[arg-type]
    (lambda: Task("a", ""), 'Task "a": expected an image that is not empty'),
    (lambda: Task("a", "https://docker.io/x"), "Leave out the scheme"),
    (lambda: Task("a", "my image"), "Leave out the spaces"),
    (lambda: Task("a", "Postgres:16"), 'lower case: write "postgres:16"'),
    (lambda: Task("a", "x:"), "the name of an image"),
    (lambda: Task("a", "x@sha256:abc"), "the name of an image"),
    (lambda: Task("a", "x@sha256:" + "a" * 40), "the name of an image"),
    (lambda: Task("a", "a" * 256), "the name of an image"),
    (lambda: Task("a", None), "an image as text"),  # type: ignore[arg-type]
    (lambda: TASK.with_id("a/b"), r'\.with_id\(\).*Write "a-b"'),
    (lambda: TASK.with_image("a b"), r'Task "dump" \.with_image\(\)'),
    (lambda: TASK.description("a" * 10_001), "at most 10,000 characters, got 10,001"),
    (lambda: TASK.description("a\x00"), "without NUL"),
    (lambda: TASK.command(), r"at least one word, got none. Write \.command\("),
    (lambda: TASK.command(["a", "b"]), r"words one by one.*Put a star"),  # type: ignore[arg-type]
    (lambda: TASK.command("a", 1), "a word as text, got 1"),  # type: ignore[arg-type]
    (lambda: TASK.command(*["a"] * 1_001), "at most 1,000 words, got 1,001"),
    (lambda: TASK.command("a" * 102_401), "at most 102,400 bytes, got 102,401"),
    (lambda: TASK.command("\ud800"), "surrogate"),
    (lambda: TASK.command("a").script("b"), r"\.script\(\): the task has \.command\(…\) already"),
    (lambda: TASK.script("a").command("b"), r"\.command\(\): the task has \.script\(…\) already"),
    (lambda: TASK.script("a").entrypoint("b"), r"has \.script\(…\) already"),
    (lambda: TASK.entrypoint("a").script("b"), r"has \.entrypoint\(…\) already"),
    (lambda: TASK.script("  \n "), "a script that is not empty"),
    (lambda: TASK.script("é" * 51_201), "at most 102,400 bytes, got 102,402"),
    (lambda: TASK.script("echo secret{{key}}"), r'variable only.*Write \.variable\("NAME", "secret\{\{key\}\}"\)'),
    (lambda: TASK.script(f"echo {param('day')}"), r'a parameter cannot stand in a script.*"\$day"'),
    (lambda: TASK.script("echo param{{day"), r'closed by "\}\}".*param!\{\{'),
    (lambda: TASK.variable("A", "param{{a b}}"), r'param\{\{a b\}\}.*Write "a_b"'),
    (lambda: TASK.variable("A", "matrix{{}}"), r"a key between the braces"),
    (lambda: TASK.entrypoint(), r"Write \.entrypoint"),
    (lambda: TASK.working_directory("data"), r"a path, an absolute path"),
    (lambda: TASK.working_directory("/a/../b"), r'"\.\." parts'),
    (lambda: TASK.working_directory("/" + "a" * 4_095), "at most 4,095 bytes"),
    (lambda: TASK.user("a b"), r"a user, by name or number"),
    (lambda: TASK.user(1000), r'as text, got 1000. Write \.user\("postgres"\)'),  # type: ignore[arg-type]
    (lambda: TASK.registry("", password_secret="x"), "a user that is not empty"),
    (lambda: TASK.registry("robot", password_secret="hunter 2!"), "and not the password itself"),
    (lambda: TASK.registry("robot", password_secret="xsecret{{hub}}"), "and not the password itself"),
    (lambda: TASK.registry("robot", password_secret="param{{hub}}"), "and not the password itself"),
    (lambda: TASK.pull("sometimes"), '"always" or "if_not_present" or "never", got'),  # type: ignore[arg-type]
    (lambda: TASK.variable("2A", "x"), r'Write "_2A"'),
    (lambda: TASK.variable("A-B", "x"), r'Write "A_B"'),
    (lambda: TASK.variable("GOFER_RUN_ID", "x"), "does not begin with GOFER_"),
    (lambda: TASK.variable("gofer_x", "x"), "does not begin with GOFER_"),
    (lambda: TASK.variable("A", True), r'got True. Write it in quotes, such as "True"'),
    (lambda: TASK.variable("A", None), "the value of A as text, got None"),  # type: ignore[arg-type]
    (lambda: TASK.variables("A=1"), "names and their values"),  # type: ignore[arg-type]
    (lambda: TASK.variables({f"A{i}": "x" for i in range(501)}), "at most 500 variables, got 501"),
    (lambda: TASK.depends_on(), "at least one task, got none"),
    (lambda: TASK.depends_on("dump"), "cannot wait for itself"),
    (lambda: TASK.depends_on(TASK), "cannot wait for itself"),
    (lambda: TASK.depends_on("a", "a"), r"the list of parents has 'a' twice"),
    (lambda: TASK.depends_on("a").depends_on("a", when="any"), r"the list of parents has 'a' twice"),
    (lambda: TASK.depends_on(["a", "b"]), r"Put a star before the list"),  # type: ignore[arg-type]
    (lambda: TASK.depends_on("a", when="success"), '"successful" or "failed" or "any"'),  # type: ignore[arg-type]
    (lambda: TASK.matrix(), "at least one key"),
    (lambda: TASK.matrix(os="linux"), r"a list of at least one value for os, got 'linux'"),
    (lambda: TASK.matrix(os=[]), "at least one value"),
    (lambda: TASK.matrix(os=["a", "a"]), "os has 'a' twice"),
    (lambda: TASK.matrix(os=["1", 1]), "os has '1' twice"),
    (lambda: TASK.matrix(os=[True]), "Write it in quotes"),
    (lambda: TASK.matrix(os=[" "]), "a value of os that is not empty"),
    (lambda: TASK.matrix(os=["a\nb"]), "without line breaks"),
    (lambda: TASK.matrix(os=["a" * 201]), "at most 200 characters"),
    (lambda: TASK.matrix(os=["param{{x}}"]), "fanned out before a run starts"),
    (lambda: TASK.matrix(os=["a"], OS=["b"]), "has 'OS' twice"),
    (lambda: TASK.matrix(**{"a-b": ["x"]}), 'Write "a_b"'),
    (lambda: TASK.matrix(**{"a" * 65: ["x"]}), "1 to 64"),
    (lambda: TASK.matrix(**{f"k{i}": ["x"] for i in range(11)}), "at most 10 keys, got 11"),
    (lambda: TASK.retries(-1), "a whole number from 0 to 100"),
    (lambda: TASK.retries(101), "a whole number from 0 to 100"),
    (lambda: TASK.retries("3"), "got '3'. Write .retries"),  # type: ignore[arg-type]
    (lambda: TASK.retries(True), "a whole number"),
    (lambda: TASK.retries(1, factor=0.5), "factor, a number from 1 to 100"),
    (lambda: TASK.retries(1, factor=float("nan")), "factor, a number"),
    (lambda: TASK.retries(1, jitter=2), "jitter, a number from 0 to 1"),
    (lambda: TASK.retries(1, backoff="10m"), 'backoff="10m", max_backoff="5m". Write max_backoff="10m"'),
    (lambda: TASK.retries(1, max_backoff="1ms"), 'backoff="1s", max_backoff="1ms"'),
    (lambda: TASK.timeout(600), 'Say the unit: "600s" for seconds'),  # type: ignore[arg-type]
    (lambda: TASK.timeout("10 minutes"), r'Write \.timeout\("10m"\)'),
    (lambda: TASK.timeout("30s1m"), "largest first"),
    (lambda: TASK.timeout("0s"), "at least 1ms"),
    (lambda: TASK.timeout("4000d"), "at most 87,600 hours"),
    (lambda: TASK.timeout(timedelta(seconds=-1)), "a duration"),
    (lambda: TASK.timeout(None), "a duration, got None"),  # type: ignore[arg-type]
    (lambda: TASK.stop_timeout("25h"), "at most 24 hours"),
    (lambda: TASK.allow_failure("yes"), "True or False, got 'yes'"),  # type: ignore[arg-type]
    (lambda: TASK.limits(), "cpu, memory or both, got none"),
    (lambda: TASK.limits(cpu=0), "cpu, a number from 0.01 to 1024"),
    (lambda: TASK.limits(cpu="1"), "Write cpu=0.5"),  # type: ignore[arg-type]
    (lambda: TASK.limits(memory=512), r'a size, got 512. Write memory="512MB"'),  # type: ignore[arg-type]
    (lambda: TASK.limits(memory="512 megabytes"), "a size, got"),
    (lambda: TASK.limits(memory="1KB"), "from 6 MiB to 1024 TiB"),
    (lambda: TASK.network("a b"), "the name of a network"),
    (lambda: TASK.mount("data", "/data"), "source, an absolute path"),
    (lambda: TASK.mount("/srv/../etc", "/data"), r'"\.\." parts'),
    (lambda: TASK.mount("/srv", "/"), "not the root"),
    (lambda: TASK.mount("/srv", "/a:b"), "without a colon"),
    (lambda: TASK.mount("/a", "/x").mount("/b", "/x/"), "the list of targets has '/x' twice"),
    (lambda: TASK.mount("/a", "/x", read_only=1), "True or False"),  # type: ignore[arg-type]
    (lambda: TASK.privileged(None), "True or False"),  # type: ignore[arg-type]
    (lambda: TASK.inject_api_token("yes"), "True or False"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "told"), REFUSED)
def test_a_wrong_value_is_refused_where_it_stands(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(PipelineError, match=told) as caught:
        call()
    assert caught.value.problems == (str(caught.value),)
    assert len(str(caught.value)) < 500


def test_inputs_outputs_and_caches_add_up() -> None:
    one = Task("a", "b").input("x", "in/x").input("y", "/in/y", level="pipeline").output("z", "out")
    one = one.cache("c", ["d", "/e"]).cache(f"c-{matrix('v')}", param("p"))
    assert one.manifest()["inputs"] == [
        {"key": "x", "path": "in/x", "level": "run"},
        {"key": "y", "path": "/in/y", "level": "pipeline"},
    ]
    assert one.manifest()["outputs"] == [{"key": "z", "path": "out"}]
    assert one.manifest()["caches"] == [
        {"key": "c", "paths": ["d", "/e"]},
        {"key": "c-matrix{{v}}", "paths": ["param{{p}}"]},
    ]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: TASK.input("a b", "x"), "the key of an object"),
        (lambda: TASK.input("a", "x", level="task"), '"run" or "pipeline"'),  # type: ignore[arg-type]
        (lambda: TASK.input("a", "x").input("b", "x/"), "twice"),
        (lambda: TASK.output("a", "../x"), '".." parts'),
        (lambda: TASK.output("a", "~/x"), '"~"'),
        (lambda: TASK.output("a", "/"), "parts"),
        (lambda: TASK.output("a", ""), "not empty"),
        (lambda: TASK.output("a", "x" * 256), "255"),
        (lambda: TASK.output("a", "x").output("a", "y"), "twice"),
        (lambda: TASK.output("secret{{a}}", "y"), "in the value of a variable only"),
        (lambda: TASK.cache("a", []), "at least one path"),
        (lambda: TASK.cache("a", {"x": "y"}), "at least one path"),  # type: ignore[arg-type]
        (lambda: TASK.cache("a", ["x", "x/"]), "twice"),
        (lambda: TASK.cache("a", "x").cache("a", "y"), "twice"),
        (lambda: TASK.cache("a", [f"{i}" for i in range(21)]), "at most 20 paths"),
    ],
)
def test_inputs_outputs_and_caches_that_cannot_be(make: Callable[[], Task], word: str) -> None:
    with pytest.raises(PipelineError, match=word):
        make()
