"""`gofer trigger check` on every trigger that comes with Gofer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gofer.cli.builtin import PROGRAMS
from tests.cli.conftest import Gofer

# What they are tried with, and whether an event comes of it within seconds.
OPTIONS = {
    "cron": (["--subscription", "expression=@yearly"], False),
    "github": (["--set", "secret=0123456789abcdef", "--subscription", "repository=a/b"], True),
    "interval": (["--set", "min_duration=1s", "--subscription", "every=1s"], True),
    "pipeline": (["--subscription", "pipeline=other"], False),
    "webhook": (["--subscription", "verify=token", "--subscription", "secret=0123456789abcdef0123"], False),
}


def test_all_of_them(alone: Gofer) -> None:
    """At once, as each waits for most of its time."""
    assert set(OPTIONS) == set(PROGRAMS["trigger"])
    with ThreadPoolExecutor() as pool:
        said = {
            name: pool.submit(
                alone, "--format", "json", "trigger", "check", f"builtin:{name}", "--fire-within",
                "30s" if fires else "1ms", *options
            )
            for name, (options, fires) in OPTIONS.items()
        }  # fmt: skip
    for name, (_options, fires) in OPTIONS.items():
        ended = said[name].result()
        assert ended.code == 0, (name, ended)
        outcomes = {step["name"]: step["outcome"] for step in ended.json["steps"]}
        assert set(outcomes.values()) <= {"ok", "not offered", "not tried"}, (name, outcomes)
        assert outcomes["tells of an event"] == ("ok" if fires else "not tried"), (name, outcomes)
