"""Files from task to task, and from run to run."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gofer.config.settings import ObjectStoreSettings
from gofer.errors import Unavailable
from gofer.models.manifest import Cache, Input, Output, Parameter
from gofer.models.object import Object
from gofer.models.status import RunStatus
from gofer.server.objects.place import Place
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, retries, task

TAR = "application/x-tar"


async def put(scene: Scene, key: str, data: bytes, run: int | None = None, content_type: str = "text/plain") -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    place = Place(NAMESPACE, PIPELINE, run)
    await scene.services.objects.put(place, key, chunks(), content_type=content_type, force=True)


async def get(scene: Scene, key: str, run: int | None = None) -> tuple[str, bytes]:
    """Content type and bytes of an object."""
    objects = scene.services.objects
    found = await objects.find(Place(NAMESPACE, PIPELINE, run), key)
    return found.content_type, b"".join([piece async for piece in objects.read(found)])


def tar(**files: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def untar(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]


def output(key: str, path: str) -> list[Output]:
    return [Output(key=key, path=path)]


def given(key: str, path: str, level: Any = "run") -> list[Input]:
    return [Input(key=key, path=path, level=level)]


def cache(key: str, *paths: str) -> list[Cache]:
    return [Cache(key=key, paths=list(paths))]


async def only(scene: Scene, run: int, name: str = "a") -> Any:
    await scene.ended(run)
    return await scene.task(run, name)


async def test_a_file_from_one_task_to_the_next(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "out/report.html", "<p>", outputs=output("report", "out/report.html")),
        task("b", "show", "in/it", after="a", inputs=given("report", "in/it")),
    )
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    log = await scene.log(run, "b")
    assert log[0].startswith("gofer: input report: 3B placed at in/it in ")
    assert log[1:] == ["<p>"]
    assert (await scene.log(run, "a"))[0].startswith("gofer: output report: 3B of out/report.html kept in ")
    assert await get(scene, "report", run) == ("text/html", b"<p>")
    found = await scene.services.objects.find(Place(NAMESPACE, PIPELINE, run), "report")
    assert found.created_by == f"run {run}, task a"


async def test_a_folder_from_one_task_to_the_next(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "out/x", "1", "write", "out/d/y", "2", outputs=output("all", "out")),
        task("b", "show", "in/x", "show", "in/d/y", after="a", inputs=given("all", "in")),
    )
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert (await scene.log(run, "b"))[1:] == ["12"]
    content_type, data = await get(scene, "all", run)
    assert (content_type, untar(data)) == (TAR, {"x": b"1", "d/y": b"2"})


async def test_a_file_that_is_an_archive_stays_a_file(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "x.tar", "no archive", outputs=output("x", "x.tar")),
        task("b", "show", "y", after="a", inputs=given("x", "y")),
    )
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert await get(scene, "x", run) == ("application/octet-stream", b"no archive")


async def test_objects_that_somebody_has_put(scene: Scene) -> None:
    await scene.register(
        task("w", "gate"),
        task(
            "a",
            *("show", "one", "show", "all/x"),
            after="w",
            inputs=given("one", "one", "pipeline") + given("all", "all"),
        ),
    )
    await put(scene, "one", b"of the pipeline, ")
    run = await scene.start()
    await put(scene, "all", tar(x=b"of the run"), run, f"{TAR}; charset=binary")
    await scene.release(run, "w")
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert (await scene.log(run, "a"))[-1] == "of the pipeline, of the run"


async def test_a_matrix_writes_objects_of_its_own(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "o", "x", matrix={"v": ["3.11", "3.12"]}, outputs=output("o-matrix{{v}}", "o")),
        task("b", "show", "o", after="a", inputs=given("o-3-12", "o")),
    )
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    page = await scene.services.objects.list(Place(NAMESPACE, PIPELINE, run), None, 10)
    assert [item.key for item in page.items] == ["o-3-11", "o-3-12"]


async def test_an_object_that_is_not_there_fails_the_task_before_its_start_and_for_good(scene: Scene) -> None:
    await scene.register(task("a", inputs=given("nothing", "in"), retries=retries(3)))
    found = await only(scene, await scene.start())
    assert (found.status, found.reason, len(found.attempts)) == ("failed", "input_failed", 1)
    assert '"nothing"' in found.detail
    assert scene.world.starts == {}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"no archive at all", "ends too soon"),
        (tar(**{"../x": b"out"}), "leads out of the folder"),
        (tar(**{"/etc/passwd": b"out"}), "absolute name"),
        (tar(x=b"") + b"\1", "follows its end"),
    ],
)
async def test_a_hostile_archive_is_never_unpacked(scene: Scene, data: bytes, word: str) -> None:
    await scene.register(task("a", inputs=given("evil", "in", "pipeline"), retries=retries(1)))
    await put(scene, "evil", data, content_type=TAR)
    run = await scene.start()
    found = await only(scene, run)
    assert (found.status, found.reason, len(found.attempts)) == ("failed", "input_failed", 2)
    assert word in found.detail
    assert ".. " not in "".join(await scene.log(run, "a"))
    assert '"evil"' in found.detail
    assert scene.world.starts == {}


async def test_what_is_too_much_is_not_unpacked(house: House) -> None:
    async with house.open(object_store=ObjectStoreSettings(max_archive_files=2)) as scene:
        await scene.register(task("a", inputs=given("many", "in", "pipeline")))
        await put(scene, "many", tar(x=b"", y=b"", z=b""), content_type=TAR)
        found = await only(scene, await scene.start())
        assert (found.reason, "more than 2 files" in found.detail) == ("input_failed", True)


async def test_a_missing_output_fails_a_successful_task_and_is_tried_again(scene: Scene) -> None:
    both = output("there", "there") + output("nothing", "out/nothing") + output("also", "there")
    await scene.register(task("a", "write", "there", "x", outputs=both, retries=retries(1)))
    run = await scene.start()
    found = await only(scene, run)
    assert (found.status, found.reason, len(found.attempts)) == ("failed", "output_missing", 2)
    assert (found.exit_code, "/out/nothing" in found.detail) == (0, True)
    assert (await get(scene, "there", run))[1] == (await get(scene, "also", run))[1] == b"x"


async def test_outputs_of_a_failed_task_are_kept_and_its_reason_too(scene: Scene) -> None:
    both = output("report", "report") + output("nothing", "nothing")
    await scene.register(task("a", "write", "report", "why", "exit", "3", outputs=both))
    run = await scene.start()
    found = await only(scene, run)
    assert (found.status, found.reason, found.exit_code) == ("failed", "exit_code", 3)
    assert (await get(scene, "report", run))[1] == b"why"
    assert any("output nothing: there is no" in line for line in await scene.log(run, "a"))


async def test_outputs_of_a_task_whose_time_was_up_are_kept(scene: Scene) -> None:
    await scene.register(task("a", "write", "report", "so far", "hang", timeout="200ms", outputs=output("r", "report")))
    run = await scene.start()
    found = await only(scene, run)
    assert (found.status, found.reason) == ("failed", "timeout")
    assert (await get(scene, "r", run))[1] == b"so far"


async def test_nothing_is_kept_of_what_was_cancelled_or_lost(scene: Scene) -> None:
    lost = task("lost", "write", "o", "x", "vanish", outputs=output("lost", "o"))
    await scene.register(task("a", "write", "o", "x", "hang", outputs=output("cancelled", "o")), lost)
    run = await scene.start()
    await scene.until("taskrun.ended", run, "lost")
    await scene.until("taskrun.running", run, "a")
    await scene.cancel(run)
    await scene.ended(run)
    assert (await scene.task(run, "lost")).reason == "lost"
    assert (await scene.services.objects.list(Place(NAMESPACE, PIPELINE, run), None, 10)).items == []


async def test_an_output_that_is_too_large(house: House) -> None:
    async with house.open(object_store=ObjectStoreSettings(max_object_bytes=1024)) as scene:
        await scene.register(
            task("a", "write", "o", "x" * 1025, outputs=output("o", "o")),
            task("b", "write", "d/o", "x" * 600, "write", "d/p", "x" * 600, outputs=output("p", "d")),
        )
        run = await scene.start()
        for name in "ab":
            found = await only(scene, run, name)
            assert (found.reason, "max_object_bytes" in found.detail) == ("output_failed", True)
        assert (await scene.services.objects.list(Place(NAMESPACE, PIPELINE, run), None, 10)).items == []


async def test_the_last_attempt_overwrites(scene: Scene) -> None:
    words = ["variable", "GOFER_ATTEMPT", "write", "o", "same", "exit", "1"]
    await scene.register(task("a", *words, outputs=output("o", "o"), retries=retries(2)))
    run = await scene.start()
    found = await only(scene, run)
    assert (found.reason, len(found.attempts)) == ("exit_code", 3)
    assert (await get(scene, "o", run))[1] == b"same"


async def test_values_that_make_no_key(scene: Scene) -> None:
    await scene.register(
        task("a", outputs=output("x-param{{p}}", "out")),
        parameters=[Parameter(name="p")],
    )
    run = await scene.start(p="y" * 100)
    found = await only(scene, run)
    assert (found.reason, "is not the key of an object" in found.detail) == ("interpolation_failed", True)
    assert scene.world.starts == {}


async def test_a_value_cannot_lead_out_of_a_path(scene: Scene) -> None:
    await scene.register(
        task("a", outputs=output("x", "out/param{{p}}")),
        parameters=[Parameter(name="p")],
    )
    found = await only(scene, await scene.start(p="../../etc"))
    assert (found.reason, '".." parts' in found.detail) == ("interpolation_failed", True)


class Moody:
    """An object service that cannot work for a while."""

    def __init__(self, objects: Any, failures: int) -> None:
        self._objects = objects
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._objects, name)
        if name == "read":
            return method

        @asynccontextmanager
        async def held(*arguments: Any) -> AsyncIterator[Object]:
            self._fail()
            async with method(*arguments) as found:
                yield found

        async def call(*arguments: Any, **options: Any) -> Any:
            self._fail()
            return await method(*arguments, **options)

        return held if name == "held" else call

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("the disk is full")


def moody(scene: Scene, failures: int) -> Moody:
    """From now on the runs' object service fails so often."""
    context = scene.services.runs._context
    wrapped = Moody(context.objects, failures)
    object.__setattr__(context, "objects", wrapped)
    return wrapped


