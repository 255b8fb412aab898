"""The API's description: complete, valid, true, and readable without the internet."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest

from gofer.models.event import Kind
from gofer.server.routes import endpoints, sockets
from tests.integration.api.server import ServerThread
from tests.support.until import until

# Parameters of queries that cannot be left out.
WANTED = {"pattern": "o"}
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def document(server: ServerThread) -> Any:
    answer = server.ask("GET", "/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(each) for each in part.values()))
    return set().union(*(references(each) for each in part)) if isinstance(part, list) else set()


def test_every_route_is_described(document: Any) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    declared = {(e.method, e.path) for e in endpoints()} | {("GET", s.path) for s in sockets()}
    assert declared < described
    assert described - declared == {("GET", "/metrics"), ("GET", "/api/openapi.json"), ("GET", "/api/docs")}


def test_operations_have_names_of_their_own(document: Any) -> None:
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_schemas_are_schemas(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_path_parameters_are_those_of_the_path(document: Any) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            given = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path)), path


def test_answers_are_as_described(server: ServerThread, pipeline: str, document: Any) -> None:
    number = server.api.start("plain")
    server.api.ended("plain", number)
    for path, more in ((f"{pipeline}/secrets/key", {}), ("/api/v1/secrets/key", {"namespaces": ["*"]})):
        assert server.send_json("PUT", path, {"value": "some value", **more}).status == 201
    for place in (pipeline, f"{pipeline}/runs/{number}"):
        assert server.ask("PUT", f"{place}/objects/key", b"x").status == 201
    names = {"namespace": "default", "pipeline": "plain", "run": number, "version": 1, "task": "one", "key": "key"}
    names["token"] = server.new_token(["viewer"]).token.id
    names["role"] = "viewer"
    names["deployment"] = 1
    names["common_task"] = "debug"
    common_task = {"id": "debug", "image": "builtin:debug", "variables": {"A": "b"}}
    assert server.send_json("POST", "/api/v1/common-tasks", common_task).status == 201
    names["trigger"] = "ticker"
    server.api.post("triggers", {"id": "ticker", "image": "builtin:interval"})
    until(lambda: server.api.get("triggers/ticker")["state"] == "healthy", "the trigger is healthy")
    names["label"] = "added"
    added = {"label": "added", "trigger": "ticker", "settings": {"every": "1h"}}
    assert server.send_json("POST", f"{pipeline}/subscriptions", added).status == 201
    for path, item in document["paths"].items():
        operation = item.get("get")
        if operation is None or "200" not in operation["responses"]:
            continue
        schema = operation["responses"]["200"]["content"].get("application/json", {}).get("schema")
        asked = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query" and one.get("required")]
        real = f"{path.format(**names)}?{urlencode({name: WANTED[name] for name in asked})}"
        answer = server.ask("GET", real)
        assert answer.status == 200, real
        if schema:
            jsonschema.validate(answer.json, {**schema, "components": document["components"]})


def test_problems_are_as_described(server: ServerThread, document: Any) -> None:
    schema = {"$ref": "#/components/schemas/ProblemDetails", "components": document["components"]}
    for answer in (server.ask("GET", "/nothing"), server.ask("GET", "/api/v1/namespaces?limit=0")):
        jsonschema.validate(answer.problem, schema)


class Page(HTMLParser):
    """Collects what matters of the page, and that its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("href", "src", "action"):
                self.links.append(value or "")
            if name == "id":
                self.anchors.add(value or "")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_needs_nothing_from_elsewhere(server: ServerThread, document: Any) -> None:
    answer = server.ask("GET", "/api/docs")
    page = Page(answer.body.decode())
    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert {link.lstrip("#") for link in page.links if link.startswith("#")} <= page.anchors
    assert {link for link in page.links if not link.startswith("#")} == {"/api/openapi.json", "/login"}
    for path in document["paths"]:
        assert path in answer.body.decode()


def test_page_may_use_its_own_style_and_nothing_else(server: ServerThread) -> None:
    answer = server.ask("GET", "/api/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"


def test_docs_name_every_route() -> None:
    text = (DOCS / "api.md").read_text()
    short = {
        "/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}": "T",
        "/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}": "R",
        "/api/v1/namespaces/{namespace}/pipelines/{pipeline}": "P",
        "/api/v1/namespaces/{namespace}": "N",
    }
    for method, path in [*((e.method, e.path) for e in endpoints()), *(("WS", s.path) for s in sockets())]:
        for long, letter in short.items():
            path = path.replace(long, letter)
        lines = [line for line in text.splitlines() if line.startswith("|") and f"`{path}`" in line]
        assert any(method in line.split("|")[1] for line in lines), f"{method} {path}"


def test_docs_name_every_event() -> None:
    # Kinds have a dot; fields and reasons, of which there are tables too, have none.
    rows = set(re.findall(r"^\| `([a-z_]+\.[a-z._]+)` \|", (DOCS / "events.md").read_text(), re.MULTILINE))
    assert rows == {kind.value for kind in Kind}


def test_docs_name_every_figure(server: ServerThread) -> None:
    text = (DOCS / "api.md").read_text()
    server.ask("GET", "/healthz")
    for name in re.findall(r"^# TYPE (gofer_\w+)", server.ask("GET", "/metrics").body.decode(), re.MULTILINE):
        assert f"`{name}`" in text, name


def test_document_is_the_same_each_time(server: ServerThread) -> None:
    first = server.ask("GET", "/api/openapi.json").body
    assert first == server.ask("GET", "/api/openapi.json").body
    assert json.loads(first)["openapi"] == "3.1.0"
