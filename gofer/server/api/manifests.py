"""Manifests that are not registered: check one, draw one."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from gofer.errors import InvalidInput, Problem
from gofer.models.manifest import Manifest
from gofer.server.api.endpoint import Call, Endpoint, Input, NoPath, NoQuery, Text
from gofer.server.pipelines.decode import decode_manifest
from gofer.server.pipelines.validate import validate

TAG = "manifests"

GraphFormat = Literal["text", "mermaid", "svg"]

GRAPH_CONTENT = ("text/plain; charset=utf-8", "text/vnd.mermaid; charset=utf-8", "image/svg+xml")


class GraphQuery(Input, frozen=True):
    format: GraphFormat = "text"


class Validation(msgspec.Struct, kw_only=True):
    """Everything that is wrong with a manifest; empty if it may be registered."""

    problems: list[Problem]


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="POST",
            path="/api/v1/manifests/validate",
            handler=_validate,
            summary="Find everything that is wrong with a manifest",
            tag=TAG,
            permission="pipelines:read",
            filtered=True,
            decode=decode_manifest,
            keeps=False,
        ),
        Endpoint(
            method="POST",
            path="/api/v1/manifests/graph",
            handler=_graph,
            summary="Draw the graph of a manifest",
            tag=TAG,
            permission="pipelines:read",
            filtered=True,
            content=GRAPH_CONTENT,
            decode=decode_manifest,
            keeps=False,
        ),
    ]


def drawn(manifest: Manifest, form: GraphFormat) -> Text:
    """The graph of a valid manifest."""
    # Few servers draw.
    from gofer.server.pipelines.render import to_mermaid, to_svg, to_text

    if form == "svg":
        return Text(to_svg(manifest).encode(), GRAPH_CONTENT[2])
    if form == "mermaid":
        return Text(to_mermaid(manifest).encode(), GRAPH_CONTENT[1])
    return Text(to_text(manifest).encode(), GRAPH_CONTENT[0])


async def _validate(call: Call[NoPath, NoQuery, Manifest]) -> Validation:
    return Validation(problems=await asyncio.to_thread(validate, call.body))


async def _graph(call: Call[NoPath, GraphQuery, Manifest]) -> Text:
    # The largest manifests take most of a second: not in the event loop.
    problems = await asyncio.to_thread(validate, call.body)
    if problems:
        raise InvalidInput("A manifest with problems cannot be drawn.", "Mend them first.", problems)
    return await asyncio.to_thread(drawn, call.body, call.query.format)