async def test_a_store_that_cannot_work_is_waited_for(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "o", "x", outputs=output("o", "o")),
        task("b", "show", "i", after="a", inputs=given("o", "i")),
    )
    moody(scene, 2)
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    log = await scene.log(run, "a")
    assert log.count("gofer: waiting for the object store: the disk is full") == 1


async def test_who_waits_for_the_store_can_be_cancelled(scene: Scene) -> None:
    await scene.register(task("a", "write", "o", "x", outputs=output("o", "o")), task("b", inputs=given("p", "i")))
    wrapped = moody(scene, 10**9)
    run = await scene.start()
    while wrapped.failures > 10**9 - 2:
        await asyncio.sleep(0)
    await scene.cancel(run)
    assert (await scene.ended(run)).status is RunStatus.CANCELLED
    assert await scene.statuses(run) == {"a": "cancelled", "b": "cancelled"}


async def test_a_cache_from_run_to_run(scene: Scene) -> None:
    kept = cache("pip", ".cache/pip", "/var/one")
    await scene.register(task("a", "write", ".cache/pip/x", "1", "write", "/var/one", "2", caches=kept))
    first = await scene.start()
    assert (await scene.ended(first)).status is RunStatus.SUCCESSFUL
    log = await scene.log(first, "a")
    assert log[0] == "gofer: cache pip: there is none yet"
    assert "saved in" in log[1]
    _, data = await get(scene, "pip")
    assert untar(data) == {"relative/.cache/pip/x": b"1", "absolute/var/one": b"2"}

    await scene.register(task("a", "show", ".cache/pip/x", "show", "/var/one", caches=kept))
    second = await scene.start()
    assert (await scene.ended(second)).status is RunStatus.SUCCESSFUL
    log = await scene.log(second, "a")
    assert "restored in" in log[0]
    assert log[1] == "12"
    assert "unchanged in" in log[2]
    assert (await get(scene, "pip"))[1] == data


