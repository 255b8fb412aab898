"""Logs whose masks hide something: what is in the file, where to go on, what readers get."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.engines.scheduler.base import Chunk, Position
from gofer.errors import EngineUnavailable
from gofer.models.log import Stream
from gofer.server.clock import Clock
from gofer.server.logs import folder
from gofer.server.logs.folder import log_path
from gofer.server.logs.logs import Logs, LogSize
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_steps import ENTRY
from gofer.server.logs.record import STREAMS
from tests.unit.logs.masked import masked, outputs, secrets
from tests.unit.logs.reading import AT, LOG, as_chunks, joined, printed, shown, still_open, write

SWORDFISH = Masks(["swordfish"])


async def reopened(root: Path, masks: Masks = SWORDFISH) -> Logs:
    logs = Logs(root, Clock())
    await logs.open()
    logs.protect(LOG, masks)
    return logs


def side_file(logs: Logs) -> Path:
    return log_path(logs.root, LOG).with_suffix(".masked")


async def test_a_secret_is_in_no_file_and_the_size_is_that_of_the_file(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    await logs.note(LOG, "no login with swordfish")
    given: list[tuple[Stream, bytes]] = [("stdout", b"a sword"), ("stderr", b"sword"), ("stdout", b"fish.\nb\n")]
    assert await logs.capture(LOG, as_chunks(given)) == LogSize(4, len(b"a ***.\nb\nsword"))
    assert await logs.position(LOG) == Position(len(b"a swordfish.\nb\n"), 5)
    await logs.finish(LOG)
    for path in log_path(logs.root, LOG).parent.iterdir():
        assert b"swordfish" not in path.read_bytes()
    assert [line.text for line in shown(log_path(logs.root, LOG).read_bytes())] == [
        "gofer: no login with ***", "a ***.", "b", "sword",
    ]  # fmt: skip


async def test_masks_end_with_their_log_and_logs_without_any_have_no_side_file(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    await write(logs, [("stdout", b"nothing to hide\n")])
    assert not side_file(logs).exists()
    path = await write(logs, [("stdout", b"swordfish\n")])
    assert printed(path.read_bytes(), "stdout") == b"nothing to hide\nswordfish\n"


async def test_the_side_file_is_private_and_goes_with_the_log(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    await write(logs, [("stdout", b"swordfish\n")])
    assert side_file(logs).stat().st_mode & 0o777 == 0o600
    assert folder.holds_only_logs(logs.root, LOG.namespace, LOG.pipeline)
    await logs.delete_runs(LOG.namespace, LOG.pipeline, [LOG.run])
    assert not side_file(logs).exists()


async def test_a_prompt_appears_and_only_a_possible_beginning_waits(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    answer = asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk("stdout", b"Password? sw", AT)
        await answer.wait()
        yield Chunk("stdout", b"ift\n", AT)

    capturing = asyncio.create_task(logs.capture(LOG, chunks()))
    async for frame in logs.follow(LOG, 1, None, still_open):
        assert '"Password? ",true]' in frame
        break
    assert await logs.position(LOG) == Position(10, 0)
    answer.set()
    await capturing
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == b"Password? swift\n"


async def test_followers_pages_and_downloads_of_a_masked_log(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    given: list[tuple[Stream, bytes]] = [("stdout", b"%d swordfish\n" % number) for number in range(9_000)]
    following = asyncio.create_task(anext(logs.follow(LOG, 8_999, None, still_open)))
    await write(logs, given)
    assert [line.text for line in joined([await following])] == ["8998 ***", "8999 ***"]
    page = await logs.read(LOG, -2, 10, None, complete=True)
    assert [(line.number, line.text) for line in page.lines] == [(8_999, "8998 ***"), (9_000, "8999 ***")]
    raw = b"".join([piece async for piece in logs.raw(LOG, timestamps=False, stream="stdout")])
    assert raw == b"".join(data for _, data in given).replace(b"swordfish", b"***")


async def test_an_engine_that_breaks_off_within_a_secret_is_asked_for_all_of_it(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    output = b"a swordfish, swordfish. swordfis\n" * 50

    async def chunks(since: Position, size: int) -> AsyncIterator[Chunk]:
        yield Chunk("stdout", output[since.stdout :][:size], AT)
        raise EngineUnavailable("gone")

    for size in (1, 4, 8, 2, 9, 30, 100, 7):
        with pytest.raises(EngineUnavailable):
            await logs.capture(LOG, chunks(await logs.position(LOG), size))
    since = await logs.position(LOG)
    await logs.capture(LOG, as_chunks([("stdout", output[since.stdout :])]))
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == output.replace(b"swordfish", b"***")


async def test_a_secret_without_an_end_streams_and_ends(logs: Logs) -> None:
    logs.protect(LOG, Masks(["aaaa"]))
    done = asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        for _ in range(20):
            yield Chunk("stdout", b"a" * 50_000, AT)
        async with asyncio.timeout(60):
            # What may be the beginning of another one, and what the encoder holds back for its newline, has to wait.
            while await logs.position(LOG) != Position(1_000_000 - 3, 0):
                await asyncio.sleep(0.005)
        done.set()
        yield Chunk("stdout", b"aa b\n", AT)

    await logs.capture(LOG, chunks())
    assert done.is_set()
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == b"*** b\n"
    assert side_file(logs).stat().st_size < 1_000


async def test_a_log_whose_secrets_are_known_no_more_goes_on_at_the_right_byte(logs: Logs) -> None:
    logs.protect(LOG, SWORDFISH)
    await logs.capture(LOG, as_chunks([("stdout", b"a swordfish\n"), ("stderr", b"b")]))
    await logs.close()
    logs = await reopened(logs.root, Masks(()))
    assert await logs.position(LOG) == Position(12, 1)
    await logs.capture(LOG, as_chunks([("stdout", b"c\n")]))
    await logs.close()
    logs = await reopened(logs.root, Masks(()))
    assert await logs.position(LOG) == Position(14, 1)
    await logs.close()


async def test_masks_that_come_late_hide_what_comes_then(logs: Logs) -> None:
    await logs.capture(LOG, as_chunks([("stdout", b"sword swordfish\n")]))
    logs.protect(LOG, SWORDFISH)
    await logs.capture(LOG, as_chunks([("stdout", b"swordfish\n")]))
    assert await logs.position(LOG) == Position(26, 0)
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == b"sword swordfish\n***\n"


@pytest.mark.parametrize("kept", [0, 1, 7, 19])
async def test_entries_that_a_power_cut_took_lead_nowhere_wrong(logs: Logs, kept: int) -> None:
    """The log goes back to where it is known what its `***` stand for, and is read again from there."""
    logs.protect(LOG, SWORDFISH)
    output = b"".join(b"%d ***\n%d swordfish\n" % (number, number) for number in range(10))
    for half in (output[:90], output[90:]):
        await logs.capture(LOG, as_chunks([("stdout", half), ("stderr", b"words\n")]))
    await logs.note(LOG, "a note with ***")
    await logs.close()
    path = log_path(logs.root, LOG)
    os.truncate(side_file(logs), kept * ENTRY // 2)
    before = path.stat().st_size
    os.utime(path, (0, 0))
    logs = await reopened(logs.root)
    since = await logs.position(LOG)
    assert path.stat().st_size <= before
    given: list[tuple[Stream, bytes]] = [
        ("stdout", output[since.stdout :]),
        ("stderr", b"words\nwords\n"[since.stderr :]),
    ]
    await write(logs, given)
    assert printed(path.read_bytes(), "stdout") == output.replace(b"swordfish", b"***")
    assert printed(path.read_bytes(), "stderr") == b"words\nwords\n"
    await logs.close()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_left_of_the_file_it_goes_on_with_the_right_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The file is cut anywhere, as by a sudden end while it was written; the side file was written first."""
    values = data.draw(secrets())
    output = {name: data.draw(outputs(values)) for name in STREAMS}

    async def chunks(since: Position) -> AsyncIterator[Chunk]:
        left = {name: output[name][at:] for name, at in zip(STREAMS, since, strict=True)}
        while any(left.values()):
            name = data.draw(st.sampled_from([name for name in STREAMS if left[name]]))
            size = data.draw(st.integers(1, 40))
            yield Chunk(name, left[name][:size], AT)
            left[name] = left[name][size:]
            if data.draw(st.integers(0, 9)) == 0:
                await asyncio.sleep(0)

    async def work() -> None:
        root = tmp_path_factory.mktemp("logs")
        for _ in range(3):
            logs = await reopened(root, Masks(values))
            await logs.capture(LOG, chunks(await logs.position(LOG)))
            await logs.close()
            path = log_path(root, LOG)
            if path.exists():
                with path.open("r+b") as file:
                    file.truncate(data.draw(st.integers(0, path.stat().st_size)))
        logs = await reopened(root, Masks(values))
        await logs.capture(LOG, chunks(await logs.position(LOG)))
        await logs.finish(LOG)
        content = path.read_bytes() if (path := log_path(root, LOG)).exists() else b""
        for name in STREAMS:
            assert printed(content, name) == masked(values, output[name])
        await logs.close()

    asyncio.run(work())
