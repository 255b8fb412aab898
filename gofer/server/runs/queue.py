"""Admission: which runs may go on now, under the pipelines' limits and the server's."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Collection

from gofer.server.runs.active import Ticket


class _Lane:
    """One pipeline: its runs in line, and how many are on their way."""

    __slots__ = ("offered", "running", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Ticket] = deque()
        self.running = 0
        self.offered = False


class Queue:
    """First come, first served within a pipeline; between pipelines the run that has waited longest goes first.

    `launch` is called for every run that is admitted; whoever launched it says `ended`. The runs of a paused pipeline
    wait, and hold up nobody else's. Lives in the event loop; nothing here waits.
    """

    def __init__(self, limit: int, launch: Callable[[Ticket], None]) -> None:
        self._limit = limit
        self._launch = launch
        self._lanes: dict[int, _Lane] = {}
        # Keys of runs at the head of a lane below its limit, with the lane's pipeline.
        self._heads: list[tuple[int, int]] = []
        self._held = False
        self._paused: frozenset[int] = frozenset()
        self.running = 0
        self.queued = 0

    def set_limit(self, limit: int) -> None:
        """From now on: runs that are on their way go on, and what there is room for now is admitted."""
        self._limit = limit
        self._admit()

    def hold(self, held: bool) -> None:
        """Admit nobody for as long as `held`; who waits goes on waiting, in order."""
        self._held = held
        self._admit()

    def pause(self, pipelines: Collection[int]) -> None:
        """From now on the runs of these pipelines wait, and those of no other; by the pipelines' keys."""
        resumed, self._paused = self._paused.difference(pipelines), frozenset(pipelines)
        for pipeline_key in resumed:
            lane = self._lanes.get(pipeline_key)
            if lane is not None:
                self._offer(pipeline_key, lane)
        self._admit()

    def submit(self, ticket: Ticket) -> None:
        """Put a run at the end of its pipeline's line and admit what may go."""
        lane = self._lanes.setdefault(ticket.pipeline_key, _Lane())
        lane.waiting.append(ticket)
        self.queued += 1
        self._offer(ticket.pipeline_key, lane)
        self._admit()

    def take_over(self, ticket: Ticket) -> None:
        """Count and launch a run that was admitted in an earlier life, or that is to end: limits do not count."""
        lane = self._lanes.setdefault(ticket.pipeline_key, _Lane())
        self._go(lane, ticket)

    def withdraw(self, pipeline_key: int, key: int) -> Ticket | None:
        """Take a run out of the line; None if it does not stand there."""
        lane = self._lanes.get(pipeline_key)
        if lane is None:
            return None
        # From the end, as who cancels a whole line begins there.
        for back, ticket in enumerate(reversed(lane.waiting), start=1):
            if ticket.key == key:
                del lane.waiting[-back]
                self.queued -= 1
                return ticket
        return None

    def ended(self, pipeline_key: int) -> None:
        """A launched run has ended: admit what its end makes room for."""
        lane = self._lanes[pipeline_key]
        lane.running -= 1
        self.running -= 1
        self._offer(pipeline_key, lane)
        if not lane.running and not lane.waiting and not lane.offered:
            del self._lanes[pipeline_key]
        self._admit()

    def _offer(self, pipeline_key: int, lane: _Lane) -> None:
        if lane.offered or not lane.waiting:
            return
        limit = lane.waiting[0].plan.manifest.parallelism.limit
        if not limit or lane.running < limit:
            lane.offered = True
            heapq.heappush(self._heads, (lane.waiting[0].key, pipeline_key))

    def _admit(self) -> None:
        while self._heads and not self._held and (not self._limit or self.running < self._limit):
            _, pipeline_key = heapq.heappop(self._heads)
            lane = self._lanes[pipeline_key]
            lane.offered = False
            if lane.waiting and pipeline_key in self._paused:
                continue  # offered again when it is resumed
            if lane.waiting:
                self.queued -= 1
                self._go(lane, lane.waiting.popleft())
                self._offer(pipeline_key, lane)
            elif not lane.running:
                del self._lanes[pipeline_key]

    def _go(self, lane: _Lane, ticket: Ticket) -> None:
        lane.running += 1
        self.running += 1
        self._launch(ticket)
