"""Notifiers: common tasks that run when a run has ended, and tell of it."""
