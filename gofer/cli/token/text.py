"""Printing the text of a new token: once, alone on stdout."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from gofer.models.access import NewToken

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


def check_is_shown(invocation: Invocation) -> None:
    """To be called before the token is made. Raises click.UsageError where nothing would be printed."""
    if invocation.output.format == "silent":
        message = "--format silent would lose the token: its text can be printed this once only"
        raise click.UsageError(message, click.get_current_context())
    if sys.stdout.name == os.devnull:  # in place of a closed one
        raise click.UsageError("stdout is closed: the text of the token can be printed this once only")


def show_text(invocation: Invocation, made: NewToken, *notes: str) -> None:
    """The text on stdout, so that a script can catch it; `notes` on stderr. Raises OSError where it cannot be written,
    and says what to do about the token, which is there."""
    from gofer.cli.token.show import told

    try:
        invocation.output.show(made, lambda: [made.secret])
        invocation.output.flush()
    except OSError:
        again = "gofer service token bootstrap --again" if made.token.root else f"gofer token rotate {made.token.id}"
        invocation.output.warn(f"nobody has the text of {told(made.token)}. For another one: {again}")
        raise
    for warning in made.warnings:
        invocation.output.warn(warning)
    for note in (f"{told(made.token)}. Its text is shown this once: the server keeps a digest of it only.", *notes):
        invocation.output.note(note)
