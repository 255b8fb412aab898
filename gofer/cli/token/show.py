"""Tokens in words."""

from __future__ import annotations

from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock, now
from gofer.models.access import Token, state_of


def told(token: Token) -> str:
    """`token tok-4f7k2m9qx1: viewer in team-*, until 2031-04-05 06:07:08`."""
    what = "management, may do everything"
    if token.kind == "client":
        what = f"{', '.join(token.roles)} in {', '.join(token.namespaces)}"
    until = "" if token.expires_at is None else f", until {clock(token.expires_at)}"
    return f"token {token.id}: {plain(what)}{until}"


def fields(token: Token) -> list[tuple[str, str]]:
    """Everything that is known of it, by name."""
    used = f"{ago(token.last_used_at)} from {plain(token.last_used_from)}" if token.last_used_at else "never"
    rows = [
        ("token", token.id),
        ("kind", "management (root)" if token.root else token.kind),
        ("state", state_of(token, now())),
        ("description", plain(token.description)),
        ("namespaces", plain(", ".join(token.namespaces))),
        ("roles", plain(", ".join(token.roles))),
        ("created", clock(token.created_at)),
        ("created by", plain(token.created_by)),
        ("expires", clock(token.expires_at) or "never"),
        ("disabled", clock(token.disabled_at)),
        ("rotated", clock(token.rotated_at)),
        ("old text until", clock(token.previous_until)),
        ("last used", used),
    ]
    return [(name, value) for name, value in rows if value]