async def test_a_cache_is_saved_after_success_only(scene: Scene) -> None:
    await scene.register(task("a", "write", "c/x", "1", "exit", "1", caches=cache("c", "c")))
    await only(scene, await scene.start())
    assert (await scene.services.objects.list(Place(NAMESPACE, PIPELINE), None, 10)).items == []


@pytest.mark.parametrize(
    "damaged",
    [
        b"no archive",
        tar(**{"relative/c/x": b"1", "relative/c/../../y": b"2"}),
        tar(**{"relative/c": b"", "relative/c/x": b"1"}),
        tar(**{"relative/c/x": b"1"})[:-1500],
    ],
)
async def test_nothing_of_a_damaged_cache_is_restored_and_nothing_fails(scene: Scene, damaged: bytes) -> None:
    await scene.register(task("a", "gate", "write", "c/y", "2", caches=cache("c", "c")))
    await put(scene, "c", damaged, content_type=TAR)
    run = await scene.start()
    container = await scene.container(run, "a")
    assert scene.world.get(container).files.read("c/x") is None
    await scene.release(run, "a")
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert (await scene.log(run, "a"))[0].startswith("gofer: cache c: not restored: ")
    assert untar((await get(scene, "c"))[1]) == {"relative/c/y": b"2"}


async def test_paths_that_a_cache_has_no_longer_are_passed_over(scene: Scene) -> None:
    await scene.register(task("a", "write", "b/x", "1", "write", "c/x", "2", caches=cache("c", "b", "c", "d")))
    await scene.ended(await scene.start())
    await scene.register(task("a", "show", "c/x", caches=cache("c", "c")))
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert (await scene.log(run, "a"))[1] == "2"


