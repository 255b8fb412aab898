"""Admission under the pipelines' limits and the server's."""

from __future__ import annotations

import random

from gofer.models.manifest import Manifest, Parallelism, Task
from gofer.server.runs.active import Ticket
from gofer.server.runs.plan import Plan
from gofer.server.runs.queue import Queue


def ticket(key: int, pipeline: int = 1, limit: int = 0) -> Ticket:
    manifest = Manifest(id="p", parallelism=Parallelism(limit=limit), tasks=[Task(id="a", image="i")])
    return Ticket(key, pipeline, "default", f"p{pipeline}", key, 1, {}, Plan(manifest), 0)


def test_without_limits_every_run_goes_at_once() -> None:
    launched: list[Ticket] = []
    queue = Queue(0, launched.append)
    for key in range(5):
        queue.submit(ticket(key))
    assert [t.key for t in launched] == [0, 1, 2, 3, 4]
    assert (queue.queued, queue.running) == (0, 5)


def test_a_limit_of_one_runs_them_one_after_the_other_in_order() -> None:
    launched: list[Ticket] = []
    queue = Queue(0, launched.append)
    for key in range(3):
        queue.submit(ticket(key, limit=1))
    assert [t.key for t in launched] == [0]
    queue.ended(1)
    assert [t.key for t in launched] == [0, 1]
    queue.ended(1)
    queue.ended(1)
    assert [t.key for t in launched] == [0, 1, 2]
    assert (queue.queued, queue.running) == (0, 0)


def test_the_servers_limit_takes_the_longest_waiting_of_all_pipelines() -> None:
    launched: list[Ticket] = []
    queue = Queue(1, launched.append)
    queue.submit(ticket(1, pipeline=1))
    queue.submit(ticket(2, pipeline=2))
    queue.submit(ticket(3, pipeline=1))
    queue.ended(1)
    queue.ended(2)
    assert [t.key for t in launched] == [1, 2, 3]


def test_a_pipeline_at_its_limit_does_not_hold_up_the_others() -> None:
    launched: list[Ticket] = []
    queue = Queue(2, launched.append)
    queue.submit(ticket(1, pipeline=1, limit=1))
    queue.submit(ticket(2, pipeline=1, limit=1))
    queue.submit(ticket(3, pipeline=2))
    assert [t.key for t in launched] == [1, 3]


def test_a_withdrawn_run_is_never_launched() -> None:
    launched: list[Ticket] = []
    queue = Queue(1, launched.append)
    queue.submit(ticket(1))
    queue.submit(ticket(2))
    assert queue.withdraw(1, 2) is not None
    assert queue.withdraw(1, 2) is None
    assert queue.withdraw(9, 9) is None
    queue.ended(1)
    assert [t.key for t in launched] == [1]
    assert (queue.queued, queue.running) == (0, 0)


def test_what_ran_before_counts_against_the_limits() -> None:
    launched: list[Ticket] = []
    queue = Queue(1, launched.append)
    queue.take_over(ticket(1, limit=1))
    queue.submit(ticket(2, limit=1))
    assert [t.key for t in launched] == [1]
    queue.ended(1)
    assert [t.key for t in launched] == [1, 2]


def test_limits_hold_and_nothing_is_forgotten_whatever_the_order() -> None:
    rng = random.Random(11)
    for _ in range(100):
        server_limit = rng.choice([0, 1, 3])
        limits = {p: rng.choice([0, 1, 2]) for p in range(4)}
        running: list[Ticket] = []
        done: list[int] = []
        queue = Queue(server_limit, running.append)
        keys = iter(range(1, 41))
        submitted = 0
        while len(done) < 40:
            if submitted < 40 and (rng.random() < 0.5 or not running):
                pipeline = rng.randrange(4)
                queue.submit(ticket(next(keys), pipeline, limits[pipeline]))
                submitted += 1
            elif running:
                ended = running.pop(rng.randrange(len(running)))
                done.append(ended.key)
                queue.ended(ended.pipeline_key)
            assert not server_limit or len(running) <= server_limit
            for pipeline, limit in limits.items():
                assert not limit or sum(t.pipeline_key == pipeline for t in running) <= limit
        assert sorted(done) == list(range(1, 41))
        assert (queue.queued, queue.running) == (0, 0)


def test_another_limit_admits_who_waits_longest_and_stops_nobody() -> None:
    running: list[Ticket] = []
    queue = Queue(1, running.append)
    for key in range(1, 6):
        queue.submit(ticket(key, key, 0))
    assert [one.key for one in running] == [1]
    queue.set_limit(3)
    assert [one.key for one in running] == [1, 2, 3]
    queue.set_limit(1)
    queue.ended(1)
    queue.ended(2)
    assert queue.queued == 2
    queue.set_limit(0)
    assert [one.key for one in running] == [1, 2, 3, 4, 5]


def test_the_runs_of_a_paused_pipeline_wait_and_hold_up_nobody() -> None:
    launched: list[Ticket] = []
    queue = Queue(1, launched.append)
    queue.submit(ticket(1, pipeline=1))
    queue.submit(ticket(2, pipeline=2))
    queue.submit(ticket(3, pipeline=1))
    queue.pause({2})
    queue.ended(1)
    assert [t.key for t in launched] == [1, 3]
    queue.submit(ticket(4, pipeline=2))
    queue.ended(1)
    queue.pause({1})
    assert [t.key for t in launched] == [1, 3, 2]
    queue.ended(2)
    queue.submit(ticket(5, pipeline=1))
    queue.ended(2)
    assert [t.key for t in launched] == [1, 3, 2, 4]
    assert queue.withdraw(1, 5) is not None
    queue.pause(())
    assert (queue.queued, queue.running) == (0, 0)
    queue.submit(ticket(6, pipeline=1))
    assert [t.key for t in launched] == [1, 3, 2, 4, 6]


def test_whatever_is_paused_and_resumed_each_goes_once_and_in_its_order() -> None:
    for seed in range(50):
        _pause_at_random(random.Random(seed))


def _pause_at_random(chance: random.Random) -> None:
    launched: list[Ticket] = []
    running: list[int] = []
    paused: set[int] = set()

    def launch(admitted: Ticket) -> None:
        assert admitted.pipeline_key not in paused
        launched.append(admitted)
        running.append(admitted.pipeline_key)

    queue = Queue(2, launch)
    for key in range(60):
        queue.submit(ticket(key, pipeline=chance.randrange(3), limit=1))
        paused.clear()
        paused.update(p for p in range(3) if chance.random() < 0.4)
        queue.pause(paused)
        if running and chance.random() < 0.7:
            queue.ended(running.pop(chance.randrange(len(running))))
    paused.clear()
    queue.pause(())
    while running:
        queue.ended(running.pop())
    assert (queue.queued, queue.running, len(launched)) == (0, 0, 60)
    for pipeline in range(3):
        keys = [t.key for t in launched if t.pipeline_key == pipeline]
        assert keys == sorted(keys)
