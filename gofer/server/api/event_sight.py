"""Which events a caller may see: each noun has a permission of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from gofer.models.access import ANY
from gofer.models.event import Kind
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import Caller
from gofer.server.auth.permission import Permission
from gofer.server.auth.rights import Sight
from gofer.server.store.event_filter import AUDIT, Filter, Seen, with_nouns

_SECRETS = frozenset({"secret", "secrets"})
_NO_AUDIT = frozenset(kind.value for kind in Kind if not kind.value.startswith(AUDIT))
"""What one gets who asks for no kind."""
_OWN: dict[str, Permission] = {
    "token": "tokens:read",
    "role": "roles:read",
    "audit": "audit:read",
    "commontask": "common_tasks:read",
}


class _Group(NamedTuple):
    """As Seen."""

    kinds: frozenset[str]
    within: Sight
    server: bool

    def reaches(self, namespace: str, pipeline: str) -> bool:
        """Whether anything of that namespace and pipeline may be seen; empty: of any."""
        if not namespace:
            return True
        if pipeline or not self.within.pipelines:
            return self.within.covers(namespace, pipeline)
        return Sight(self.within.namespaces).covers(namespace)


def permission_of(kind: str, *, server: bool = False) -> Permission:
    """What one needs to see events of this kind; `server`: those that have no namespace."""
    noun = kind.partition(".")[0]
    if noun == "trigger" and server:
        return "triggers:read"
    if noun in _SECRETS:
        return "global_secrets:read" if server else "secrets:read"
    return _OWN.get(noun, "events:read")


def narrowed(wanted: Filter, caller: Caller) -> Filter:
    """What of `wanted` the caller may see. For who may do everything it is the very same.

    Raises Refused for a namespace, a pipeline or a kind that was asked for by name, and of which nothing may be seen.
    """
    if caller.may_everything:
        return wanted
    kinds = with_nouns(wanted.kinds) if wanted.kinds else _NO_AUDIT
    groups = [one for one in _groups(kinds, caller) if one.reaches(wanted.namespace, wanted.pipeline)]
    _check(wanted, kinds, caller, groups)
    return _simplified(wanted, kinds, groups)


def _groups(kinds: Iterable[str], caller: Caller) -> list[_Group]:
    """What the caller may see of these kinds, those together that are seen in the same places."""
    found: dict[tuple[Sight, bool], set[str]] = {}
    for kind in sorted(kinds):
        within = caller.sight(permission_of(kind))
        server = caller.sight(permission_of(kind, server=True)).covers("")
        if within.namespaces or server:
            found.setdefault((within, server), set()).add(kind)
    return [_Group(frozenset(kinds), within, server) for (within, server), kinds in found.items()]


def _check(wanted: Filter, kinds: frozenset[str], caller: Caller, groups: list[_Group]) -> None:
    shown: frozenset[str] = frozenset().union(*(one.kinds for one in groups))
    namespace = wanted.namespace or None
    name = (wanted.pipeline,) if wanted.pipeline else ()
    for asked in sorted(wanted.kinds) or sorted(kinds)[:1]:
        meant = with_nouns(frozenset({asked})) if wanted.kinds else kinds
        if not meant & shown:
            check_allowed(caller, permission_of(asked), namespace, name, filtered=namespace is None)


def _simplified(wanted: Filter, kinds: frozenset[str], groups: list[_Group]) -> Filter:
    """With as few restrictions as say the same: what is in one namespace, the store finds by itself."""
    if not groups:
        return msgspec.structs.replace(wanted, seen=())
    namespace = wanted.namespace or _only_namespace(groups)
    whole = all(not one.within.pipelines or (wanted.namespace and wanted.pipeline) for one in groups)
    if not namespace or not whole:
        return msgspec.structs.replace(wanted, seen=tuple(Seen(*one) for one in groups))
    shown = frozenset().union(*(one.kinds for one in groups))
    asked = wanted.kinds if shown == kinds else shown
    return msgspec.structs.replace(wanted, kinds=asked, namespace=namespace)


def _only_namespace(groups: list[_Group]) -> str:
    """The one namespace in which all that may be seen lies; an empty text if there are more, or patterns."""
    names = {name for one in groups for name in one.within.namespaces}
    only = names.pop() if len(names) == 1 and not any(one.server for one in groups) else ANY
    return "" if ANY in only else only
