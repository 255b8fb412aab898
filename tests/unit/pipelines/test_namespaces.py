from __future__ import annotations

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.pipeline import CreateNamespace, Namespace, UpdateNamespace
from gofer.server.store.database import Transaction
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server


async def test_default_is_always_there_and_stays(server: Server) -> None:
    assert (await server.namespaces.get("default")).id == "default"
    with pytest.raises(Conflict, match='"default" always exists'):
        await server.namespaces.delete("default")


async def test_create_get_update_delete(server: Server) -> None:
    made = await server.namespaces.create(CreateNamespace(id="team", name="Team", description="Ours"))
    assert await server.namespaces.get("team") == made
    changed = await server.namespaces.update("team", UpdateNamespace(name="The team"))
    assert (changed.name, changed.description, changed.created_at) == ("The team", "Ours", made.created_at)
    emptied = await server.namespaces.update("team", UpdateNamespace(description=""))
    assert (emptied.name, emptied.description) == ("The team", "")
    await server.namespaces.delete("team")
    with pytest.raises(NotFound, match='There is no namespace "team"'):
        await server.namespaces.get("team")
    assert server.told() == ["namespace.created", "namespace.updated", "namespace.updated", "namespace.deleted"]


async def test_what_is_also_done_belongs_to_the_transaction(server: Server) -> None:
    def refuse(tx: Transaction, namespace: Namespace) -> None:
        raise Conflict(f"not {namespace.id}", "")

    with pytest.raises(Conflict, match="not team"):
        await server.namespaces.create(CreateNamespace(id="team"), also=refuse)
    with pytest.raises(NotFound):
        await server.namespaces.get("team")
    assert server.told() == []


async def test_a_change_that_changes_nothing_tells_nothing(server: Server) -> None:
    made = await server.namespaces.create(CreateNamespace(id="team", name="Team"))
    server.told()
    assert await server.namespaces.update("team", UpdateNamespace()) == made
    assert await server.namespaces.update("team", UpdateNamespace(name="Team")) == made
    assert await server.namespaces.get("team") == made
    assert server.told() == []


async def test_an_id_is_taken_once(server: Server) -> None:
    made = await server.namespaces.create(CreateNamespace(id="team", name="first"))
    server.told()
    with pytest.raises(Conflict, match='There is a namespace "team" already'):
        await server.namespaces.create(CreateNamespace(id="team", name="second"))
    assert await server.namespaces.get("team") == made
    assert server.told() == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "a" * 65, "a\n", "a\x00"])
async def test_ids_are_checked(server: Server, name: str) -> None:
    with pytest.raises(InvalidInput, match="not a valid namespace id"):
        await server.namespaces.create(CreateNamespace(id=name))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (UpdateNamespace(name="a\nb"), "name"),
        (UpdateNamespace(name="x" * 201), "name"),
        (UpdateNamespace(description="x" * 10_001), "description"),
        (UpdateNamespace(description="\x00"), "description"),
        (UpdateNamespace(description="\ud800"), "description"),
    ],
)
async def test_texts_are_checked(server: Server, change: UpdateNamespace, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await server.namespaces.update("default", change)
    assert [problem.place for problem in caught.value.problems] == [place]
    new = CreateNamespace(id="team", name=change.name or "", description=change.description or "")
    with pytest.raises(InvalidInput):
        await server.namespaces.create(new)
    assert server.told() == []


async def test_only_an_empty_one_is_deleted(server: Server) -> None:
    await server.namespaces.create(CreateNamespace(id="team"))
    await server.pipelines.register("team", manifest(task("a")))
    with pytest.raises(Conflict, match='The namespace "team" has pipelines') as caught:
        await server.namespaces.delete("team")
    assert "gofer pipeline list --namespace team" in caught.value.hint
    await server.pipelines.delete("team", "nightly")
    await server.namespaces.delete("team")


async def test_what_does_not_exist(server: Server) -> None:
    with pytest.raises(NotFound) as caught:
        await server.namespaces.update("ghost", UpdateNamespace(name="x"))
    assert "gofer namespace create ghost" in caught.value.hint
    with pytest.raises(NotFound):
        await server.namespaces.delete("ghost")
    with pytest.raises(NotFound) as odd:
        await server.namespaces.get("a b; rm")
    assert "rm" not in odd.value.hint


async def test_the_list_pages_in_the_order_of_ids(server: Server) -> None:
    for name in ("c", "a", "e"):
        await server.namespaces.create(CreateNamespace(id=name))
    first = await server.namespaces.list(None, 3)
    assert ([namespace.id for namespace in first.items], first.next) == (["a", "c", "default"], "default")
    second = await server.namespaces.list("default", 3)
    assert ([namespace.id for namespace in second.items], second.next) == (["e"], None)
