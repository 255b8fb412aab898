"""`gofer` and `python -m gofer`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end with its exit code."""
    from gofer.cli.main import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
