"""What is parsed of what strangers send costs no more than its length allows: no pattern, list or graph in it makes the
server stand still. What would take minutes if it were done in the plain way fails here by the tests' time limit."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.security.raw import wire
from tests.security.world import HERE, World

BASE = f"/api/v1/namespaces/{HERE}"
VALIDATE = "/api/v1/manifests/validate"
GRAPH = "/api/v1/manifests/graph"


def task(**fields: Any) -> dict[str, Any]:
    return {"id": "t", "image": "i", **fields}


def manifest(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "bomb", "tasks": list(tasks) or [task()], **fields}


def layers(count: int, width: int) -> list[dict[str, Any]]:
    """A graph in which each task waits for every one of the layer before: paths without number."""
    found = []
    for layer in range(count):
        parents = [{"task": f"t{layer - 1}-{i}"} for i in range(width)] if layer else []
        found += [{"id": f"t{layer}-{i}", "image": "i", "depends_on": parents} for i in range(width)]
    return found


ONE_RING = [{"id": f"t{i}", "image": "i", "depends_on": [{"task": f"t{(i + 1) % 2000}"}]} for i in range(2000)]

MANY_MATRICES = [{**task(matrix={"a": [str(j) for j in range(200)]}), "id": f"t{i}"} for i in range(200)]
NEARLY = [{"id": f"{'a' * 50}{i}", "image": "i", "depends_on": [{"task": f"{'a' * 51}{i}"}]} for i in range(2_000)]

MANIFESTS: dict[str, dict[str, Any]] = {
    "a matrix of 10^20": manifest(task(matrix={f"axis{i}": [str(j) for j in range(100)] for i in range(10)})),
    "many matrices": manifest(*MANY_MATRICES),
    "an image of slashes": manifest(task(image="a/" * 30_000 + "!")),
    "an image of dots": manifest(task(image="a." * 30_000 + "!")),
    "an image of dashes": manifest(task(image="a" + "-" * 60_000 + "!")),
    "an image of underscores": manifest(task(image="a" + "__" * 30_000 + "!/")),
    "an image of colons": manifest(task(image="a:" * 30_000)),
    "a digest without end": manifest(task(image="a@sha256:" + "0" * 60_000)),
    "openings without end": manifest(task(command=["param{{" * 50_000])),
    "openings with marks": manifest(task(command=["param" + "!" * 300_000 + "{{x}}"])),
    "braces": manifest(task(command=["{" * 400_000])),
    "nested openings": manifest(task(command=["secret{{param{{" * 20_000 + "}}" * 20_000])),
    "many placeholders": manifest(task(variables={"X": "pipeline{{id}}" * 20_000})),
    "a long duration": manifest(task(timeout="1" * 100_000 + "h")),
    "many durations": manifest(task(timeout="1h" * 50_000)),
    "a long size": manifest(task(limits={"memory": "9" * 100_000 + "GB"})),
    "a backoff that grows": manifest(task(retries={"count": 2**62, "factor": 1e308, "backoff": "1h"})),
    "a long user": manifest(task(user="a:" * 50_000)),
    "many labels": manifest(labels={f"label-{i}": "x" for i in range(20_000)}),
    "many links": manifest(links=[{"title": "x", "url": "https://example.org"}] * 20_000),
    "many parameters": manifest(parameters=[{"name": f"p{i}"} for i in range(20_000)]),
    "many choices": manifest(parameters=[{"name": "p", "choices": [f"c{i}" for i in range(50_000)]}]),
    "names that are nearly alike": manifest(*NEARLY),
    "one ring": manifest(*ONE_RING),
    "paths without number": manifest(*layers(40, 15)),
    "edges without number": manifest(*layers(2, 120)),
    "the same edge": manifest({**task(), "id": "a"}, task(depends_on=[{"task": "a"}] * 20_000)),
    "many mounts": manifest(task(mounts=[{"source": "/" + "../" * 200, "target": f"/{i}"} for i in range(500)])),
    "deep paths": manifest(task(outputs=[{"key": "o", "path": "/" + "../" * 100_000}])),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.timeout(60)
def test_manifests(world: World, name: str) -> None:
    """Checked, drawn and registered; meanwhile the server answers others."""
    body = json.dumps(MANIFESTS[name]).encode()
    headers = {"Content-Type": "application/json"}
    for path in (
        VALIDATE,
        f"{GRAPH}?format=svg",
        f"{GRAPH}?format=text",
        f"{GRAPH}?format=mermaid",
        f"{BASE}/pipelines",
    ):
        answer = world.ask("POST", path, world.root, body, headers)
        assert answer.status in (200, 201, 413, 422), (path, answer.body[:300])
        assert len(answer.body) < 16_000_000
    assert world.ask("GET", "/healthz").status == 200


HEADERS: dict[str, tuple[str, str]] = {
    "many types": ("Accept", ",".join(["a/b;q=0.1"] * 2_500)),
    "many qualities": ("Accept", "a/b" + ";q=0" * 6_000),
    "a quality without end": ("Accept", "*/*;q=0." + "1" * 20_000),
    "an odd quality": ("Accept", "*/*;q=1e999999999, */*;q=nan, */*;q=inf"),
    "many encodings": ("Accept-Encoding", ",".join(["gzip;q=0"] * 3_000)),
    "many tags": ("If-None-Match", ",".join(['W/"x"'] * 4_000)),
    "a range without end": ("Range", "bytes=0-" + "9" * 20_000),
    "many ranges": ("Range", "bytes=" + ",".join(["0-1"] * 6_000)),
    "a range that is empty": ("Range", "bytes=-0"),
    "many cookies": ("Cookie", "; ".join(["gofer-session=x"] * 1_500)),
    "cookies of nothing": ("Cookie", ";" * 25_000),
    "many proxies": ("X-Forwarded-For", ",".join(["1.1.1.1"] * 3_000)),
    "brackets": ("X-Forwarded-For", "[" * 25_000),
    "a host without end": ("Origin", "http://" + "a." * 12_000),
    "a host of brackets": ("Origin", "http://" + "[" * 20_000),
    "parameters of a type": ("Content-Type", "application/json" + "; a=b" * 5_000),
    "digests": ("Content-Digest", ", ".join(["md5=:x:"] * 3_000)),
    "a language": ("Accept-Language", ",".join(["a"] * 12_000)),
}


# The trigger of these tests never runs, and so does not answer.
AWAY = ("GET /api/v1/triggers/{trigger}/debug", 503)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.timeout(60)
def test_headers(world: World, name: str) -> None:
    """On every route, the websockets among them."""
    header, value = HEADERS[name]
    wrong = []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.method in ("GET", "WS")):
            request = route.request(world.names)
            headers = {**request.headers, "Authorization": f"Bearer {world.root}", header: value}
            status = connection.ask(request.method, request.path, headers).status
            if status >= 500 and (route.name, status) != AWAY:
                wrong.append((route.name, status))
    assert wrong == []


@pytest.mark.timeout(60)
def test_queries(world: World) -> None:
    for query in (
        "&" * 20_000,
        "a=1&" * 5_000,
        "kind=x&" * 3_000,
        "%" * 20_000,
        "%2" * 10_000,
        "contains=" + quote("(a+)+$" * 30),
        "contains=" + quote(".*" * 100),
        "contains=" + "%5b" * 200,
        "kind=" + "run.*%26" * 5,
    ):
        for path in ("/api/v1/events", "/api/v1/system/logs", f"{BASE}/runs"):
            assert world.ask("GET", f"{path}?{query}", world.root).status < 500, query[:40]


@pytest.mark.timeout(60)
def test_patterns_of_names_and_namespaces(world: World) -> None:
    """`*` is looked for from left to right, and never tried anew: many of them cost no more than one."""
    pattern = "a*" * 31 + "b"
    grants = [{"resources": ["*"], "actions": ["*"], "names": [pattern, f"{pattern}/{pattern}", "*a" * 31]}]
    assert world.call("PUT", "/api/v1/roles/spare", {"permissions": grants}).status == 200
    token = world.make_token(["spare"], ["a*" * 31 + "b", "*a" * 31, "h*e*r*e"])[1]
    for name in ("a" * 64, "ab" * 32, "a" * 63 + "c"):
        for path in (f"/api/v1/namespaces/{name}", f"{BASE}/pipelines/{name}", f"{BASE}/runs", "/api/v1/namespaces"):
            assert world.ask("GET", path, token).status in (200, 403, 404), path
