"""What may be installed as a common task."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.errors import InvalidInput
from gofer.models.common_task import CommonTask
from gofer.models.manifest import Registry
from gofer.server.common_tasks.check import doubts, normal_image, normal_registry, require_valid, secrets_of


def one(**fields: Any) -> CommonTask:
    given: dict[str, Any] = {
        "id": "tell",
        "image": "busybox",
        "namespaces": ["*"],
        "enabled": True,
        "created_at": 1,
        "modified_at": 1,
    }
    return CommonTask(**given | fields)


def test_what_is_fine() -> None:
    registry = normal_registry(Registry(user="robot", password_secret="hub"))
    assert registry == Registry(user="robot", password_secret="global_secret{{hub}}")
    task = one(
        variables={"URL": "https://global_secret{{host}}/global_secret{{key}}", "PLAIN": "secret!{{x}}"},
        registry=registry, command=["a"], namespaces=["team-*", "ops"],
    )  # fmt: skip
    require_valid(task)
    assert secrets_of(task) == ["host", "key", "hub"]
    assert list(doubts(task)) == []
    require_valid(one(image=normal_image("builtin:slack")))


@pytest.mark.parametrize(
    ("fields", "place", "told"),
    [
        ({"id": "a b"}, "id", "not a valid id"),
        ({"image": "A B"}, "image", "not the name of an image"),
        ({"image": "builtin:trigger/cron"}, "image", "no built-in common task"),
        ({"image": "builtin:common-task/debug", "command": ["x"]}, "command", "does not go with a built-in"),
        ({"variables": {"a-b": "x"}}, "variables.a-b", "not the name of an environment variable"),
        ({"variables": {"gofer_x": "x"}}, "variables.gofer_x", "begins with GOFER_"),
        ({"variables": {"A": "secret{{own}}"}}, "variables.A", "secret{{own}} would not be replaced"),
        ({"variables": {"A": "param{{x}}"}}, "variables.A", "param{{x}} would not be replaced"),
        ({"variables": {"A": "global_secret{{x"}}, "variables.A", "is not closed"),
        ({"variables": {"A": "x\0"}}, "variables.A", "NUL"),
        ({"registry": Registry(user="a", password_secret="the password itself")}, "registry.password_secret", "global"),
        ({"registry": Registry(user="", password_secret="global_secret{{a}}")}, "registry.user", "is empty"),
        ({"namespaces": []}, "namespaces", "nobody could use it"),
        ({"namespaces": ["a b"]}, "namespaces[0]", "neither a namespace's id nor a pattern"),
    ],
)
def test_what_is_not(fields: dict[str, Any], place: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_valid(one(**fields))
    (problem,) = refused.value.problems
    assert problem.place == place
    assert told in problem.message


def test_a_secret_that_is_written_out_is_doubted_without_being_repeated() -> None:
    (doubt,) = doubts(one(variables={"SLACK_TOKEN": "xoxb-1234", "LEVEL": "1", "API_KEY": "global_secret{{k}}"}))
    assert doubt.startswith("SLACK_TOKEN looks like a secret")
    assert "xoxb" not in doubt
