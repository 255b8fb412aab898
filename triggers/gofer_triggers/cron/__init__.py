"""The trigger `cron`."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Be the program: `gofer builtin trigger cron`, or `python -m gofer_triggers.cron`."""
    from gofer_triggers.cron.trigger import Cron

    Cron.main()
