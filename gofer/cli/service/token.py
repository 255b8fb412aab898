"""`gofer service token …`"""

from __future__ import annotations

from gofer.cli.base import Command, Entry, Group


def _bootstrap() -> Command:
    from gofer.cli.service.bootstrap import bootstrap

    return bootstrap


token = Group(
    "token",
    help="The token with which everything begins.",
    table={"bootstrap": Entry("Make the root token, on the server's machine.", _bootstrap)},
)
