"""`gofer service config …`: the table of its commands."""

from __future__ import annotations

from gofer.cli.base import Command, Entry, Group


def _check() -> Command:
    from gofer.cli.service.config.check import check

    return check


def _show() -> Command:
    from gofer.cli.service.config.show import show

    return show


config = Group(
    "config",
    help="Check the server's configuration, and show what holds.",
    table={
        "check": Entry("Say everything that is wrong with the configuration, and what is doubtful.", _check),
        "show": Entry("Show the value of every setting, and where it comes from.", _show),
    },
)
