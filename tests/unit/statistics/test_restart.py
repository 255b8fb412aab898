"""What a server knows after a restart is what it knew before, as far as that shows in its runs."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from gofer.models.statistics import Span
from gofer.server.statistics import history
from gofer.server.statistics.answer import answer
from gofer.server.statistics.tables import MINUTE, WEEK, Tables
from gofer.server.store.database import Database, Transaction
from tests.unit.statistics.test_record import NOW, add

SPANS: list[Span] = ["hour", "day", "week"]


class Past(NamedTuple):
    number: int
    status: str
    created: int
    started: int | None
    ended: int | None


def pasts(seed: int) -> list[Past]:
    """Runs of two weeks, most of them of the last hours; some wait, run, or were cancelled before they began."""
    dice, found = random.Random(seed), []
    ages = sorted(int(dice.expovariate(1) * dice.choice([MINUTE, 60 * MINUTE, WEEK / 3])) for _ in range(300))[::-1]
    for number, age in enumerate(ages, 1):
        created = NOW - min(age, 2 * WEEK)
        started = created + dice.choice([0, 5, 90_000])
        ended = started + int(dice.expovariate(1) * dice.choice([1_000, 10 * MINUTE, 40 * 60 * MINUTE]))
        if started > NOW:
            found.append(Past(number, "queued", created, None, None))
        elif dice.random() < 0.1:
            found.append(Past(number, "cancelled", created, None, started))
        elif ended > NOW:
            found.append(Past(number, "running", created, started, None))
        else:
            found.append(Past(number, dice.choice(["successful", "failed", "cancelled"]), created, started, ended))
    return found


def as_it_was(runs: list[Past]) -> Tables:
    tables = Tables()
    steps = [(run.created, 0, run) for run in runs]
    steps += [(run.started, 1, run) for run in runs if run.started is not None]
    steps += [(run.ended, 2, run) for run in runs if run.ended is not None]
    for at, what, run in sorted(steps):
        name = ("default", "p", run.number)
        if what == 0:
            tables.created(name, at)
        elif what == 1:
            tables.started(name, at)
        else:
            tables.ended(name, at, run.status)
    return tables


@pytest.mark.parametrize("seed", range(5))
async def test_a_restart_forgets_nothing_of_runs(database: Database, seed: int) -> None:
    runs = pasts(seed)
    assert {run.status for run in runs} == {"queued", "running", "successful", "failed", "cancelled"}

    def fill(tx: Transaction) -> None:
        for run in runs:
            add(tx, run.number, run.status, run.created, run.started, run.ended)

    await database.write(fill)
    found = await database.read(lambda connection: history.read(connection, NOW))
    assert found.runs_since == NOW - WEEK
    for span in SPANS:
        assert answer(found.tables, span, NOW, 0, 0) == answer(as_it_was(runs), span, NOW, 0, 0)
