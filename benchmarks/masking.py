"""Capture into a log that hides secrets, beside the same into one that hides none: the logs' part alone."""

from __future__ import annotations

import random
import string
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.host import work_folder
from gofer.engines.scheduler.base import Chunk
from gofer.server.clock import Clock
from gofer.server.logs.logs import LogId, Logs
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_forms import forms

_LOG = LogId("default", "bench", 1, "task", 1)
_ROUNDS = 7
_CHUNK = 64 * 1024
_LETTERS = string.ascii_letters + string.digits


async def masking() -> list[Figure]:
    """Lines without a secret, with one in a thousand, and with one in each; then single lines as they come."""
    values = _values()
    lines = ["x" * 99] * 6_000
    rare = [
        values[number % 20].join(("x" * 29, "x" * 30)) if number % 1_000 == 0 else line
        for number, line in enumerate(lines)
    ]
    dense = [values[number % 20].join(("x" * 29, "x" * 30)) for number in range(6_000)]
    found = len(forms(values))
    return [
        await _figure("capture with 20 secrets, 100-byte lines", lines, values, 60, _CHUNK, 0.5, f"{found} forms"),
        await _figure("the same, each line by itself", lines, values, 2, 100, 0.5),
        await _figure("the same, a secret in every 1000th line", rare, values, 60, _CHUNK, None),
        await _figure("the same, a secret in every line", dense, values, 6, _CHUNK, None),
    ]


def _values() -> list[str]:
    source = random.Random(1)
    values = ["".join(source.choices(_LETTERS, k=40)) for _ in range(20)]
    key = ["".join(source.choices(_LETTERS + "+/", k=64)) for _ in range(26)]
    return [*values, "\n".join(["-----BEGIN PRIVATE KEY-----", *key, "dGhlIGVuZA==", "-----END PRIVATE KEY-----", ""])]


async def _figure(
    name: str, lines: list[str], values: list[str], times: int, chunk: int, least: float | None, note: str = ""
) -> Figure:
    """`times` the lines in chunks of so many bytes; `least`: the share of the unmasked rate that is to be kept."""
    text = "".join(line + "\n" for line in lines).encode()
    masks = Masks(values)
    masks.compile()
    bare = masked = 0.0
    for _ in range(_ROUNDS):
        bare = max(bare, await _rate(text, times, chunk, Masks(())))
        masked = max(masked, await _rate(text, times, chunk, masks))
    share = masked / bare
    return Figure(
        name,
        f"{bare:.0f} MB/s without secrets",
        f"≥ {least:.0%} of that" if least else "",
        f"{masked:.0f} MB/s, {share:.0%}",
        least is None or share >= least,
        f"{len(text) * times / 1e6:.0f} MB a round, best of {_ROUNDS}" + (f"; {note}" if note else ""),
    )


async def _rate(text: bytes, times: int, chunk: int, masks: Masks) -> float:
    """Megabytes of the source a second."""

    async def chunks() -> AsyncIterator[Chunk]:
        for _ in range(times):
            for begin in range(0, len(text), chunk):
                yield Chunk("stdout", text[begin : begin + chunk], 1)

    with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
        logs = Logs(Path(folder), Clock())
        await logs.open()
        logs.protect(_LOG, masks)
        before = time.perf_counter()
        await logs.capture(_LOG, chunks())
        took = time.perf_counter() - before
        await logs.finish(_LOG)
        await logs.close()
    return len(text) * times / took / 1e6
