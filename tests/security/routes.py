"""Every route, websocket and page of a running server, and a request for each that would do something."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import pytest

from gofer.models.manifest import Manifest
from gofer.server.api.dispatch import Dispatcher
from gofer.server.api.endpoint import Endpoint, NoBody, Socket, shapes_of
from gofer.server.api.http_route import HttpRoute
from gofer.server.api.socket_route import SocketRoute
from gofer.server.api.tree import Node
from gofer.server.auth.permission import OPEN, Permission
from gofer.server.pipelines.manifest_hash import manifest_hash
from gofer.server.routes import application
from tests.integration.api.server import ServerThread

WEBSOCKET = "WS"

# What wraps the API, and which paths each answers itself. A new one must say so here, or no test would try them.
PAGES: dict[str, list[tuple[str, str]]] = {
    "HostCheck": [],
    "Authentication": [],
    "Site": [("GET", "/"), ("GET", "/docs"), ("GET", "/docs/"), ("GET", "/docs/index.html")],
}


class Sample(NamedTuple):
    """What a request needs beside its path: `body` as JSON (bytes are sent as they are), `query` in pairs."""

    body: Any = None
    query: tuple[tuple[str, str], ...] = ()


_MANIFEST = {"id": "sample", "tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]}
_EXPORT = {
    "format": "gofer-pipeline",
    "format_version": 1,
    "pipeline": "sample",
    "live_version": 1,
    "versions": [
        {
            "number": 1,
            "hash": manifest_hash(msgspec.convert(_MANIFEST, Manifest)),
            "created_at": 0,
            "manifest": _MANIFEST,
        }
    ],
}
_PERMISSIONS = [{"resources": ["runs"], "actions": ["read"]}]
_SECRET = {"value": "a sample of a value"}

# For routes that take a body or a parameter of the query that may not be left out: one that would do what the route
# is for. Of a websocket: one with which it stays open.
SAMPLES: dict[str, Sample] = {
    "POST /api/v1/tokens": Sample({"roles": ["viewer"], "namespaces": ["here"]}),
    "POST /api/v1/bootstrap": Sample({"code": "guessed"}),
    "WS /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}/attach": Sample(
        query=(("command", "cat"),)
    ),
    "GET /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}/log/search": Sample(
        query=(("pattern", "hello"),)
    ),
    "WS /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}/log/search/stream": Sample(
        query=(("pattern", "hello"),)
    ),
    "WS /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/logs/search/stream": Sample(
        query=(("pattern", "hello"),)
    ),
    "PUT /api/v1/system/ingress": Sample({"open": True}),
    "POST /api/v1/namespaces": Sample({"id": "sample"}),
    "POST /api/v1/common-tasks": Sample({"id": "sample", "image": "builtin:debug"}),
    "PATCH /api/v1/common-tasks/{common_task}": Sample({"description": "changed"}),
    "POST /api/v1/roles": Sample({"id": "sample", "permissions": _PERMISSIONS}),
    "PUT /api/v1/roles/{role}": Sample({"permissions": _PERMISSIONS}),
    "PATCH /api/v1/namespaces/{namespace}": Sample({"description": "changed"}),
    "POST /api/v1/manifests/validate": Sample(_MANIFEST),
    "POST /api/v1/manifests/graph": Sample(_MANIFEST),
    "POST /api/v1/namespaces/{namespace}/pipelines": Sample(_MANIFEST),
    "POST /api/v1/namespaces/{namespace}/import": Sample(_EXPORT),
    "PATCH /api/v1/namespaces/{namespace}/pipelines/{pipeline}": Sample({"enabled": False}),
    "PATCH /api/v1/namespaces/{namespace}/pipelines/{pipeline}/versions/{version}": Sample({"notes": "changed"}),
    "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/holds/{hold}": Sample({"reason": "sample"}),
    "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/versions/{version}/holds/{hold}": Sample(
        {"reason": "sample"}
    ),
    "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/diff": Sample({**_MANIFEST, "id": "main"}),
    "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/deployments": Sample({"version": 2, "force": True}),
    "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/rollback": Sample({"version": 2, "force": True}),
    "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/subscriptions": Sample(
        {"label": "sample", "trigger": "ticker"}
    ),
    "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/secrets/{key}": Sample(_SECRET),
    "POST /api/v1/triggers": Sample({"id": "sample", "image": "builtin:interval", "enabled": False}),
    "POST /api/v1/triggers/probe": Sample({"image": "builtin:interval"}),
    "PATCH /api/v1/triggers/{trigger}": Sample({"enabled": False}),
    "POST /api/v1/session": Sample({"token": "nobody's"}),
    "PUT /api/v1/secrets/{key}": Sample({**_SECRET, "namespaces": ["*"]}),
    "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/objects/{key}": Sample(b"bytes"),
    "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/objects/{key}": Sample(b"bytes"),
}


class Request(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


class Route(NamedTuple):
    """One method of one path. `method` is WS for a websocket. `permission` is None for a page that is no part of the
    API; those are open. `declared` is what it was declared as."""

    method: str
    template: str
    permission: Permission | None
    declared: Endpoint | Socket | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def is_open(self) -> bool:
        """Whether it declares to answer who shows no token."""
        return self.permission is None or self.permission in OPEN

    @property
    def is_websocket(self) -> bool:
        return self.method == WEBSOCKET

    @property
    def names_namespace(self) -> bool:
        return "{namespace}" in self.template

    def path(self, names: Mapping[str, object]) -> str:
        """The path with `names` in the places of its parameters."""
        segments = []
        for segment in self.template.split("/"):
            if segment.startswith("{"):
                if segment[1:-1] not in names:
                    pytest.fail(f"{self.name}: say in World.names of tests/security/world.py what {segment} may be")
                segment = str(names[segment[1:-1]])
            segments.append(segment)
        return "/".join(segments)

    def request(self, names: Mapping[str, object]) -> Request:
        """One that would succeed with a token that may do it. A websocket is asked for its handshake."""
        sample = self._sample()
        path = self.path(names) + (f"?{urlencode(sample.query)}" if sample.query else "")
        if self.is_websocket:
            return Request("GET", path, None, HANDSHAKE)
        if isinstance(sample.body, bytes):
            return Request(self.method, path, sample.body, {"Content-Type": "application/octet-stream"})
        if sample.body is not None:
            return Request(self.method, path, json.dumps(sample.body).encode(), {"Content-Type": "application/json"})
        return Request(self.method, path, None, {})

    def _sample(self) -> Sample:
        if self.name in SAMPLES:
            return SAMPLES[self.name]
        if self.declared is not None:
            shapes = shapes_of(self.declared.handler)
            needs = [field for field in shapes.query.__struct_fields__ if field in _required(shapes.query)]
            takes_bytes = isinstance(self.declared, Endpoint) and (self.declared.upload or self.declared.decode)
            if takes_bytes or needs or (shapes.body is not NoBody and _required(shapes.body)):
                pytest.fail(f'add to SAMPLES in tests/security/routes.py: "{self.name}": a request that would succeed')
            if self.method in ("POST", "PUT", "PATCH") and shapes.body is not NoBody:
                return Sample({})
        return Sample()


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def _required(shape: type[Any]) -> set[str]:
    from msgspec import inspect

    described = inspect.type_info(shape)
    assert isinstance(described, inspect.StructType)
    return {field.name for field in described.fields if field.required}


def routes_of(server: ServerThread) -> list[Route]:
    """Everything that the server answers, found where it looks for it itself."""
    app: Any = application(server.services).app
    found: list[Route] = []
    while not isinstance(app, Dispatcher):
        layer = type(app).__name__
        if layer not in PAGES:
            pytest.fail(f"say in PAGES of tests/security/routes.py which paths {layer} answers itself")
        found += [Route(method, path, None, None) for method, path in PAGES[layer]]
        app = app._app
    found += _in(app._tree._root)
    stale = set(SAMPLES) - {route.name for route in found}
    assert not stale, f"SAMPLES in tests/security/routes.py names what there is not: {sorted(stale)}"
    return found


def _in(node: Node[Any]) -> Iterator[Route]:
    for method, target in node.targets.items():
        if isinstance(target, SocketRoute):
            declared: Endpoint | Socket = target._socket
            yield Route(WEBSOCKET, node.template, declared.permission, declared)
        else:
            assert isinstance(target, HttpRoute)
            declared = target._endpoint
            yield Route(method, node.template, declared.permission, declared)
    for child in (*node.literals.values(), node.child):
        if child is not None:
            yield from _in(child)
