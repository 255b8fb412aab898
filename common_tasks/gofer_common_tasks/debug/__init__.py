"""The common task that prints everything it gets: to see what others would get."""

from gofer_common_tasks.debug.main import main

__all__ = ["main"]
