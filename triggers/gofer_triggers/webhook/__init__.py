"""Starts runs when any service sends a request: docs/triggers/webhook.md."""

from __future__ import annotations

from gofer_triggers.webhook.trigger import main

__all__ = ["main"]
