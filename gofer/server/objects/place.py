"""Where an object belongs, and what is said where there is nothing."""

from __future__ import annotations

from typing import NamedTuple

from gofer.errors import Conflict, NotFound
from gofer.models.ids import shown
from gofer.models.object import Object
from gofer.server.store import namespaces, objects, pipelines
from gofer.server.store.objects import ObjectRow, Spot
from gofer.server.store.transaction import Readable


class Place(NamedTuple):
    """A pipeline, or one of its runs (`run` is its number)."""

    namespace: str
    pipeline: str
    run: int | None = None

    def __str__(self) -> str:
        if self.run is None:
            return f"the pipeline {shown(self.pipeline)}"
        return f"run {self.run} of the pipeline {shown(self.pipeline)}"

    @property
    def command(self) -> str:
        """The command line's group, and how it names the place."""
        where = "" if self.namespace == namespaces.DEFAULT else f" --namespace {self.namespace}"
        if self.run is None:
            return f"gofer pipeline store {{}} {self.pipeline}{where}"
        return f"gofer run store {{}} {self.pipeline} {self.run}{where}"


def resolve(connection: Readable, place: Place) -> Spot:
    """The keys of a place. Raises NotFound for the namespace, the pipeline or the run, whichever is not there."""
    return _look(connection, place, keep=0)[0]


def resolve_for_new(connection: Readable, place: Place, keep: int) -> Spot:
    """The same for an object that is to come. Raises Conflict, too, if it would go at once, as the run has ended and
    more than `keep` further runs were started (0: it would stay)."""
    spot, expired = _look(connection, place, keep)
    if expired and keep:
        raise Conflict(
            f"The objects of {place} have expired",
            f"{_how_long(keep)} Put it at a newer run or at the pipeline.",
        )
    return spot


def model(place: Place, row: ObjectRow) -> Object:
    """The object as it is shown."""
    return Object(
        namespace=place.namespace,
        pipeline=place.pipeline,
        run=place.run,
        key=row.name,
        size=row.size,
        sha256=row.digest,
        content_type=row.content_type,
        created_at=row.created_at,
        modified_at=row.modified_at,
        created_by=row.created_by,
    )


def require_row(connection: Readable, place: Place, key: str, keep: int) -> ObjectRow:
    """The object of that key. Raises NotFound; `keep` is for how many further runs those of a run are kept."""
    spot, expired = _look(connection, place, keep)
    row = objects.get(connection, spot, key)
    if row is None:
        hint = f"List what there is with: {place.command.format('list')}."
        if expired and keep:
            hint = _how_long(keep)
        raise NotFound(f"There is no object {shown(key)} at {place}", hint)
    return row


def _look(connection: Readable, place: Place, keep: int) -> tuple[Spot, bool]:
    pipeline = pipelines.get(connection, place.namespace, place.pipeline)
    if pipeline is None:
        raise _no_pipeline(connection, place)
    if place.run is None:
        return Spot(pipeline.key), False
    run = objects.run_state(connection, pipeline.key, place.run, keep)
    if run is None:
        raise NotFound(
            f"There is no run {place.run} of the pipeline {shown(place.pipeline)}"
            f" in the namespace {shown(place.namespace)}",
            f"List its runs with: gofer run list {place.pipeline}.",
        )
    return Spot(pipeline.key, run.key, place.run), run.old and run.status.ended


def _no_pipeline(connection: Readable, place: Place) -> NotFound:
    if namespaces.get(connection, place.namespace) is None:
        return NotFound(f"There is no namespace {shown(place.namespace)}", "List them with: gofer namespace list.")
    return NotFound(
        f"There is no pipeline {shown(place.pipeline)} in the namespace {shown(place.namespace)}",
        f"List what there is with: gofer pipeline list --namespace {place.namespace}.",
    )


def _how_long(keep: int) -> str:
    runs = "1 further run" if keep == 1 else f"{keep} further runs"
    return f"Objects of a run are kept for {runs} (setting object_store.run_object_expiry)."
