"""A pipeline as one document: export, import."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gofer.models.export import ExportedPipeline, Imported
from gofer.server.api import namespaces, pipelines
from gofer.server.api.author import author
from gofer.server.api.endpoint import Call, Endpoint, Input, NamespacePath, NoBody, PipelinePath
from gofer.server.api.may_deploy import check_deploys
from gofer.server.api.may_subscribe import check_triggers
from gofer.server.auth.escalate import check_gives_run_token
from gofer.server.pipelines.decode_export import decode_export
from gofer.server.pipelines.importing import Importing
from gofer.server.store.database import Transaction

EXPORT = pipelines.ONE + "/export"
IMPORT = namespaces.ONE + "/import"

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class ExportQuery(Input, frozen=True):
    """`versions`: only so many of the newest ones, and the live one; absent: all."""

    versions: Count | None = None


class ImportQuery(Input, frozen=True):
    """`deploy` false: the document's live version does not go live. `force`: the deployment that is under way, if there
    is one, is aborted first."""

    deploy: bool = True
    force: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=EXPORT,
            handler=_export,
            summary="Export a pipeline with its versions as one document, without secrets",
            tag=pipelines.TAG,
            permission="pipelines:read",
        ),
        Endpoint(
            method="POST",
            path=IMPORT,
            handler=_import,
            summary="Import an exported pipeline: a new one (201), or versions that one has not yet (200)",
            tag=pipelines.TAG,
            permission="pipelines:write",
            filtered=True,
            named=_imported_name,
            status=_imported_status,
            statuses=(200, 201),
            errors=(409,),
            decode=decode_export,
        ),
    ]


def _imported_status(imported: Imported) -> int:
    return 201 if imported.created else 200


def _imported_name(document: ExportedPipeline) -> tuple[str, ...]:
    return (document.pipeline,)


async def _export(call: Call[PipelinePath, ExportQuery, NoBody]) -> ExportedPipeline:
    at = call.path
    return await call.services.exporter.export(at.namespace, at.pipeline, call.query.versions)


async def _import(call: Call[NamespacePath, ImportQuery, ExportedPipeline]) -> Imported:
    document, namespace = call.body, call.path.namespace
    manifests = [one.manifest for one in document.versions]
    if call.query.deploy or document.holds or any(one.holds for one in document.versions):
        check_deploys(call.caller, namespace, document.pipeline)
    # Of all versions: any of them may be deployed once it is there.
    if any(task.inject_api_token for manifest in manifests for task in manifest.tasks):
        check_gives_run_token(call.caller, call.services.registry.rights_of_run(namespace))
    subscribed = [*document.subscriptions, *(one for manifest in manifests for one in manifest.subscriptions)]
    await check_triggers(call.caller, call.services, namespace, {one.trigger for one in subscribed})

    def narrowed(imported: Imported) -> Imported:
        return msgspec.structs.replace(imported, pipeline=pipelines.shown_to(call.caller, imported.pipeline))

    def remember(tx: Transaction, imported: Imported) -> None:
        if call.remember is not None:
            call.remember(tx, narrowed(imported))

    how = Importing(call.query.deploy, call.query.force, await author(call))
    imported = narrowed(await call.services.importer.take(namespace, document, how, also=remember))
    live = [one.manifest for one in document.versions if one.number == document.live_version]
    imported.warnings += await pipelines.unset_secrets(call.services, namespace, live[0] if live else manifests[-1])
    return imported
