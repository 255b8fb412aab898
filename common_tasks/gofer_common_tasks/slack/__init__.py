"""The common task `slack`: see docs/common-tasks.md."""

from gofer_common_tasks.slack.main import main

__all__ = ["main"]
