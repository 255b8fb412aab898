"""What is counted for whom."""

from __future__ import annotations

import pytest

from gofer.errors import TooManyRequests
from gofer.server.auth.caller import ANONYMOUS, LOCAL, UNCLAIMED, Caller
from gofer.server.limits.callers import Callers
from gofer.server.limits.refusals import Refusals


def callers(limit: int, refusals: Refusals) -> Callers:
    return Callers("requests", "max_connections_per_token", lambda: limit, refusals, "connections_per_token")


def test_each_token_and_each_run_by_itself() -> None:
    refusals = Refusals()
    counted = callers(1, refusals)
    token, run = Caller("client", token="tok-1"), Caller("run", "n", "p", 1, "a")
    keys = [counted.begin(token), counted.begin(run), counted.begin(Caller("run", "n", "p", 2, "a"))]
    # Another session of the same token, another task of the same run.
    for again in (token._replace(session="ab"), run._replace(task="b")):
        with pytest.raises(TooManyRequests) as refused:
            counted.begin(again)
        assert refused.value.retry_after > 0
    assert refusals.counts["connections_per_token"] == 2
    for key in keys:
        counted.end(key)
    counted.end(counted.begin(token))


@pytest.mark.parametrize("nobody", [LOCAL, ANONYMOUS, UNCLAIMED])
def test_who_brings_no_token_is_not_counted(nobody: Caller) -> None:
    counted = callers(1, Refusals())
    for key in [counted.begin(nobody) for _turn in range(5)]:
        counted.end(key)
