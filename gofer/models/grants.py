"""Permissions of a role in one line: `RESOURCES:ACTIONS`, or `RESOURCES:ACTIONS@NAMES`, each a list with commas.

`runs,logs:read,run` is reading and running on runs and logs; `secrets:read,write@nightly/*` the secrets of the pipeline
`nightly`.
"""

from __future__ import annotations

from gofer.models.access import Grant, WantedGrant


def parse_grant(text: str) -> WantedGrant | None:
    """What the line says, not yet looked at closer; None where it has not the form."""
    rights, at, names = text.partition("@")
    resources, colon, actions = rights.partition(":")
    if not colon or (at and not names):
        return None
    return WantedGrant(resources=_words(resources), actions=_words(actions), names=_words(names) if at else [])


def written(grant: Grant) -> str:
    """The line for a permission."""
    rights = f"{','.join(grant.resources)}:{','.join(grant.actions)}"
    return f"{rights}@{','.join(grant.names)}" if grant.names else rights


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
