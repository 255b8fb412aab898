"""Which pipelines start which: the subscriptions as a graph, that has to stay without cycles."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from gofer_sdk.trigger import Settings, Subscription, field

_SHOWN = 50


class PipelineSubscription(Settings):
    """What a pipeline sets."""

    pipeline: str = field("The pipeline whose runs count. It is in the same namespace.")
    statuses: list[str] = field(
        "Which ends count: successful, failed, cancelled.",
        default=["successful"],
    )
    pass_parameters: list[str] = field(
        'Parameters of the ended run that the new one gets: names, "theirs=mine" for one that is called otherwise '
        'here, and "*" for all.',
        default=[],
    )
    pass_objects: bool = field("Whether the objects of the ended run are the new one's too.", default=False)


Chained = Subscription[PipelineSubscription]


class Chains:
    """Subscriptions by the pipeline that they wait for. Pipelines of different namespaces have nothing to do with
    each other."""

    def __init__(self) -> None:
        self._following: dict[tuple[str, str], dict[str, Chained]] = {}

    def add(self, subscription: Chained) -> None:
        key = (subscription.namespace, subscription.settings.pipeline)
        self._following.setdefault(key, {})[subscription.id] = subscription

    def remove(self, subscription: Chained) -> None:
        key = (subscription.namespace, subscription.settings.pipeline)
        following = self._following.get(key, {})
        following.pop(subscription.id, None)
        if not following:
            self._following.pop(key, None)

    def following(self, namespace: str, pipeline: str) -> list[Chained]:
        """Those that wait for runs of that pipeline."""
        return list(self._following.get((namespace, pipeline), {}).values())

    def cycle(self, wanted: Chained) -> list[str]:
        """The pipelines that would start each other for ever if `wanted` were added, from the one that it waits for to
        that one again; empty if there is no such cycle.

        What waits for `wanted.pipeline` is looked through, and what waits for that, until the pipeline is met that
        `wanted` waits for. Subscriptions of `wanted.pipeline` itself are not on such a way, so that it makes no
        difference whether `wanted` is there already, or replaces one.
        """
        goal, start = wanted.settings.pipeline, wanted.pipeline
        came_from: dict[str, str] = {start: goal}
        to_see = [start]
        while to_see and goal not in came_from:
            pipeline = to_see.pop()
            for name in self._next(wanted.namespace, pipeline):
                if name not in came_from:
                    came_from[name] = pipeline
                    to_see.append(name)
        if goal not in came_from:
            return []
        way = [goal]
        while len(way) == 1 or way[-1] != goal:
            way.append(came_from[way[-1]])
        return way[::-1]

    def state(self) -> dict[str, list[str]]:
        """For `debug`: who waits for whom, as much as fits into a frame in any case."""
        return {
            f"{namespace}/{pipeline}": [str(one) for one in islice(following.values(), _SHOWN)]
            for (namespace, pipeline), following in islice(self._following.items(), _SHOWN)
        }

    def _next(self, namespace: str, pipeline: str) -> Iterable[str]:
        return (one.pipeline for one in self._following.get((namespace, pipeline), {}).values())
