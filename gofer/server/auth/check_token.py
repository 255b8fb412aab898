"""What a token that is to be made or changed must be like."""

from __future__ import annotations

import re
from collections.abc import Callable

from gofer.errors import InvalidInput, Problem
from gofer.models.access import CreateToken
from gofer.models.ids import shown
from gofer.server.auth.system_roles import RUN

MAX_DESCRIPTION = 256
MAX_ENTRIES = 100
DAY = 86_400_000
MAX_EXPIRY = 3_660 * DAY
MAX_GRACE = 30 * DAY

_NAMESPACE = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_*-]{0,63}\Z")


def check_new(wanted: CreateToken, is_role: Callable[[str], bool]) -> None:
    """`is_role`: whether there is a role of that id. Raises InvalidInput with everything that is wrong."""
    found = [*_description(wanted.description), *_expiry(wanted.expires_in)]
    if wanted.kind == "management":
        for place in ("namespaces", "roles"):
            if getattr(wanted, place):
                hint = "Leave them out, or make a token of the kind client."
                found.append(_problem(place, "is for clients: a management token may do everything", hint))
    else:
        found += [*_namespaces(wanted.namespaces), *_roles(wanted.roles, is_role)]
    refuse(found)


def check_description_of(text: str) -> list[Problem]:
    """What is wrong with a description."""
    return _description(text)


def check_description(text: str) -> None:
    """Raises InvalidInput."""
    refuse(_description(text))


def check_grace(grace: int) -> None:
    """Raises InvalidInput."""
    if not 0 <= grace <= MAX_GRACE:
        refuse([_problem("grace", f"must be from 0 to {MAX_GRACE} milliseconds (30 days), not {grace}")])


def refuse(problems: list[Problem]) -> None:
    """Raises InvalidInput if there are any."""
    if problems:
        raise InvalidInput(f"{problems[0].place} {problems[0].message}", problems[0].hint, problems)


def _description(text: str) -> list[Problem]:
    if len(text) > MAX_DESCRIPTION:
        return [_problem("description", f"has {len(text)} characters; {MAX_DESCRIPTION} are allowed")]
    if not text.isprintable():
        return [_problem("description", "has characters that cannot be shown", "Write one line of plain text.")]
    return []


def _expiry(expires_in: int | None) -> list[Problem]:
    if expires_in is None or 0 < expires_in <= MAX_EXPIRY:
        return []
    hint = "Leave it out for a token that does not expire."
    return [_problem("expires_in", f"must be from 1 to {MAX_EXPIRY} milliseconds, not {expires_in}", hint)]


def _namespaces(patterns: list[str]) -> list[Problem]:
    hint = 'Name at least one: an id, a pattern such as "team-*", or "*" for all of them.'
    if not patterns:
        return [_problem("namespaces", "is empty: the token could do nothing", hint)]
    if len(patterns) > MAX_ENTRIES:
        return [_problem("namespaces", f"has {len(patterns)} entries; {MAX_ENTRIES} are allowed")]
    return [
        _problem(f"namespaces[{i}]", f"{shown(pattern)} can match no namespace", hint)
        for i, pattern in enumerate(patterns)
        if _NAMESPACE.match(pattern) is None
    ] + _twice("namespaces", patterns)


def _roles(roles: list[str], is_role: Callable[[str], bool]) -> list[Problem]:
    hint = "List them with: gofer role list."
    if not roles:
        return [_problem("roles", "is empty: the token could do nothing", hint)]
    if len(roles) > MAX_ENTRIES:
        return [_problem("roles", f"has {len(roles)} entries; {MAX_ENTRIES} are allowed")]
    found = []
    for i, role in enumerate(roles):
        if role == RUN:
            found.append(_problem(f"roles[{i}]", f'"{RUN}" is what a task has: no other token can have it', hint))
        elif not is_role(role):
            found.append(_problem(f"roles[{i}]", f"there is no role {shown(role)}", hint))
    return found + _twice("roles", roles)


def _twice(place: str, entries: list[str]) -> list[Problem]:
    return [
        _problem(f"{place}[{i}]", f"{shown(entry)} stands there twice", "Leave one out.")
        for i, entry in enumerate(entries)
        if entry in entries[:i]
    ]


def _problem(place: str, message: str, hint: str = "") -> Problem:
    return Problem(place=place, message=message, hint=hint)
