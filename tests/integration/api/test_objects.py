"""Objects through the API: whole, in ranges, under conditions, and never run by a browser."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from gofer.errors import Unavailable
from tests.integration.api.server import Answer, ServerThread
from tests.support.until import until

DATA = bytes(range(256)) * 40


def digest_header(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@pytest.fixture(scope="module")
def run(server: ServerThread, pipeline: str) -> str:
    """The path of an ended run."""
    number = server.api.start("plain")
    server.api.ended("plain", number)
    return f"{pipeline}/runs/{number}"


@pytest.fixture(params=["pipeline", "run"])
def objects(request: pytest.FixtureRequest, pipeline: str, run: str) -> str:
    return f"{pipeline if request.param == 'pipeline' else run}/objects"


def put(server: ServerThread, path: str, data: bytes, **headers: str) -> Answer:
    return server.ask("PUT", path, data, {name.replace("_", "-"): value for name, value in headers.items()})


def test_life_of_an_object(server: ServerThread, objects: str) -> None:
    one = f"{objects}/life"
    made = put(server, one, DATA, Content_Type="image/png")
    assert made.status == 201, made.body
    told = made.json
    assert told.pop("created") is True
    assert (told["size"], told["sha256"]) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert server.ask("GET", f"{one}/info").json == told
    assert told in server.ask("GET", objects).json["items"]
    got = server.ask("GET", one)
    assert (got.status, got.body) == (200, DATA)
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-length"] == str(len(DATA))
    assert got.headers["etag"] == f'"{told["sha256"]}"'
    assert got.headers["content-digest"] == got.headers["repr-digest"] == digest_header(DATA)
    assert server.ask("DELETE", one).status == 204
    for method, path in (("GET", one), ("HEAD", one), ("GET", f"{one}/info"), ("DELETE", one)):
        assert server.ask(method, path).status == 404


def test_head_says_what_get_would_and_reads_nothing(server: ServerThread, objects: str) -> None:
    one = f"{objects}/head"
    put(server, one, DATA)
    got = server.ask("GET", one)
    before = server.services.objects.tally.downloads
    head = server.ask("HEAD", one)
    assert (head.status, head.body) == (200, b"")
    changing = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }
    assert server.services.objects.tally.downloads == before
    server.ask("DELETE", one)


def test_nothing_of_it_runs_in_a_browser(server: ServerThread, objects: str) -> None:
    one = f"{objects}/page"
    put(server, one, b"<script>alert(1)</script>", Content_Type="text/html")
    got = server.ask("GET", one).headers
    assert got["content-disposition"] == 'attachment; filename="page"'
    assert got["x-content-type-options"] == "nosniff"
    assert got["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    server.ask("DELETE", one)


def test_overwriting(server: ServerThread, objects: str) -> None:
    one = f"{objects}/over"
    assert put(server, one, b"one").status == 201
    again = put(server, one, b"one")
    assert (again.status, again.json["created"]) == (200, False)
    refused = put(server, one, b"two")
    assert refused.status == 409
    assert "force=true" in refused.problem["hint"]
    assert server.ask("GET", one).body == b"one"
    forced = put(server, f"{one}?force=true", b"two")
    assert (forced.status, forced.json["created"], server.ask("GET", one).body) == (200, False, b"two")
    server.ask("DELETE", one)


RANGES = [
    ("bytes=0-9", DATA[:10], "bytes 0-9/10240"),
    ("bytes=10230-", DATA[10230:], "bytes 10230-10239/10240"),
    ("bytes=-10", DATA[-10:], "bytes 10230-10239/10240"),
    ("bytes=5000-99999", DATA[5000:], "bytes 5000-10239/10240"),
    ("bytes=-99999", DATA, "bytes 0-10239/10240"),
    ("bytes=0-0", DATA[:1], "bytes 0-0/10240"),
]


@pytest.mark.parametrize(("wanted", "data", "content_range"), RANGES)
def test_ranges(server: ServerThread, pipeline: str, wanted: str, data: bytes, content_range: str) -> None:
    one = f"{pipeline}/objects/ranges"
    put(server, one, DATA)
    got = server.ask("GET", one, headers={"Range": wanted})
    assert (got.status, got.body, got.headers["content-range"]) == (206, data, content_range)
    assert got.headers["content-length"] == str(len(data))
    assert got.headers["repr-digest"] == digest_header(DATA)
    assert "content-digest" not in got.headers


@pytest.mark.parametrize("wanted", ["bytes=10240-", "bytes=-0", "bytes=99999-100000"])
def test_ranges_outside(server: ServerThread, pipeline: str, wanted: str) -> None:
    put(server, f"{pipeline}/objects/ranges", DATA)
    got = server.ask("GET", f"{pipeline}/objects/ranges", headers={"Range": wanted})
    assert got.status == 416
    assert got.headers["content-range"] == "bytes */10240"
    assert "10240 bytes" in got.problem["detail"]


@pytest.mark.parametrize(
    "wanted",
    ["", "bytes=", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "bytes=x-", "bytes=" + "9" * 30 + "-"],
)
def test_ranges_that_are_none_give_the_whole(server: ServerThread, pipeline: str, wanted: str) -> None:
    put(server, f"{pipeline}/objects/ranges", DATA)
    got = server.ask("GET", f"{pipeline}/objects/ranges", headers={"Range": wanted})
    assert (got.status, got.body) == (200, DATA)


def test_conditions(server: ServerThread, pipeline: str) -> None:
    one = f"{pipeline}/objects/conditions"
    put(server, one, DATA)
    etag = server.ask("GET", one).headers["etag"]
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        for method in ("GET", "HEAD"):
            got = server.ask(method, one, headers={"If-None-Match": condition})
            assert (got.status, got.body, got.headers["etag"]) == (304, b"", etag)
    assert server.ask("GET", one, headers={"If-None-Match": '"other"'}).status == 200
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Sat, 29 Oct 1994 19:43:31 GMT", 200),
    ):
        assert server.ask("GET", one, headers={"Range": "bytes=0-1", "If-Range": condition}).status == status


def test_an_empty_object(server: ServerThread, objects: str) -> None:
    one = f"{objects}/empty"
    assert put(server, one, b"").status == 201
    got = server.ask("GET", one)
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "0")
    assert server.ask("GET", one, headers={"Range": "bytes=0-0"}).status == 416
    server.ask("DELETE", one)


def test_the_digest_is_checked(server: ServerThread, objects: str) -> None:
    one = f"{objects}/digest"
    good = f"md5=:AAAA:, {digest_header(DATA)}"
    assert put(server, one, DATA, Content_Digest=good).status == 201
    server.ask("DELETE", one)
    wrong = put(server, one, DATA, Content_Digest=digest_header(b"other"))
    assert wrong.status == 422
    assert "digest" in wrong.problem["detail"]
    for bad in ("sha-256=:AAAA:", "sha-256=abc", "sha-256=:!!!!:"):
        answer = put(server, one, DATA, Content_Digest=bad)
        assert answer.status == 400
        assert "base64" in answer.problem["hint"]
    assert put(server, one, DATA, Content_Digest="md5=:AAAA:").status == 201
    server.ask("DELETE", one)


@pytest.mark.parametrize("content_type", ["", "text/plain\x01", "t\xe9xt", "x" * 256])
def test_content_types_that_are_none(server: ServerThread, pipeline: str, content_type: str) -> None:
    answer = put(server, f"{pipeline}/objects/type", b"x", Content_Type=content_type)
    assert answer.status in (400, 422)  # some of them the web server refuses by itself
    assert server.ask("GET", f"{pipeline}/objects/type").status == 404


def test_without_a_content_type(server: ServerThread, pipeline: str) -> None:
    put(server, f"{pipeline}/objects/untyped", b"x")
    assert server.ask("GET", f"{pipeline}/objects/untyped").headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Encoding": "gzip"}, 415), ({"Content-Range": "bytes 0-1/9"}, 400)]
)
def test_bodies_that_are_not_the_object(
    server: ServerThread, pipeline: str, headers: dict[str, str], status: int
) -> None:
    answer = server.ask("PUT", f"{pipeline}/objects/half", b"x", headers)
    assert answer.status == status
    assert answer.problem["hint"]
    assert server.ask("GET", f"{pipeline}/objects/half").status == 404


MISSING = [
    ("/api/v1/namespaces/nowhere/pipelines/plain/objects/x", 'no namespace "nowhere"'),
    ("/api/v1/namespaces/default/pipelines/nothing/objects/x", 'no pipeline "nothing"'),
    ("/api/v1/namespaces/default/pipelines/plain/runs/99/objects/x", "no run 99"),
    ("/api/v1/namespaces/default/pipelines/nothing/runs/1/objects/x", 'no pipeline "nothing"'),
]


@pytest.mark.parametrize(("path", "what"), MISSING)
def test_what_is_missing_is_named(server: ServerThread, pipeline: str, path: str, what: str) -> None:
    for method, where in (("GET", path), ("PUT", path), ("DELETE", path), ("GET", f"{path}/info")):
        answer = server.ask(method, where, b"x" if method == "PUT" else None)
        assert answer.status == 404
        assert what in answer.problem["detail"]
    assert what in server.ask("GET", path.removesuffix("/x")).problem["detail"]


def test_a_missing_object_is_named(server: ServerThread, run: str, pipeline: str) -> None:
    for base, what in ((pipeline, 'object "x" at the pipeline "plain"'), (run, 'object "x" at run 1 of the pipeline')):
        answer = server.ask("GET", f"{base}/objects/x")
        assert what in answer.problem["detail"]
        assert "store list" in answer.problem["hint"]


def test_namespaces_are_walls(server: ServerThread, pipeline: str) -> None:
    server.api.post("namespaces", {"id": "walled"})
    manifest = {"id": "plain", "tasks": [{"id": "one", "image": "fake"}]}
    assert server.send_json("POST", "/api/v1/namespaces/walled/pipelines", manifest).status == 201
    put(server, f"{pipeline}/objects/mine", b"default")
    other = "/api/v1/namespaces/walled/pipelines/plain/objects"
    missing = server.ask("GET", f"{other}/mine")
    assert missing.status == 404
    assert missing.problem["hint"].endswith("gofer pipeline store list plain --namespace walled.")
    assert server.ask("GET", other).json["items"] == []
    assert server.ask("GET", other.replace("/objects", "/runs/1/objects/x")).status == 404


def test_paging(server: ServerThread, run: str) -> None:
    for key in ("c", "a", "b"):
        put(server, f"{run}/objects/page-{key}", key.encode())
    first = server.ask("GET", f"{run}/objects?limit=2").json
    assert [item["key"] for item in first["items"]] == ["page-a", "page-b"]
    second = server.ask("GET", f"{run}/objects?limit=2&cursor={first['next']}").json
    assert [item["key"] for item in second["items"]] == ["page-c"]
    assert second["next"] is None


def test_figures(server: ServerThread, pipeline: str) -> None:
    def figure(name: str) -> float:
        text = server.ask("GET", "/metrics").body.decode()
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))

    names = ["gofer_objects", "gofer_objects_bytes", "gofer_objects_stored_bytes", "gofer_object_uploads_total"]
    before = [figure(name) for name in names]
    for key in ("figure-a", "figure-b"):
        put(server, f"{pipeline}/objects/{key}", b"the same twice")
    assert [figure(name) - known for name, known in zip(names, before, strict=True)] == [2, 28, 14, 2]


def test_trouble_of_the_store_is_said_and_so_is_its_end(server: ServerThread, pipeline: str) -> None:
    store = server.services.objects._store

    async def away() -> None:
        raise Unavailable("The object store is away")

    async def upload() -> Any:
        raise Unavailable("The object store is away", "Look at the disk.")

    assert server.ask("GET", "/readyz").status == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "check", away)
        patch.setattr(store, "upload", upload)
        answer = put(server, f"{pipeline}/objects/away", b"x")
        assert (answer.status, answer.problem["hint"]) == (503, "Look at the disk.")
        ready = server.ask("GET", "/readyz")
        assert (ready.status, ready.json["problems"]) == (503, ["The object store is away"])
        assert b"gofer_objects_fault 1.0" in server.ask("GET", "/metrics").body
    assert server.ask("GET", "/readyz").status == 200

    def told() -> list[tuple[str, str]]:
        events = server.api.get("events", kind="store.*", limit=200)["items"]
        return [(event["kind"], event["data"]["part"]) for event in events]

    until(lambda: told() == [("store.fault", "objects"), ("store.recovered", "objects")], "both were told")


def test_deleting_a_pipeline_takes_its_objects_along(server: ServerThread) -> None:
    server.api.register({"id": "gone", "tasks": [{"id": "one", "image": "fake", "command": ["say", "hello"]}]})
    number = server.api.start("gone")
    server.api.ended("gone", number)
    base = "/api/v1/namespaces/default/pipelines/gone"
    put(server, f"{base}/objects/of-pipeline", b"only here, at the pipeline")
    put(server, f"{base}/runs/{number}/objects/of-run", b"only here, at the run")
    assert server.ask("DELETE", base).status == 204

    async def left() -> list[Any]:
        await server.services.objects._collector.collect_once()
        wanted = [
            hashlib.sha256(data).hexdigest() for data in (b"only here, at the pipeline", b"only here, at the run")
        ]
        return [digest for digest in wanted if await server.services.objects._store.exists(digest)]

    assert server.in_loop(left) == []
