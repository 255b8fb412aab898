"""`gofer` and `python -m gofer`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end with its exit code."""
    arguments = sys.argv[1:]
    if getattr(sys, "frozen", False):
        from gofer.frozen.begin import begin, begin_living

        begin()
        if arguments != ["--version"]:
            begin_living()
        if arguments[:1] == ["python"] and arguments[1:] not in (["-h"], ["--help"]):
            from gofer.frozen.interpreter import run as run_python

            sys.exit(run_python(arguments[1:]))
    if arguments[:1] == ["process-nursery"]:
        # Not for people: the process engine of a frozen Gofer starts its helper so.
        from gofer.engines.scheduler.process_nursery import main as serve

        serve(arguments[1])
    # Starting makes much and throws little away: to look for garbage as often as usual takes a sixth of the time.
    gc.set_threshold(200_000, 10, 10)
    from gofer.cli.main import main as run

    code = run()
    if getattr(sys, "frozen", False):
        from gofer.frozen.process import leave

        leave(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
