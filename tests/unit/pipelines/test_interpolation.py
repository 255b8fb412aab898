from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.errors import InvalidInput, NotFound
from gofer.models.manifest import Registry
from gofer.server.pipelines.interpolation import (
    KINDS,
    Kind,
    Reference,
    fields,
    interpolate,
    interpolate_task,
    references,
    stored_references,
)
from tests.unit.pipelines.building import task


def shout(kind: Kind, key: str) -> str:
    return f"<{kind} {key}>"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain", "plain"),
        ("param{{name}}", "<param name>"),
        ("a param{{x}} b secret{{y-z}} c", "a <param x> b <secret y-z> c"),
        ("param{{x}}param{{y}}", "<param x><param y>"),
        ("global_secret{{k}}", "<global_secret k>"),
        ("v1param{{x}}.txt", "v1<param x>.txt"),
        ("https://run{{host}}/pipeline{{path}}", "https://<run host>/<pipeline path>"),
        ("matrix{{os}}-matrix{{arch}}", "<matrix os>-<matrix arch>"),
        ("param!{{name}}", "param{{name}}"),
        ("param!!{{name}}", "param!{{name}}"),
        ("global_secret!{{k}}", "global_secret{{k}}"),
        ("param!{{a}} param{{b}}", "param{{a}} <param b>"),
        ("param!{{param{{x}}}}", "param{{<param x>}}"),
        ("{{ .Values.x }} ${{ env.x }} {{{x}}}", "{{ .Values.x }} ${{ env.x }} {{{x}}}"),
        ("sercet{{x}} Param{{x}} param {{x}} param{x}", "sercet{{x}} Param{{x}} param {{x}} param{x}"),
        ("wait! {{x}} so!{{x}}", "wait! {{x}} so!{{x}}"),
        ("ünï param{{x}} 日本", "ünï <param x> 日本"),
    ],
)
def test_what_is_replaced_and_what_stays(text: str, result: str) -> None:
    assert interpolate(text, shout) == result


@pytest.mark.parametrize(
    "text",
    [
        "param{{}}",
        "param{{ x }}",
        "param{{a-b}}",
        "param{{x",
        "param{{x}",
        "param{{{x}}}",
        "secret{{../x}}",
        "secret{{a\nb}}",
        "secret{{" + "a" * 65 + "}}",
        "run{{" + "a" * 100_000,
    ],
)
def test_malformed_ones_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        interpolate(f"before {text} after", shout)
    assert "param!{{name}}" in caught.value.hint
    assert len(caught.value.message) < 200


def test_values_are_never_looked_at_again() -> None:
    assert interpolate("param{{a}}", lambda kind, key: "secret{{b}} param!{{c}}") == "secret{{b}} param!{{c}}"


def test_what_the_resolver_raises_passes_through() -> None:
    def resolve(kind: Kind, key: str) -> str:
        raise NotFound(f"no {kind} {key}")

    with pytest.raises(NotFound, match="no secret k"):
        interpolate("x secret{{k}}", resolve)


def test_references_are_told_in_order() -> None:
    assert references("run{{a}} param!{{b}} secret{{c}} param{{") == [Reference("run", "a"), Reference("secret", "c")]


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_text_without_braces_is_never_changed(text: str) -> None:
    plain = text.replace("{", "")
    assert interpolate(plain, shout) == plain


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from([*KINDS, "{{", "}}", "{", "}", "!", "a", " ", "_", "secret{{k}}", "param!{{p}}"])))
def test_any_text_is_replaced_or_refused(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        result = interpolate(text, lambda kind, key: "")
    except InvalidInput:
        return
    assert len(result) <= len(text)


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_any_text_can_be_escaped(text: str) -> None:
    """Putting "!" before the braces of whatever looks like an interpolation gives the text back."""
    escaped = text
    for kind in ("param", "matrix", "secret", "pipeline", "run"):
        escaped = escaped.replace(f"{kind}{{{{", f"{kind}!{{{{")
    if "!{{" not in text:
        assert interpolate(escaped, shout) == text


def test_a_task_is_interpolated_in_every_field_that_has_them() -> None:
    text = "param{{x}}"
    full = task(
        "a",
        image=text,
        entrypoint=[text],
        command=["-c", text],
        script=text,
        working_directory=text,
        user=text,
        variables={"A": text, "B": "b"},
        registry=Registry(user=text, password_secret="k"),
    )
    done = interpolate_task(full, shout)
    assert {field.text for field in fields(done)} == {"<param x>", "-c", "b", "<secret k>"}
    assert [field.place for field in fields(full)] == [
        ".image",
        ".entrypoint[0]",
        ".command[0]",
        ".command[1]",
        ".script",
        ".working_directory",
        ".user",
        ".variables.A",
        ".variables.B",
        ".registry.user",
        ".registry.password_secret",
    ]
    assert done.registry is not None
    assert done.registry.password_secret == "<secret k>"
    assert interpolate_task(task("a"), shout) == task("a")


def test_a_registry_may_name_a_global_secret() -> None:
    registry = Registry(user="robot", password_secret="global_secret{{hub}}")
    done = interpolate_task(task("a", registry=registry), shout)
    assert done.registry is not None
    assert done.registry.password_secret == "<global_secret hub>"


def test_the_secrets_and_objects_that_a_task_names() -> None:
    """Each once; what is escaped, or known without a store, is none of them."""
    variables = {"A": "secret{{a}} run{{r}} param{{x}}", "B": "secret{{a}}pipeline{{p}}secret!{{no}}"}
    named = task("a", variables=variables, registry=Registry(user="global_secret{{u}}", password_secret="k"))
    assert [str(reference) for reference in stored_references(named)] == [
        "secret{{a}}",
        "run{{r}}",
        "pipeline{{p}}",
        "global_secret{{u}}",
        "secret{{k}}",
    ]
