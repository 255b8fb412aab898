"""The one-file program brings the time zones along, for machines that have none."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from gofer_sdk.testing.gofer_side import GoferSide

PATIENCE = 30


async def test_cron_knows_the_zones_where_the_machine_has_none(program: Path, tmp_path: Path) -> None:
    async with GoferSide(tmp_path, name="cron") as side:
        environ = {**os.environ, **side.environment(), "PYTHONTZPATH": "/nowhere"}
        process = await asyncio.create_subprocess_exec(program, "builtin", "trigger", "cron", env=environ)
        try:
            peer = await side.connection(PATIENCE)
            await peer.request("configure", settings={"timezone": "America/Argentina/Buenos_Aires"})
            for zone in ("", "Europe/Berlin", "UTC"):
                settings = {"expression": "0 12 * * *", "timezone": zone}
                where = {"namespace": "default", "pipeline": "p", "label": "l", "created_at": 1_893_456_000_000}
                await peer.request("subscribe", subscription=f"in {zone}", settings=settings, **where)
            await peer.request("ready")
            noons = [
                (await peer.request("next", subscription=f"in {zone}", count=1))["times"][0] // 3_600_000 % 24
                for zone in ("", "UTC")
            ]
            assert noons == [15, 12]
            await peer.request("shutdown", timeout=5_000)
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
