"""Pipelines as the API shows them."""

from __future__ import annotations

import sqlite3

from gofer.errors import NotFound
from gofer.models.ids import shown
from gofer.models.pipeline import Pipeline
from gofer.server.pipelines.namespaces import require_namespace
from gofer.server.store import deployments, holds, pipelines, runs, versions
from gofer.server.store.database import Transaction
from gofer.server.store.pipelines import PipelineRow


def require_pipeline(connection: sqlite3.Connection | Transaction, namespace: str, pipeline: str) -> PipelineRow:
    """The pipeline's row. Raises NotFound, for the namespace too."""
    row = pipelines.get(connection, namespace, pipeline)
    if row is None:
        require_namespace(connection, namespace)
        hint = f"List what there is with: gofer pipeline list --namespace {namespace}."
        raise NotFound(f"There is no pipeline {shown(pipeline)} in the namespace {shown(namespace)}", hint)
    return row


def pipeline_model(connection: sqlite3.Connection, row: PipelineRow) -> Pipeline:
    """The pipeline with its newest run, and the deployment that is under way."""
    last = runs.get(connection, row.namespace, row.id, row.last_run) if row.last_run else None
    under_way = deployments.under_way(connection, row.key)
    return Pipeline(
        namespace=row.namespace,
        id=row.id,
        name=row.name,
        description=row.description,
        enabled=row.enabled,
        version=row.live_version,
        versions=versions.count(connection, row.key),
        runs=row.last_run,
        created_at=row.created_at,
        modified_at=row.modified_at,
        last_run=last.run if last else None,
        deployment=under_way.number if under_way else None,
        holds=holds.of_version(connection, row.key, holds.PIPELINE),
    )
