"""Counts what was refused or cut off, by reason."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "malformed",
    "header_too_large",
    "header_timeout",
    "body_too_large",
    "body_timeout",
    "frame_too_large",
    "slow_reader",
    "slow_writer",
    "connections",
    "connections_per_token",
    "subscriptions_per_token",
    "auth_failed",
    "rate_limited",
    "host",
    "origin",
    "csrf",
]

REASONS: tuple[Reason, ...] = get_args(Reason)


class Refusals:
    """How often each reason has held since the server began."""

    def __init__(self) -> None:
        self.counts: dict[Reason, int] = dict.fromkeys(REASONS, 0)

    def note(self, reason: Reason) -> None:
        """Once more."""
        self.counts[reason] += 1
