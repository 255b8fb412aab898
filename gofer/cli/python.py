"""`gofer python`"""

from __future__ import annotations

from typing import NoReturn

import click

from gofer.cli.base import Command

_AS_GIVEN = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["-h", "--help"]}


@click.command(
    "python",
    cls=Command,
    context_settings=_AS_GIVEN,
    examples=["gofer python pipeline.py", "gofer python -c 'import gofer_sdk; help(gofer_sdk.Task)'"],
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def python(arguments: tuple[str, ...]) -> NoReturn:
    """Run Python as pipelines are run: Gofer's own, with the SDK.

    ARGUMENTS as for python3: a file, -m MODULE, -c CODE, - for standard input, or nothing for a prompt.
    """
    import os
    import sys

    from gofer.cli.interpreter import with_sdk

    # The one-file program never comes here: `__main__` knows the word, as signals and output are then Python's own.
    os.execve(sys.executable, [sys.executable, *arguments], with_sdk(os.environ))  # noqa: S606  # what is asked for
