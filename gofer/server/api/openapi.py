"""OpenAPI 3.1, generated from the route table and the types that decode its requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from gofer import __version__
from gofer.server.api.body import Body
from gofer.server.api.endpoint import (
    Download,
    Endpoint,
    Input,
    NoBody,
    NoQuery,
    Shapes,
    Socket,
    Stream,
    Text,
    shapes_of,
)
from gofer.server.api.idempotency import MAX_KEY
from gofer.server.api.negotiate import BODY_TYPES
from gofer.server.api.problem import ProblemDetails

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_PROBLEM_REF = {"$ref": "#/components/schemas/ProblemDetails"}

Json = dict[str, Any]

_UPLOAD = "The bytes themselves, of any type; streamed, and limited by `object_store.max_object_bytes`."
_CONDITIONS = {
    "Range": "One range of bytes, such as `bytes=0-99`, `bytes=100-` or `bytes=-10`: answered with 206.",
    "If-Range": "An ETag: Range counts only if the content still has it.",
    "If-None-Match": "ETags: 304 if the content has one of them.",
}

_ABOUT = """Gofer runs short-lived container jobs as pipelines.

Bodies and answers are JSON, or MessagePack with `Content-Type` and `Accept`. Times are milliseconds since the Unix
epoch, UTC. Every error is `application/problem+json` with a hint that says what to do. Lists are paged: pass the `next`
of a page as `cursor` to get the page after it. Writes accept an `Idempotency-Key`: sent again with the same key, a
write is answered as before and not done again."""


_OF_SOCKETS = {400, 401, 403, 404, 422, 426, 429, 500, 503}


def document(endpoints: Sequence[Endpoint], sockets: Sequence[Socket]) -> Json:
    """The whole description."""
    types = [ProblemDetails]
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        shapes = shapes_of(endpoint.handler)
        types += _types(shapes)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, shapes)
    for socket in sockets:
        types += [*socket.sends, *socket.takes]
        paths.setdefault(socket.path, {})["get"] = _websocket(socket)
    (_, schemas) = msgspec.json.schema_components(types, ref_template=_REF)
    routes: list[Endpoint | Socket] = [*endpoints, *sockets]
    for route in routes:
        for shape in shapes_of(route.handler)[:2]:
            schemas |= _components(shape)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gofer", "version": __version__, "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "responses": _problem_responses()},
    }


def _types(shapes: Shapes) -> list[Any]:
    return [shape for shape in (shapes.body, shapes.answer) if shape not in (None, NoBody, Text, Stream, Download)]


def _operation(endpoint: Endpoint, shapes: Shapes) -> Json:
    has_body = endpoint.method in ("POST", "PUT", "PATCH")
    parameters = [*_parameters(shapes.path, "path"), *_parameters(shapes.query, "query")]
    operation: Json = {
        "operationId": _operation_id(endpoint.handler),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": parameters,
        "responses": _responses(endpoint, shapes),
        "x-permission": endpoint.permission,
    }
    if shapes.query is not NoQuery and shapes.query.__doc__:
        operation["description"] = _plain(shapes.query.__doc__)
    if endpoint.keeps and endpoint.method != "GET":
        parameters.append(_key_parameter())
    if endpoint.upload:
        operation["requestBody"] = {"required": False, "description": _UPLOAD, "content": {"*/*": {}}}
        parameters.append(_header("Content-Digest", "Checked when given: `sha-256=:<base64>:` (RFC 9530)."))
    if shapes.answer is Download:
        parameters += [_header(name, text) for name, text in _CONDITIONS.items()]
    if has_body and shapes.body is not NoBody:
        operation["requestBody"] = {
            "required": not Body(shapes.body, endpoint.decode).optional,
            "content": {kind: {"schema": _schema(shapes.body)} for kind in BODY_TYPES},
        }
    return operation


def _responses(endpoint: Endpoint, shapes: Shapes) -> Json:
    responses: Json = {}
    for status in _successes(endpoint):
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if endpoint.content:
            responses[str(status)]["content"] = {kind.partition(";")[0]: {} for kind in endpoint.content}
        elif shapes.answer is Download:
            responses[str(status)]["content"] = {"*/*": {}}
        elif shapes.answer is not None:
            content = {kind: {"schema": _schema(shapes.answer)} for kind in BODY_TYPES}
            responses[str(status)]["content"] = content
    if shapes.answer is Download:
        responses["206"] = {"description": "Partial Content", "content": {"*/*": {}}}
        responses["304"] = {"description": "Not Modified"}
    errors = {400, 401, 403, 406, 422, 429, 500, 503, *endpoint.errors}
    if "{" in endpoint.path:
        errors.add(404)
    if endpoint.method in ("POST", "PUT", "PATCH"):
        errors |= {413, 415}
    return responses | {str(status): _problem(status) for status in sorted(errors) if str(status) not in responses}


def _successes(endpoint: Endpoint) -> Iterable[int]:
    return endpoint.statuses if not isinstance(endpoint.status, int) else (endpoint.status,)


def _websocket(socket: Socket) -> Json:
    shapes = shapes_of(socket.handler)
    sends, takes = ([_schema(shape) for shape in shapes] for shapes in (socket.sends, socket.takes))
    operation: Json = {
        "operationId": _operation_id(socket.handler),
        "summary": f"{socket.summary} (websocket)",
        "tags": [socket.tag],
        "parameters": [*_parameters(shapes.path, "path"), *_parameters(shapes.query, "query")],
        "responses": {"101": {"description": "The websocket is open"}}
        | {
            str(status): _problem(status)
            for status in sorted({400, 401, 403, 404, 422, 426, 429, 500, 503, *socket.errors})
        },
        "x-websocket": {"sends": sends, "takes": takes},
        "x-permission": socket.permission,
    }
    if shapes.query.__doc__:
        operation["description"] = _plain(shapes.query.__doc__)
    return operation


def _parameters(shape: type[Input], place: str) -> list[Json]:
    schema = _own(shape)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": place, "required": place == "path" or name in required, "schema": _optional(field)}
        for name, field in schema.get("properties", {}).items()
    ]


def _optional(schema: Json) -> Json:
    """The schema without null: a parameter cannot be null, it is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**kinds[0], **rest}


def _key_parameter() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Sent again with the same key, the request is answered as before and not done again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
    }


def _header(name: str, description: str) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _own(shape: type[Input]) -> Json:
    (_, components) = msgspec.json.schema_components([shape], ref_template=_REF)
    own: Json = components[shape.__name__]
    return own


def _components(shape: type[Input]) -> Json:
    """What the fields of an Input refer to, such as enums."""
    (_, components) = msgspec.json.schema_components([shape], ref_template=_REF)
    return {name: schema for name, schema in components.items() if name != shape.__name__}


def _schema(shape: Any) -> Json:
    ((schema,), _) = msgspec.json.schema_components([shape], ref_template=_REF)
    return schema


def _problem(status: int) -> Json:
    return {"$ref": f"#/components/responses/{_problem_name(status)}"}


def _problem_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")


def _problem_responses() -> Json:
    statuses = (400, 401, 403, 404, 406, 409, 410, 413, 415, 416, 422, 426, 429, 500, 503)
    content = {"application/problem+json": {"schema": _PROBLEM_REF}}
    return {_problem_name(s): {"description": HTTPStatus(s).phrase, "content": content} for s in statuses}


def _operation_id(handler: Any) -> str:
    module = handler.__module__.rpartition(".")[2]
    return f"{module}_{handler.__name__.strip('_')}"


def _plain(text: str) -> str:
    return " ".join(text.split())
