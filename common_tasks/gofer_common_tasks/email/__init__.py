"""The common task `email`: see docs/common-tasks.md."""

from gofer_common_tasks.email.main import main

__all__ = ["main"]
