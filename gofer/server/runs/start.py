"""The only door to a run: the API, triggers and retries all come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.event import Kind
from gofer.models.manifest import ParameterValue
from gofer.models.run import Initiator, Run, StartedRun
from gofer.models.status import Reason, RunStatus, TaskStatus
from gofer.server.deployments.after_run import after_run
from gofer.server.deployments.choose import Choice, choose
from gofer.server.deployments.fall_back import instead, refused
from gofer.server.pipelines import holds
from gofer.server.pipelines.parameters import resolve_parameters
from gofer.server.pipelines.versions import no_version
from gofer.server.runs.active import Ticket
from gofer.server.runs.cancel import Canceller
from gofer.server.runs.context import Context
from gofer.server.runs.launch import Launcher
from gofer.server.runs.notify import store_notifications
from gofer.server.runs.plan import Plan
from gofer.server.store import objects, pipelines, runs, task_runs, versions
from gofer.server.store.database import Transaction
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.task_runs import NewTaskRun

Also = Callable[[Transaction, StartedRun], None]
"""More that belongs into the transaction that stores a run, such as the answer kept for an Idempotency-Key."""


class Kept(NamedTuple):
    """What a retry takes over. `task_runs`: all of the new run, those that stay as they ended among them; `run_key`:
    the old run's, whose objects the new one has too."""

    task_runs: Callable[[Transaction, Plan], list[NewTaskRun]]
    run_key: int


class Source(NamedTuple):
    """A run of a pipeline in the same namespace, by its number."""

    pipeline: str
    run: int


class Request(NamedTuple):
    """What to start. `version` None: what the deployment says; `kept` None: every task run is new.

    `pipeline_key`: the pipeline must still be the one with this key, not a later one of the same name.
    `correlation_id`: of the request or the trigger's event that wants the run. `variables`: what a trigger gives it.
    `objects_of`: the objects of that run are the new one's too. `deployment`: the number of the one whose smoke run it
    is.
    """

    namespace: str
    pipeline: str
    parameters: Mapping[str, ParameterValue]
    version: int | None = None
    initiator: Initiator = Initiator()
    retry_of: int | None = None
    kept: Kept | None = None
    pipeline_key: int | None = None
    correlation_id: str = ""
    variables: Mapping[str, str] = MappingProxyType({})
    objects_of: Source | None = None
    deployment: int | None = None


class _Chosen(NamedTuple):
    choice: Choice
    plan: Plan
    parameters: dict[str, ParameterValue]


class _Stored(NamedTuple):
    ticket: Ticket
    run: StartedRun
    replaced: list[int]


class Starter:
    """Validates, picks the version, stores run, task runs and event in one transaction; then puts the run in line."""

    def __init__(self, context: Context, launcher: Launcher, canceller: Canceller) -> None:
        self._context = context
        self._launcher = launcher
        self._canceller = canceller

    async def start(self, request: Request, also: Also | None = None) -> StartedRun:
        """The run, stored. Raises NotFound (pipeline, version, `objects_of`), Conflict (the pipeline is disabled, the
        version is paused), InvalidInput (parameters) or Draining."""
        self._context.ingress.check()
        stored = await self._context.database.write(lambda tx: self._store(tx, request, also))
        self._context.reached("accepted")
        if stored.run.status.ended:
            self._launcher.tell_ended(stored.ticket.pipeline_key)
        else:
            self._launcher.queue.submit(stored.ticket)
        for key in stored.replaced:
            await self._canceller.follow(stored.ticket.pipeline_key, key, Reason.REPLACED)
        return stored.run

    def _store(self, tx: Transaction, request: Request, also: Also | None) -> _Stored:
        row = _startable(tx, request)
        at = self._context.clock.now()
        (version, deployment), plan, parameters = self._chosen(tx, row, request, at)
        fresh = request.kept.task_runs(tx, plan) if request.kept else _all_new(plan)
        status, reason, detail, replaced = _admission(tx, request, row, plan, at)
        new = runs.NewRun(
            row.key, request.namespace, version, status, reason, detail, request.initiator, parameters,
            request.retry_of, len(plan.tasks), at, request.correlation_id, request.variables,
            deployment,
        )  # fmt: skip
        key, number = runs.insert(tx, new)
        if status.ended:
            fresh = [t._replace(status=TaskStatus.CANCELLED, reason=reason, ended_at=at) for t in fresh]
        task_runs.insert(tx, key, fresh)
        if request.kept:
            objects.take_over(tx, request.kept.run_key, objects.Spot(row.key, key, number))
        if request.objects_of:
            source = _source(tx, request.namespace, request.objects_of)
            objects.take_over(tx, source, objects.Spot(row.key, key, number))
        run = _model(request, new, number, holds.warnings(tx, row, version))
        _emit(tx, request, run, key)
        if status.ended:
            store_notifications(tx, plan, row.key, key, status, at)
            after_run(tx, row.key, deployment, version, status, at)
        if also is not None:
            also(tx, run)
        ticket = Ticket(
            key, row.key, request.namespace, request.pipeline, number, version, parameters, plan, at,
            stored=request.kept is not None, correlation_id=request.correlation_id,
            variables=request.variables, deployment=deployment,
        )  # fmt: skip
        return _Stored(ticket, run, replaced)

    def _chosen(self, tx: Transaction, row: PipelineRow, request: Request, at: int) -> _Chosen:
        choice = _choice(tx, row, request)
        try:
            return self._planned(tx, row, request, choice)
        except InvalidInput as problem:
            other = instead(row, choice) if request.version is None else None
            if other is None:
                raise
            chosen = self._planned(tx, row, request, other)
            refused(tx, row, choice, problem, at)
            return chosen

    def _planned(self, tx: Transaction, row: PipelineRow, request: Request, choice: Choice) -> _Chosen:
        plan = self._context.plans.load(tx.connection, row.key, choice.version)
        return _Chosen(choice, plan, resolve_parameters(plan.manifest, _given(plan, request)))


