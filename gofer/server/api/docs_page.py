"""The API's documentation as one page: no scripts, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

Json = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; --code: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .92em; background: var(--code); border-radius: .2rem; }
code { padding: 0 .2rem; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .4rem 0; display: flex; flex-wrap: wrap; gap: 0 .5rem; align-items: baseline; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\25B8"; color: var(--dim); }
details[open] > summary::before { content: "\\25BE"; }
summary b { min-width: 4.5rem; }
summary span { color: var(--dim); margin-left: auto; text-align: right; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 .8rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-top: 1px solid var(--line); }
h3 { margin: .8rem 0 0; font-size: 1rem; }
"""

_METHODS = ("get", "post", "put", "patch", "delete")


def policy() -> bytes:
    """The content security policy of the page: its own style sheet, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'".encode()


def page(document: Json) -> bytes:
    """The OpenAPI document as HTML."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>",
        *(f"<p>{_text(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
        '<p>The same for programs: <a href="/api/openapi.json">openapi.json</a>. '
        'Who you are here, and to sign in or out: <a href="/login">/login</a>.</p>',
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'].capitalize())}</h2>")
        parts += _operations(document, tag["name"])
    parts.append("<h2>Types</h2>")
    parts += [_type(name, schema) for name, schema in document["components"]["schemas"].items()]
    parts.append("</body></html>")
    return "".join(parts).encode()


def _operations(document: Json, tag: str) -> list[str]:
    return [
        _operation(path, method, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and tag in item[method]["tags"]
    ]


def _operation(path: str, method: str, operation: Json) -> str:
    socket = operation.get("x-websocket")
    verb = "WS" if socket is not None else method.upper()
    parts = [
        f"<details><summary><b>{verb}</b> <code>{escape(path)}</code> "
        f"<span>{escape(operation['summary'])}</span></summary>"
    ]
    if "description" in operation:
        parts.append(f"<p>{_text(operation['description'])}</p>")
    if operation["parameters"]:
        parts.append(_parameters(operation["parameters"]))
    if "requestBody" in operation:
        parts.append(f"<h3>Body</h3><p>{_body(operation['requestBody'])}</p>")
    if socket is not None:
        parts.append(_frames(socket))
    parts.append(f"<h3>Answers</h3>{_answers(operation['responses'])}</details>")
    return "".join(parts)


def _body(body: Json) -> str:
    need = "" if body["required"] else " (may be left out)"
    schema = body["content"].get("application/json", {}).get("schema")
    return f"{_kind(schema) if schema else _text(body['description'])}{need}"


def _parameters(parameters: list[Json]) -> str:
    rows = [
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}{'' if p['required'] else ', optional'}</td>"
        f"<td>{_kind(p['schema'])}</td></tr>"
        for p in parameters
    ]
    return f"<h3>Parameters</h3><table>{''.join(rows)}</table>"


def _frames(socket: Json) -> str:
    rows = [f"<tr><td>from the server</td><td>{_kind(schema)}</td></tr>" for schema in socket["sends"]]
    rows += [f"<tr><td>to the server</td><td>{_kind(schema)}</td></tr>" for schema in socket["takes"]]
    return f"<h3>Text frames</h3><table>{''.join(rows)}</table>" if rows else ""


def _answers(responses: Json) -> str:
    rows = []
    for status, answer in responses.items():
        if "$ref" not in answer:
            kinds = answer.get("content", {})
            schema = kinds.get("application/json", {}).get("schema")
            what = _kind(schema) if schema else ", ".join(map(escape, kinds)) or escape(answer["description"])
            rows.append(f"<tr><td>{status}</td><td>{what}</td></tr>")
    errors = ", ".join(status for status, answer in responses.items() if "$ref" in answer)
    problem = _kind({"$ref": "#/components/schemas/ProblemDetails"})
    return f"<table>{''.join(rows)}<tr><td>{errors}</td><td>{problem}</td></tr></table>"


def _type(name: str, schema: Json) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"<tr><td><code>{escape(field)}</code></td><td>{'' if field in required else 'optional'}</td>"
        f"<td>{_kind(kind)}</td></tr>"
        for field, kind in schema.get("properties", {}).items()
    ]
    about = f"<p>{_text(schema['description'])}</p>" if "description" in schema else ""
    body = f"<table>{''.join(rows)}</table>" if rows else f"<p>{_kind(schema)}</p>"
    return (
        f"<details><summary><code>{_shown(escape(name))}</code></summary>"
        # Inside, so that a link to it opens it.
        f'<div id="{escape(name)}">{about}{body}</div></details>'
    )


def _kind(schema: Json) -> str:
    """A schema in a few words, with links to the types it refers to."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{_shown(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"] if value != "")
    if schema.get("type") == "array":
        items = [*schema.get("prefixItems", ()), *([schema["items"]] if schema.get("items") else [])]
        return f"list of {', '.join(map(_kind, items))}" if items else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return escape(schema.get("type", "anything")) + _bounds(schema)


def _shown(name: str) -> str:
    """The name of a type for people: `Page of Run`."""
    outer, _, inner = name.rstrip("_").partition("_")
    return f"{outer} of {inner}" if inner else outer


def _bounds(schema: Json) -> str:
    words = []
    if "minimum" in schema:
        words.append(f"from {schema['minimum']}")
    if "maximum" in schema:
        words.append(f"to {schema['maximum']}")
    if "pattern" not in schema and ("minLength" in schema or "maxLength" in schema):
        words.append(f"{schema.get('minLength', 0)} to {schema.get('maxLength', '…')} characters")
    if "pattern" in schema:
        words.append(f"<code>{escape(schema['pattern'])}</code>")
    if schema.get("default") not in (None, "", [], {}):
        words.append(f"default <code>{escape(str(schema['default']))}</code>")
    return f" ({', '.join(words)})" if words else ""


def _text(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))
