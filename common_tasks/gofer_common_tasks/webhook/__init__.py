"""The common task `webhook`: see docs/common-tasks.md."""

from gofer_common_tasks.webhook.main import main

__all__ = ["main"]
