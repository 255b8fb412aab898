from __future__ import annotations

import asyncio
import json

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.pipeline import CreateNamespace, Registered
from gofer.models.run import Initiator
from gofer.models.status import Reason, RunStatus, TaskStatus
from gofer.server.pipelines.compare import Compared, compare, compare_again
from gofer.server.pipelines.manifest_hash import manifest_hash
from gofer.server.store import pipelines, runs, task_runs
from gofer.server.store.database import Transaction
from gofer.server.store.task_runs import NewTaskRun
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server

ONE = manifest(task("a"), name="One", description="First")
TWO = manifest(task("a"), task("b", "a"), name="Two")


async def add_runs(server: Server, count: int, status: RunStatus, tasks: int = 1) -> list[int]:
    def work(tx: Transaction) -> list[int]:
        row = pipelines.get(tx, "default", "nightly")
        assert row is not None
        numbers = []
        for _ in range(count):
            new = runs.NewRun(
                row.key, "default", 1, status, Reason.NONE, "", Initiator(), {"day": 1}, None, tasks, 1_000
            )  # fmt: skip
            key, number = runs.insert(tx, new)
            task_runs.insert(tx, key, [NewTaskRun(i, f"t{i}", False, TaskStatus.WAITING) for i in range(tasks)])
            numbers.append(number)
        return numbers

    return await server.database.write(work)


def deployed(number: int, before: int, after: int) -> dict[str, object]:
    """What the event of an instant deployment that came with a registration says."""
    return {
        "deployment": number, "strategy": "instant", "from_version": before, "to_version": after, "cause": "registered"
    }  # fmt: skip


