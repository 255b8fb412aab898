"""What a token may do: the permissions of its roles, in its namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from gofer.models.access import ANY, Grant

Name = Sequence[str]


class Pattern(NamedTuple):
    """What a name must match, segment by segment. A pattern of fewer segments covers all that lies below."""

    segments: tuple[str, ...]

    def covers(self, name: Name) -> bool:
        return len(name) >= len(self.segments) and all(map(matches, self.segments, name))


class Permitted(NamedTuple):
    """One permission, ready to be asked. Without `names` it holds whatever the name."""

    resources: frozenset[str]
    actions: frozenset[str]
    names: tuple[Pattern, ...]

    def allows(self, resource: str, action: str) -> bool:
        return (ANY in self.resources or resource in self.resources) and (ANY in self.actions or action in self.actions)

    def covers(self, name: Name) -> bool:
        return not self.names or any(pattern.covers(name) for pattern in self.names)


class Sight(NamedTuple):
    """Of what lies in namespaces, what one may see: namespaces that match one of the patterns, and in them pipelines
    that do. `pipelines` empty: all of them. Without namespaces: nothing at all."""

    namespaces: tuple[str, ...]
    pipelines: tuple[str, ...] = ()

    @property
    def whole_namespaces(self) -> Sequence[str] | None:
        """Patterns of the namespaces that are seen themselves, with all that is in them; None: every one."""
        if self.pipelines:
            return ()
        return None if ANY in self.namespaces else self.namespaces

    def pipelines_of(self, namespace: str) -> Sequence[str] | None:
        """Patterns of what is seen in a namespace; None: everything."""
        if not any(matches(one, namespace) for one in self.namespaces):
            return ()
        return self.pipelines or None

    def covers(self, namespace: str, pipeline: str = "") -> bool:
        """What has no namespace is seen by those alone who see every namespace; what has no pipeline, by those alone
        who see every pipeline."""
        return any(matches(one, namespace) if namespace else one == ANY for one in self.namespaces) and (
            not self.pipelines or any(matches(one, pipeline) for one in self.pipelines if pipeline)
        )


EVERYTHING = Sight((ANY,))
NOTHING = Sight(())


class Rights(NamedTuple):
    """Permissions in namespaces, each of these a name or a pattern with `*`."""

    namespaces: tuple[str, ...]
    permitted: tuple[Permitted, ...]

    def allows(self, permission: str, namespace: str | None, name: Name = ()) -> bool:
        """`namespace` None: it concerns the whole server, for which every namespace is needed."""
        within = (
            ANY in self.namespaces if namespace is None else any(matches(one, namespace) for one in self.namespaces)
        )
        return within and any(one.covers(name) for one in self._of(permission))

    def any_of(self, permission: str, namespace: str | None) -> bool:
        """Whether there may be a name for which it is allowed, in `namespace` (None: in any)."""
        within = any(namespace is None or matches(one, namespace) for one in self.namespaces)
        return within and any(True for _ in self._of(permission))

    def sight(self, permission: str) -> Sight:
        """What of lists that go over several pipelines may be seen with this permission."""
        found = list(self._of(permission))
        if not found or not self.namespaces:
            return NOTHING
        if any(not one.names for one in found):
            return Sight(self.namespaces)
        whole = {pattern.segments[0] for one in found for pattern in one.names if len(pattern.segments) == 1}
        return Sight(self.namespaces, tuple(sorted(whole))) if whole else NOTHING

    def _of(self, permission: str) -> Iterable[Permitted]:
        resource, _, action = permission.partition(":")
        return (one for one in self.permitted if one.allows(resource, action))


def permitted(grant: Grant) -> Permitted:
    """What is asked often, from how it is written."""
    names = tuple(Pattern(tuple(name.split("/"))) for name in grant.names)
    return Permitted(frozenset(grant.resources), frozenset(grant.actions), names)


@lru_cache(maxsize=4096)
def matches(pattern: str, text: str) -> bool:
    """Whether all of `text` is what the pattern says; `*` stands for any characters, also none."""
    if ANY not in pattern:
        return pattern == text
    first, *middle, last = pattern.split(ANY)
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
