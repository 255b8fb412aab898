"""The trigger `pipeline`."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Be the program: `gofer builtin trigger pipeline`, or `python -m gofer_triggers.pipeline`."""
    from gofer_triggers.pipeline.trigger import Pipeline

    Pipeline.main()