async def rows(server: Server, table: str) -> int:
    count: int = await server.database.read(lambda c: c.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    return count


async def test_a_new_pipeline(server: Server) -> None:
    registered = await server.pipelines.register("default", ONE)
    assert (registered.created, registered.changed, registered.version) == (True, True, 1)
    assert registered.hash == manifest_hash(ONE)
    assert registered.warnings == []
    pipeline = registered.pipeline
    assert (pipeline.namespace, pipeline.id, pipeline.name, pipeline.description) == (
        "default",
        "nightly",
        "One",
        "First",
    )
    assert (pipeline.enabled, pipeline.version, pipeline.versions, pipeline.runs) == (True, 1, 1, 0)
    assert pipeline.created_at == pipeline.modified_at > 0
    assert await server.pipelines.get("default", "nightly") == pipeline
    created, version, live = server.events
    assert (created.kind, created.namespace, created.pipeline, created.data) == (
        "pipeline.created",
        "default",
        "nightly",
        {},
    )
    assert (version.kind, version.pipeline, version.data) == (
        "version.registered",
        "nightly",
        {"version": 1, "hash": manifest_hash(ONE)},
    )
    assert (live.kind, live.pipeline, live.data) == ("deployment.completed", "nightly", deployed(1, 0, 1))


async def test_the_same_content_changes_nothing(server: Server) -> None:
    first = await server.pipelines.register("default", ONE)
    server.told()
    again = await server.pipelines.register("default", ONE)
    assert (again.created, again.changed, again.version) == (False, False, 1)
    assert again.pipeline == first.pipeline
    assert server.told() == []
    assert await rows(server, "versions") == 1


async def test_other_content_makes_the_next_version_live(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    server.events.clear()
    second = await server.pipelines.register("default", TWO)
    assert (second.created, second.changed, second.version) == (False, True, 2)
    assert (second.pipeline.version, second.pipeline.versions, second.pipeline.name) == (2, 2, "Two")
    assert second.pipeline.description == ""
    event, live = server.events
    assert (event.kind, event.data) == ("version.registered", {"version": 2, "hash": manifest_hash(TWO), "previous": 1})
    assert (live.kind, live.data) == ("deployment.completed", deployed(2, 1, 2))


async def test_the_content_of_an_older_version_makes_that_one_live_again(server: Server) -> None:
    for content in (ONE, TWO):
        await server.pipelines.register("default", content)
    server.events.clear()
    back = await server.pipelines.register("default", ONE)
    assert (back.created, back.changed, back.version) == (False, True, 1)
    assert (back.pipeline.version, back.pipeline.versions, back.pipeline.name) == (1, 2, "One")
    event, live = server.events
    data = {"version": 1, "hash": manifest_hash(ONE), "previous": 2, "again": True}
    assert (event.kind, event.data) == ("version.registered", data)
    assert (live.kind, live.data) == ("deployment.completed", deployed(3, 2, 1))
    third = await server.pipelines.register("default", manifest(task("c")))
    assert third.version == 3


async def test_what_is_stored_hashes_to_its_hash_and_comes_back_whole(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    await server.pipelines.register("default", TWO)
    live = await server.versions.get("default", "nightly", None)
    assert (live.number, live.manifest, live.hash) == (2, TWO, manifest_hash(TWO))
    first = await server.versions.get("default", "nightly", 1)
    assert (first.number, first.manifest, first.hash) == (1, ONE, manifest_hash(ONE))
    text = await server.database.read(
        lambda c: c.execute("SELECT manifest FROM versions WHERE number = 1").fetchone()[0]
    )
    assert json.loads(text)["schema_version"] == 1


async def test_what_is_also_done_belongs_to_the_transaction(server: Server) -> None:
    def refuse(tx: Transaction, registered: Registered) -> None:
        assert registered.created
        raise Conflict("no", "")

    with pytest.raises(Conflict, match="no"):
        await server.pipelines.register("default", ONE, also=refuse)
    assert await rows(server, "pipelines") == 0
    assert server.told() == []
    seen: list[Registered] = []
    registered = await server.pipelines.register("default", ONE, also=lambda tx, value: seen.append(value))
    assert seen == [registered]


async def test_an_invalid_manifest_changes_nothing(server: Server) -> None:
    with pytest.raises(InvalidInput) as caught:
        await server.pipelines.register("default", manifest(task("a", "b"), task("b", "a"), id="-"))
    assert [problem.place for problem in caught.value.problems] == ["id", "tasks[1].depends_on[0].task"]
    assert await rows(server, "pipelines") == 0
    assert server.told() == []


async def test_the_namespace_must_exist(server: Server) -> None:
    with pytest.raises(NotFound, match='There is no namespace "team"') as caught:
        await server.pipelines.register("team", ONE)
    assert "gofer namespace create team" in caught.value.hint
    assert await rows(server, "pipelines") == 0


async def test_namespaces_keep_pipelines_of_one_id_apart(server: Server) -> None:
    await server.namespaces.create(CreateNamespace(id="team"))
    await server.pipelines.register("default", ONE)
    other = await server.pipelines.register("team", TWO)
    assert (other.created, other.version) == (True, 1)
    assert (await server.pipelines.get("default", "nightly")).name == "One"


async def test_many_at_once_make_one_version_for_each_content(server: Server) -> None:
    contents = [manifest(task("a"), name=f"n{i % 5}") for i in range(50)]
    results = await asyncio.gather(*(server.pipelines.register("default", content) for content in contents))
    assert sum(result.created for result in results) == 1
    by_hash: dict[str, set[int]] = {}
    for result in results:
        by_hash.setdefault(result.hash, set()).add(result.version)
    assert sorted(numbers.pop() for numbers in by_hash.values()) == [1, 2, 3, 4, 5]
    assert not any(by_hash.values())
    assert await rows(server, "versions") == 5


async def test_warnings(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    await server.pipelines.set_enabled("default", "nightly", False)
    registered = await server.pipelines.register("default", manifest(task("a", script="sercet{{k}}")))
    assert [warning[:40] for warning in registered.warnings] == [
        'task "a": script: "sercet{{k}}" stays as it is'[:40],
        "The pipeline is disabled: no run starts before"[:40],
    ]
    assert not registered.pipeline.enabled


async def test_enabling_and_disabling(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    server.told()
    assert not (await server.pipelines.set_enabled("default", "nightly", False)).enabled
    assert not (await server.pipelines.set_enabled("default", "nightly", False)).enabled
    assert not (await server.pipelines.get("default", "nightly")).enabled
    assert (await server.pipelines.set_enabled("default", "nightly", True)).enabled
    assert server.told() == ["pipeline.disabled", "pipeline.enabled"]


async def test_what_does_not_exist(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    for call in (
        server.pipelines.get("default", "ghost"),
        server.pipelines.set_enabled("default", "ghost", True),
        server.pipelines.delete("default", "ghost"),
        server.versions.list("default", "ghost", None, 10),
        server.versions.get("default", "ghost", None),
    ):
        with pytest.raises(NotFound, match='There is no pipeline "ghost" in the namespace "default"'):
            await call
    for call in (server.pipelines.get("team", "nightly"), server.pipelines.delete("team", "nightly")):
        with pytest.raises(NotFound, match='There is no namespace "team"'):
            await call
    with pytest.raises(NotFound, match="There is no namespace"):
        await server.pipelines.list("team", None, 10)
    with pytest.raises(NotFound, match="has no version 7") as caught:
        await server.versions.get("default", "nightly", 7)
    assert "gofer pipeline versions list nightly" in caught.value.hint


async def test_the_list_pages_in_the_order_of_ids(server: Server) -> None:
    for name in ("c", "a", "e", "B", "d"):
        await server.pipelines.register("default", manifest(task("t"), id=name))
    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor is not None:
        page = await server.pipelines.list("default", cursor, 2)
        found += [pipeline.id for pipeline in page.items]
        cursor, pages = page.next, pages + 1
    assert (found, pages) == (["B", "a", "c", "d", "e"], 3)
    assert (await server.pipelines.list("default", None, 5)).next is None


async def test_versions_page_newest_first(server: Server) -> None:
    for i in range(5):
        await server.pipelines.register("default", manifest(task("a"), name=str(i)))
    first = await server.versions.list("default", "nightly", None, 3)
    assert ([version.number for version in first.items], first.next) == ([5, 4, 3], "3")
    second = await server.versions.list("default", "nightly", 3, 3)
    assert ([version.number for version in second.items], second.next) == ([2, 1], None)


async def test_the_newest_run_is_shown(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    await add_runs(server, 2, RunStatus.QUEUED)
    pipeline = await server.pipelines.get("default", "nightly")
    assert pipeline.runs == 2
    assert pipeline.last_run is not None
    assert (pipeline.last_run.id, pipeline.last_run.parameters) == (2, {"day": 1})
    assert (await server.pipelines.list("default", None, 1)).items == [pipeline]


@pytest.mark.parametrize(
    ("count", "told"), [(1, "has 1 run that has not ended"), (3, "has 3 runs that have not ended")]
)
async def test_unfinished_runs_forbid_deletion(server: Server, count: int, told: str) -> None:
    await server.pipelines.register("default", ONE)
    await add_runs(server, count, RunStatus.RUNNING)
    server.told()
    with pytest.raises(Conflict, match=told) as caught:
        await server.pipelines.delete("default", "nightly")
    assert "gofer run cancel-all nightly" in caught.value.hint
    assert (await server.pipelines.get("default", "nightly")).enabled
    assert await rows(server, "runs") == count
    assert server.told() == []


async def test_deletion_leaves_nothing_behind(server: Server) -> None:
    await server.pipelines.register("default", TWO)
    await server.pipelines.register("default", manifest(task("a"), id="other"))
    await add_runs(server, 3, RunStatus.SUCCESSFUL)
    server.told()
    await server.pipelines.delete("default", "nightly")
    assert server.told() == ["pipeline.deleted"]
    assert [await rows(server, table) for table in ("pipelines", "versions", "runs", "task_runs")] == [1, 1, 0, 0]
    again = await server.pipelines.register("default", ONE)
    assert (again.created, again.version, again.pipeline.runs) == (True, 1, 0)


async def test_a_long_history_is_deleted_in_steps_while_no_run_can_start(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    await add_runs(server, 30, RunStatus.SUCCESSFUL, tasks=500)
    server.told()
    await server.pipelines.delete("default", "nightly")
    assert server.told() == ["pipeline.disabled", "pipeline.deleted"]
    assert [await rows(server, table) for table in ("pipelines", "runs", "task_runs")] == [0, 0, 0]


async def test_two_deletions_at_once(server: Server) -> None:
    await server.pipelines.register("default", ONE)
    await add_runs(server, 30, RunStatus.SUCCESSFUL, tasks=500)
    both = [server.pipelines.delete("default", "nightly") for _ in range(2)]
    assert await asyncio.gather(*both) == [None, None]
    assert await rows(server, "pipelines") == 0
    assert server.told().count("pipeline.deleted") == 1


async def test_the_answer_says_what_changed(server: Server) -> None:
    first = await server.pipelines.register("default", ONE)
    assert (first.compared_with, [one.path for one in first.changes]) == (0, ["name", "description", "tasks[a]"])
    second = await server.pipelines.register("default", TWO)
    assert (second.compared_with, [(one.kind, one.path) for one in second.changes]) == (
        1,
        [("changed", "name"), ("removed", "description"), ("added", "tasks[b]")],
    )
    again = await server.pipelines.register("default", TWO)
    assert (again.compared_with, again.changes) == (2, [])
    # It becomes live again: that is a change, though no version is new.
    back = await server.pipelines.register("default", ONE)
    assert (back.version, back.compared_with, len(back.changes)) == (1, 2, 3)


async def test_what_changed_is_right_where_somebody_else_was_faster(server: Server) -> None:
    third = manifest(task("a"), name="Three", description="First")
    beforehand = await server.database.read(lambda c: compare(c, "default", third))
    for now, changes in ((ONE, ["name"]), (TWO, ["name", "description", "tasks[b]"])):
        registered = await server.pipelines.register("default", now)

        def work(tx: Transaction) -> Compared:
            return compare_again(tx, "default", third, beforehand)  # noqa: B023  # called before the next turn

        compared = await server.database.write(work)
        assert (compared.version, [one.path for one in compared.changes]) == (registered.version, changes)
        assert await server.database.read(lambda c: compare_again(c, "default", third, compared)) is compared  # noqa: B023
        beforehand = compared
    # A pipeline of the same name, and another one: its version 1 has other content.
    await server.pipelines.register("default", ONE)
    beforehand = await server.database.read(lambda c: compare(c, "default", ONE))
    await server.pipelines.delete("default", "nightly")
    await server.pipelines.register("default", TWO)
    compared = await server.database.read(lambda c: compare_again(c, "default", ONE, beforehand))
    assert (compared.version, [one.path for one in compared.changes]) == (1, ["name", "description", "tasks[b]"])
