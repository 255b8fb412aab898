"""Gofer's own log: one line a message, on stderr."""

from __future__ import annotations

import logging
import sys
from typing import Any

# structlog's printer for consoles, not used here, would load rich: slower to load than all the rest of the log.
_RICH = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _RICH is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _RICH


def get_logger(name: str) -> Any:
    """A logger that takes `event, **fields`; import it from here, not from structlog."""
    return structlog.get_logger(name)


def set_up(level: str) -> None:
    """Called once by the process that serves. `level`: debug, info, warning or error."""
    number = logging.getLevelName(level.upper())
    logging.basicConfig(
        stream=sys.stderr, level=max(number, logging.WARNING), format="%(levelname)s %(name)s: %(message)s"
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
