"""Starts runs when something happens in a repository on GitHub: docs/triggers/github.md."""

from __future__ import annotations

from gofer_triggers.github.trigger import main

__all__ = ["main"]
