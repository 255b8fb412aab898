"""A web server that cannot begin is an error of the start, and does not leave it waiting."""

from __future__ import annotations

import asyncio

import pytest

from gofer.config.live import Live
from gofer.config.settings import Settings
from gofer.server.limits.refusals import Refusals
from gofer.server.web import WebServer


async def test_what_it_dies_of_before_it_listens_is_raised() -> None:
    async def dies() -> None:
        raise OSError("no room to unpack")

    async def app(*_: object) -> None: ...

    serving = asyncio.create_task(dies())
    with pytest.raises(OSError, match="no room to unpack"):
        await WebServer(app, Live.fixed(Settings()), None, Refusals()).listens(serving)
