"""What a role that is to be made or changed must be like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, cast, get_args

from gofer.errors import Problem
from gofer.models.access import ANY, Action, Grant, Resource, WantedGrant
from gofer.models.ids import shown
from gofer.server.auth.check_token import MAX_ENTRIES, check_description_of, refuse
from gofer.server.auth.permission import Permission
from gofer.server.nearest import Nearest

MAX_GRANTS: Final = 100
# Each may have to be compared at each request.
MAX_NAMES: Final = 200

RESOURCES: Final = get_args(Resource)
ACTIONS: Final = get_args(Action)
_KNOWN: Final = frozenset(get_args(Permission))

# How many parts the names of things have that a permission is asked for; what is not here has none.
_PARTS: Final = {
    "pipelines": 1, "deployments": 1, "runs": 1, "logs": 1, "events": 1, "audit": 1, "attach": 1, "objects": 2,
    "secrets": 2, "global_secrets": 1, "tokens": 1, "roles": 1,
}  # fmt: skip

# One part, as an id is written, and `*` beside. Nothing else may ever get in: SQLite's GLOB knows more.
_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_*-]{0,63}(/[A-Za-z0-9*][A-Za-z0-9_*-]{0,63})?\Z")


def checked(description: str, permissions: Sequence[WantedGrant]) -> list[Grant]:
    """The permissions as they are kept. Raises InvalidInput with everything that is wrong."""
    found = check_description_of(description)
    if not permissions:
        found.append(_problem("permissions", "is empty: the role would allow nothing", "Name at least one."))
    if len(permissions) > MAX_GRANTS:
        found.append(_problem("permissions", f"has {len(permissions)} entries; {MAX_GRANTS} are allowed"))
    else:
        for i, grant in enumerate(permissions):
            found += _grant(f"permissions[{i}]", grant)
        if (names := sum(len(grant.names) for grant in permissions)) > MAX_NAMES:
            message = f"has {names} names in all; {MAX_NAMES} are allowed"
            found.append(_problem("permissions", message, "Write patterns, or make several roles."))
    refuse(found)
    return [
        Grant(
            resources=cast('list[Resource | Literal["*"]]', _once(grant.resources)),
            actions=cast('list[Action | Literal["*"]]', _once(grant.actions)),
            names=_once(grant.names),
        )
        for grant in permissions
    ]


def _grant(place: str, grant: WantedGrant) -> list[Problem]:
    found = [
        *_words(f"{place}.resources", grant.resources, RESOURCES, "resource"),
        *_words(f"{place}.actions", grant.actions, ACTIONS, "action"),
        *_names(f"{place}.names", grant.names),
    ]
    if found:
        return found
    return [*_without_effect(place, grant), *_without_names(place, grant)]


def _words(place: str, words: Sequence[str], known: Sequence[str], what: str) -> Iterator[Problem]:
    if not words:
        yield _problem(place, "is empty: the permission would allow nothing", f"Name a {what}, or * for all of them.")
    if len(words) > MAX_ENTRIES:
        yield _problem(place, f"has {len(words)} entries; {MAX_ENTRIES} are allowed")
        return
    nearest = Nearest(known)
    for i, word in enumerate(words):
        if word != ANY and word not in known:
            hint = nearest.hint(word) or f"Known: {', '.join(known)}, or * for all of them."
            yield _problem(f"{place}[{i}]", f"there is no {what} {shown(word)}", hint)


def _names(place: str, names: Sequence[str]) -> Iterator[Problem]:
    if len(names) > MAX_ENTRIES:
        yield _problem(place, f"has {len(names)} entries; {MAX_ENTRIES} are allowed")
        return
    hint = "Write a pipeline (nightly-*) or a pipeline and a key (nightly/db_*); * stands for any characters."
    for i, name in enumerate(names):
        if _NAME.match(name) is None:
            yield _problem(f"{place}[{i}]", f"{shown(name)} can match no name", hint)


def _without_effect(place: str, grant: WantedGrant) -> Iterator[Problem]:
    """Of `logs,runs` with `read,run` every word means something, though `logs:run` does not."""
    idle = 0
    for i, resource in enumerate(grant.resources):
        of_it = [action for action in ACTIONS if f"{resource}:{action}" in _KNOWN]
        if ANY not in (resource, *grant.actions) and not set(of_it) & set(grant.actions):
            idle += 1
            message = f"{shown(resource)} does not know {_listed(grant.actions)}"
            yield _problem(f"{place}.resources[{i}]", message, f"It knows {_listed(of_it)}.")
    if idle == len(grant.resources):
        return
    for i, action in enumerate(grant.actions):
        with_it = [resource for resource in RESOURCES if f"{resource}:{action}" in _KNOWN]
        if ANY not in (action, *grant.resources) and not set(with_it) & set(grant.resources):
            message = f"{shown(action)} means nothing to {_listed(grant.resources)}"
            yield _problem(f"{place}.actions[{i}]", message, f"It is for {_listed(with_it)}.")


def _without_names(place: str, grant: WantedGrant) -> Iterator[Problem]:
    """A permission with names allows nothing of what has no name, or a shorter one."""
    if not grant.names:
        return
    shortest = min(name.count("/") + 1 for name in grant.names)
    for i, resource in enumerate(grant.resources):
        if resource == ANY or _PARTS.get(resource, 0) >= shortest:
            continue
        if resource in _PARTS:
            message = f"the names of {shown(resource)} have one part, and each of these names asks for two"
            hint = "Write the first part alone, without what follows the /."
        else:
            message = f"{shown(resource)} has no names, so nothing of it would be allowed"
            hint = "Put it into a permission of its own, without names."
        yield _problem(f"{place}.resources[{i}]", message, hint)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(shown(word) for word in words)


def _once(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _problem(place: str, message: str, hint: str = "") -> Problem:
    return Problem(place=place, message=message, hint=hint)
