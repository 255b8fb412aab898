"""Pipelines: register, look up, enable, delete, draw."""

from __future__ import annotations

import asyncio

import msgspec

from gofer.errors import Conflict, Unavailable
from gofer.models.manifest import Manifest
from gofer.models.page import Page
from gofer.models.pipeline import Pipeline, Registered, UpdatePipeline
from gofer.models.remark import Remark
from gofer.server.api import namespaces, paging
from gofer.server.api.author import author
from gofer.server.api.endpoint import (
    Call,
    Endpoint,
    Input,
    NamespacePath,
    NoBody,
    NoQuery,
    Number,
    PageQuery,
    PipelinePath,
    Text,
)
from gofer.server.api.manifests import GRAPH_CONTENT, GraphFormat, drawn
from gofer.server.api.may_deploy import check_deploys
from gofer.server.api.may_subscribe import check_triggers
from gofer.server.auth.caller import Caller
from gofer.server.auth.escalate import check_gives_run_token
from gofer.server.pipelines.decode import decode_manifest
from gofer.server.pipelines.interpolation import secret_references
from gofer.server.pipelines.register import Registering
from gofer.server.services import Services
from gofer.server.store.database import Transaction

ALL = namespaces.ONE + "/pipelines"
ONE = ALL + "/{pipeline}"
TAG = "pipelines"


class GraphQuery(Input, frozen=True):
    """`version` absent: the live one."""

    format: GraphFormat = "text"
    version: Number | None = None


class RegisterQuery(Input, frozen=True):
    """`deploy` false: the version is stored, and goes live when it is deployed. `force`: a deployment that is under way
    is aborted first. `notes`: what there is to say of the version."""

    deploy: bool = True
    force: bool = False
    notes: Remark = ""


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=ALL,
            handler=_list,
            summary="List the pipelines of a namespace",
            tag=TAG,
            permission="pipelines:read",
            filtered=True,
        ),
        Endpoint(
            method="POST",
            path=ALL,
            handler=_register,
            summary="Register a manifest: a new pipeline (201), or a new version of one (200)",
            tag=TAG,
            permission="pipelines:write",
            filtered=True,
            named=_registered_name,
            status=_registered_status,
            statuses=(200, 201),
            decode=decode_manifest,
            errors=(409,),
        ),
        Endpoint(method="GET", path=ONE, handler=_get, summary="Get a pipeline", tag=TAG, permission="pipelines:read"),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=_update,
            summary="Enable or disable a pipeline",
            tag=TAG,
            permission="pipelines:write",
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=_delete,
            summary="Delete a pipeline with its versions, runs, objects and logs",
            tag=TAG,
            permission="pipelines:delete",
            status=204,
            errors=(409,),
        ),
        Endpoint(
            method="GET",
            path=ONE + "/graph",
            handler=_graph,
            summary="Draw the graph of a pipeline",
            tag=TAG,
            permission="pipelines:read",
            content=GRAPH_CONTENT,
        ),
    ]


def _registered_status(registered: Registered) -> int:
    return 201 if registered.created else 200


def _registered_name(manifest: Manifest) -> tuple[str, ...]:
    return (manifest.id,)


async def _list(call: Call[NamespacePath, PageQuery, NoBody]) -> Page[Pipeline]:
    cursor = paging.text("pipelines", call.query.cursor)
    seen = call.caller.sight("pipelines:read").pipelines_of(call.path.namespace)
    found = await call.services.pipelines.list(call.path.namespace, cursor, call.query.limit, seen)
    found.items = [shown_to(call.caller, one) for one in found.items]
    return paging.page("pipelines", found)


def shown_to(caller: Caller, pipeline: Pipeline) -> Pipeline:
    """Its last run, with its parameters, is for those alone who may look at its runs."""
    if pipeline.last_run is None or caller.may("runs:read", pipeline.namespace, (pipeline.id,)):
        return pipeline
    return msgspec.structs.replace(pipeline, last_run=None)


async def _register(call: Call[NamespacePath, RegisterQuery, Manifest]) -> Registered:
    query, namespace = call.query, call.path.namespace
    if query.deploy:
        check_deploys(call.caller, namespace, call.body.id)
    if any(task.inject_api_token for task in call.body.tasks):
        check_gives_run_token(call.caller, call.services.registry.rights_of_run(namespace))
    named = {one.trigger for one in call.body.subscriptions}
    await check_triggers(call.caller, call.services, namespace, named)
    how = Registering(query.deploy, query.force, query.notes, await author(call))

    def remember(tx: Transaction, registered: Registered) -> None:
        if call.remember is not None:
            call.remember(tx, narrowed(registered))

    def narrowed(registered: Registered) -> Registered:
        found = msgspec.structs.replace(registered, pipeline=shown_to(call.caller, registered.pipeline))
        # What an earlier version holds is for those alone who may look at it.
        if not call.caller.may("pipelines:read", call.path.namespace, (call.body.id,)):
            found.compared_with, found.changes = 0, []
        return found

    registered = narrowed(await call.services.pipelines.register(namespace, call.body, how, also=remember))
    registered.warnings += await unset_secrets(call.services, namespace, call.body)
    return registered


async def unset_secrets(services: Services, namespace: str, manifest: Manifest) -> list[str]:
    """A warning for each secret that is named and not there: it would fail a run if that started now."""
    used = secret_references(manifest)
    try:
        unset = await services.secrets.unset(namespace, manifest.id, used) if used else ()
    except (Conflict, Unavailable) as error:
        return [f"The secrets that the pipeline names cannot be looked up: {error.message}. {error.hint}"]
    return [_unset(kind, key, namespace, manifest.id) for kind, key in unset]


def _unset(kind: str, key: str, namespace: str, pipeline: str) -> str:
    where = (
        f"--pipeline {pipeline} --namespace {namespace}" if kind == "secret" else f"--global --namespaces {namespace}"
    )
    return f"{kind}{{{{{key}}}}} is not set yet: gofer secret put {key} {where}"


async def _get(call: Call[PipelinePath, NoQuery, NoBody]) -> Pipeline:
    return shown_to(call.caller, await call.services.pipelines.get(call.path.namespace, call.path.pipeline))


async def _update(call: Call[PipelinePath, NoQuery, UpdatePipeline]) -> Pipeline:
    at = call.path
    changed = await call.services.pipelines.set_enabled(at.namespace, at.pipeline, call.body.enabled)
    return shown_to(call.caller, changed)


async def _delete(call: Call[PipelinePath, NoQuery, NoBody]) -> None:
    at = call.path
    await call.services.pipelines.delete(at.namespace, at.pipeline)
    call.services.secret_tidier.notice()
    call.services.objects.pipeline_deleted()
    await call.services.logs.delete_pipeline(at.namespace, at.pipeline)


async def _graph(call: Call[PipelinePath, GraphQuery, NoBody]) -> Text:
    at = call.path
    version = await call.services.versions.get(at.namespace, at.pipeline, call.query.version)
    return await asyncio.to_thread(drawn, version.manifest, call.query.format)