def _choice(tx: Transaction, row: PipelineRow, request: Request) -> Choice:
    if request.version is not None:
        # The plan of one that was deleted may be there still.
        if not versions.exists(tx, row.key, request.version):
            raise no_version(row, request.version)
        holds.require_startable(tx, row, request.version)
        return Choice(request.version, request.deployment)
    return choose(tx, row)


def _given(plan: Plan, request: Request) -> Mapping[str, ParameterValue]:
    """The parameters, and in their place what a trigger says of such as are declared and not given."""
    if not request.variables:
        return request.parameters
    declared = [parameter.name for parameter in plan.manifest.parameters]
    told = {name: request.variables[name] for name in declared if name in request.variables}
    return {**told, **request.parameters}


def _startable(tx: Transaction, request: Request) -> PipelineRow:
    row = pipelines.get(tx.connection, request.namespace, request.pipeline)
    if row is None or request.pipeline_key not in (None, row.key):
        raise NotFound(
            f'there is no pipeline "{request.pipeline}" in the namespace "{request.namespace}"',
            "List what there is with: gofer pipeline list.",
        )
    if not row.enabled:
        raise Conflict(
            f'the pipeline "{request.pipeline}" is disabled',
            f"Enable it with: gofer pipeline enable {request.pipeline}.",
        )
    return row


def _source(tx: Transaction, namespace: str, wanted: Source) -> int:
    """The key of the run whose objects are wanted."""
    row = runs.get(tx.connection, namespace, wanted.pipeline, wanted.run)
    if row is None:
        raise NotFound(
            f'there is no run {wanted.run} of a pipeline "{wanted.pipeline}" in the namespace "{namespace}", whose '
            "objects the new run was to have",
            "Objects are passed on within a namespace, from a run that is still there.",
        )
    return row.key


def _admission(
    tx: Transaction, request: Request, row: PipelineRow, plan: Plan, at: int
) -> tuple[RunStatus, Reason, str, list[int]]:
    """With which status the run is born under its pipeline's policy, and the keys of the runs that give way to it."""
    policy = plan.manifest.parallelism
    # A smoke run is a verdict on its version: it waits for its turn, and takes nobody else's.
    if not policy.limit or policy.on_limit == "queue" or request.initiator.kind == "deployment":
        return RunStatus.QUEUED, Reason.NONE, "", []
    others = [r for r in runs.unfinished_of_pipeline(tx.connection, row.key) if not r.cancelling]
    if len(others) < policy.limit:
        return RunStatus.QUEUED, Reason.NONE, "", []
    if policy.on_limit == "skip":
        detail = f"{len(others)} of at most {policy.limit} runs were on their way"
        return RunStatus.CANCELLED, Reason.PARALLELISM_LIMIT, detail, []
    replaced = [r for r in others if not r.smoke][: len(others) - policy.limit + 1]
    for run in replaced:
        runs.request_cancel(tx, run.key, at, Reason.REPLACED)
        tx.emit(
            Kind.RUN_CANCELLING, at, namespace=request.namespace, pipeline=request.pipeline,
            run=run.number, run_key=run.key, data={"reason": Reason.REPLACED},
        )  # fmt: skip
    return RunStatus.QUEUED, Reason.NONE, "", [run.key for run in replaced]


def _all_new(plan: Plan) -> list[NewTaskRun]:
    return [NewTaskRun(t.node.position, t.node.id, t.node.task.allow_failure) for t in plan.tasks]


def _model(request: Request, new: runs.NewRun, number: int, warnings: list[str]) -> StartedRun:
    return StartedRun(
        namespace=request.namespace,
        pipeline=request.pipeline,
        id=number,
        version=new.version,
        status=new.status,
        reason=new.reason,
        detail=new.detail,
        initiator=new.initiator,
        parameters=new.parameters,
        variables=dict(new.variables),
        retry_of=new.retry_of,
        created_at=new.at,
        ended_at=new.at if new.status.ended else None,
        task_count=new.task_count,
        correlation_id=new.correlation_id,
        deployment=new.deployment,
        warnings=warnings,
    )


def _emit(tx: Transaction, request: Request, run: Run, key: int) -> None:
    where = {"namespace": run.namespace, "pipeline": run.pipeline}
    data: dict[str, object] = {"version": run.version}
    if run.initiator != Initiator():
        data["initiator"] = f"{run.initiator.kind} {run.initiator.name}".strip()
    if run.retry_of is not None:
        data["retry_of"] = run.retry_of
    if run.deployment is not None:
        data["deployment"] = run.deployment
    if run.correlation_id:
        data["correlation_id"] = run.correlation_id
    tx.emit(Kind.RUN_QUEUED, run.created_at, **where, run=run.id, run_key=key, data=data)
    if run.status.ended:
        ended: dict[str, object] = {"status": run.status, "reason": run.reason, "detail": run.detail}
        if run.correlation_id:
            ended["correlation_id"] = run.correlation_id
        tx.emit(Kind.RUN_ENDED, run.created_at, **where, run=run.id, run_key=key, data=ended)
