"""`gofer` and `python -m gofer`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end with its exit code."""
    # Starting makes much and throws little away: to look for garbage as often as usual takes a sixth of the time.
    gc.set_threshold(50_000, 10, 10)
    from gofer.cli.main import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
