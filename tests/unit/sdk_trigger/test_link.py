"""What the ends of a connection do to who reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gofer_sdk.testing.gofer_side import GoferSide
from gofer_sdk.trigger.dial import Address, dial
from gofer_sdk.trigger.frames import MAX_FRAME_BYTES, encode
from gofer_sdk.trigger.link import Link


async def test_a_ping_that_cannot_be_answered_any_more_is_the_end_and_no_error(tmp_path: Path) -> None:
    async with GoferSide(tmp_path, name="t") as side:
        socket = await dial(Address(name="t", url="ws://localhost/", secret=side.secret, socket=str(side.socket)))
        link = Link(socket, lambda _link, _request: None)
        while not side.peers:
            await asyncio.sleep(0)
        gofer = side.peers[0].websocket
        for number in range(1, 10):
            await gofer.send(encode({"id": number, "kind": "ping"}, MAX_FRAME_BYTES))
        gofer.transport.abort()
        # They have all come before the connection ended, and are read only now.
        await socket.wait_closed()
        await asyncio.wait_for(link.read(), 10)
