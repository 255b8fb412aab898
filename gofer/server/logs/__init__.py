"""Logs: one file an attempt, captured, numbered, followed, read, downloaded and expired. See docs/logs.md."""