async def test_a_cache_that_is_too_large_or_empty_fails_nothing(house: House) -> None:
    async with house.open(object_store=ObjectStoreSettings(max_object_bytes=1024)) as scene:
        await scene.register(task("a", "write", "c/x", "x" * 2_000, caches=cache("c", "c") + cache("n", "nothing")))
        run = await scene.start()
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        log = await scene.log(run, "a")
        assert log[2].startswith("gofer: cache c: not saved: ")
        assert log[3] == "gofer: cache n: not saved: the container has left nothing at its paths"


async def test_a_cache_does_without_a_store_that_cannot_work(scene: Scene) -> None:
    await scene.register(task("a", "write", "c/x", "1", caches=cache("c", "c")))
    moody(scene, 2)
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    log = await scene.log(run, "a")
    assert log == [
        "gofer: cache c: not restored: the disk is full",
        "gofer: cache c: not saved: the disk is full",
    ]


async def test_after_a_restart_the_ended_container_is_collected(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "write", "o", "kept", "gate", outputs=output("o", "o")))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        container = await scene.container(run, "a")
    house.world.release(container)
    async with house.open() as scene:
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert (await get(scene, "o", run))[1] == b"kept"


async def test_an_engine_that_goes_away_meanwhile_is_waited_for(scene: Scene) -> None:
    await scene.register(task("a", "write", "o", "x", "gate", outputs=output("o", "o")))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    container = await scene.container(run, "a")
    scene.world.go_away()
    await scene.said("engine.unavailable")
    scene.world.release(container)
    scene.world.come_back()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert (await get(scene, "o", run))[1] == b"x"


async def test_a_retry_from_what_failed_has_the_objects_of_what_was_successful(scene: Scene) -> None:
    await scene.register(
        task("a", "write", "o", "made once", outputs=output("o", "o")),
        task("b", "gate", "show", "i", after="a", inputs=given("o", "i")),
    )
    first = await scene.start()
    await scene.until("taskrun.running", first, "b")
    scene.world.end(await scene.container(first, "b"), 1)
    assert (await scene.ended(first)).status is RunStatus.FAILED
    second = await scene.retry(first, from_failed=True)
    await scene.release(second, "b")
    assert (await scene.ended(second)).status is RunStatus.SUCCESSFUL
    assert (await scene.log(second, "b"))[-1] == "made once"
    assert (await get(scene, "o", second)) == (await get(scene, "o", first))
    # Each of the two is the object of its own run.
    await scene.services.objects.delete(Place(NAMESPACE, PIPELINE, first), "o")
    assert (await get(scene, "o", second))[1] == b"made once"


async def test_a_whole_retry_begins_without_objects(scene: Scene) -> None:
    await scene.register(task("a", "write", "o", "x", "exit", "1", outputs=output("o", "o")), task("b", "gate"))
    first = await scene.start()
    await scene.release(first, "b")
    await scene.ended(first)
    second = await scene.retry(first)
    assert (await scene.services.objects.list(Place(NAMESPACE, PIPELINE, second), None, 10)).items == []
    await scene.release(second, "b")
    await scene.ended(second)


class Overtaken:
    """An object service whose objects are overwritten as soon as somebody has begun to read them."""

    def __init__(self, objects: Any) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    async def read(self, found: Object) -> AsyncIterator[bytes]:
        place = Place(found.namespace, found.pipeline, found.run)

        async def another() -> AsyncIterator[bytes]:
            yield b"another"

        await self._objects.put(place, found.key, another(), content_type="text/plain", force=True)
        await self._objects._collector.collect_once()
        async for piece in self._objects.read(found):
            yield piece


async def test_what_is_overwritten_while_it_is_placed_is_placed_whole(scene: Scene) -> None:
    await scene.register(
        task("a", "show", "x/one", inputs=given("in", "x", "pipeline"), caches=cache("c", "f")),
    )
    await put(scene, "in", tar(one=b"1", two=b"2"), content_type=TAR)
    await put(scene, "c", tar(**{"relative/f": b"f"}), content_type=TAR)
    context = scene.services.runs._context
    object.__setattr__(context, "objects", Overtaken(context.objects))
    run = await scene.start()
    ended = await scene.ended(run)
    log = await scene.log(run, "a")
    assert ended.status is RunStatus.SUCCESSFUL, log
    assert log[0].startswith("gofer: input in: 2B in 2 files and folders placed at x in ")
    assert "restored in" in log[1]
