"""Which events somebody wants, and which of these they may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from gofer.models.event import Event, Kind

AUDIT = "audit."


class Sight(Protocol):
    """What may be seen of what lies in namespaces that match one of these patterns; it can be hashed."""

    @property
    def namespaces(self) -> Sequence[str]: ...

    def covers(self, namespace: str, pipeline: str = "") -> bool: ...

    def __hash__(self) -> int: ...


class Seen(NamedTuple):
    """Events of these exact kinds may be seen within `within`, and where they have no namespace, if `server`."""

    kinds: frozenset[str]
    within: Sight
    server: bool

    def shows(self, kind: str, namespace: str, pipeline: str) -> bool:
        if kind not in self.kinds:
            return False
        return self.within.covers(namespace, pipeline) if namespace else self.server


class Filter(msgspec.Struct, frozen=True):
    """Which events; what is empty or None does not restrict. A kind is exact (`run.ended`) or a noun's (`run.*`).

    Audit events are among them only where `kinds` or `by` ask for them. `by`: audit events of that caller alone.
    `seen`: what of all that may be seen, each event by one of these; None: everything.
    """

    kinds: frozenset[str] = frozenset()
    namespace: str = ""
    pipeline: str = ""
    run: int | None = None
    by: str = ""
    seen: tuple[Seen, ...] | None = None

    def matches(self, event: Event) -> bool:
        return (
            (self.run is None or event.run == self.run)
            and (not self.pipeline or event.pipeline == self.pipeline)
            and (not self.namespace or event.namespace == self.namespace)
            and (
                event.kind in self.kinds or event.kind.partition(".")[0] + ".*" in self.kinds
                if self.kinds
                else bool(self.by) or not event.kind.startswith(AUDIT)
            )
            and (not self.by or (event.kind.startswith(AUDIT) and event.data.get("by") == self.by))
            and (self.seen is None or self.shows(event.kind, event.namespace, event.pipeline))
        )

    def shows(self, kind: str, namespace: str, pipeline: str) -> bool:
        """Whether such an event may be seen."""
        return self.seen is None or any(one.shows(kind, namespace, pipeline) for one in self.seen)

    @property
    def names_a_run(self) -> bool:
        """Whether at most one run can match."""
        return self.names_a_pipeline and self.run is not None

    @property
    def names_a_pipeline(self) -> bool:
        """Whether only one pipeline's events can match."""
        return bool(self.namespace and self.pipeline)

    @property
    def audit(self) -> bool:
        """Whether audit events can match."""
        return bool(self.by) or any(kind.startswith(AUDIT) for kind in self.kinds)

    @property
    def audit_alone(self) -> bool:
        """Whether nothing else can match."""
        return bool(self.by) or bool(self.kinds and all(kind.startswith(AUDIT) for kind in self.kinds))


def with_nouns(kinds: frozenset[str]) -> frozenset[str]:
    """Every exact kind that a filter's kinds stand for."""
    return frozenset(kind.value for kind in Kind if kind in kinds or f"{kind.value.partition('.')[0]}.*" in kinds)
