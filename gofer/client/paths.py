"""The API's paths. Ids are checked here, so that nothing a person typed can name another path."""

from __future__ import annotations

from gofer.models.ids import check_id

API = "/api/v1"
NAMESPACES = f"{API}/namespaces"
COMMON_TASKS = f"{API}/common-tasks"
TRIGGERS = f"{API}/triggers"
ROLES = f"{API}/roles"
EVENTS = f"{API}/events"
EVENT_STREAM = f"{API}/events/stream"
VALIDATE = f"{API}/manifests/validate"
GRAPH = f"{API}/manifests/graph"
INFO = f"{API}/system/info"
SETTINGS = f"{API}/system/settings"
RELOAD = f"{API}/system/reload"
INGRESS = f"{API}/system/ingress"
CHECKS = f"{API}/system/checks"
BACKUP = f"{API}/system/backup"
ROTATE_KEY = f"{API}/system/secrets/rotate-key"
TOKENS = f"{API}/tokens"
TRIGGERS = f"{API}/triggers"
WHOAMI = f"{API}/whoami"
BOOTSTRAP = f"{API}/bootstrap"
OWN_LOG = f"{API}/system/logs"
OWN_LOG_STREAM = f"{API}/system/logs/stream"


def namespace(namespace_id: str) -> str:
    """Path of a namespace. Raises InvalidInput where it is not an id, as all functions here do."""
    return f"{NAMESPACES}/{check_id(namespace_id, 'namespace')}"


def common_task(common_task_id: str) -> str:
    """Path of a common task."""
    return f"{COMMON_TASKS}/{check_id(common_task_id, 'common task')}"


def trigger(trigger_id: str) -> str:
    """Path of a trigger."""
    return f"{TRIGGERS}/{check_id(trigger_id, 'trigger')}"


def role(role_id: str) -> str:
    """Path of a role."""
    return f"{ROLES}/{check_id(role_id, 'role')}"


def pipelines(namespace_id: str) -> str:
    """Path of a namespace's pipelines."""
    return f"{namespace(namespace_id)}/pipelines"


def pipeline(namespace_id: str, pipeline_id: str) -> str:
    """Path of a pipeline."""
    return f"{pipelines(namespace_id)}/{check_id(pipeline_id, 'pipeline')}"


def versions(namespace_id: str, pipeline_id: str) -> str:
    """Path of a pipeline's versions."""
    return f"{pipeline(namespace_id, pipeline_id)}/versions"


def version(namespace_id: str, pipeline_id: str, number: int) -> str:
    """Path of a version."""
    return f"{versions(namespace_id, pipeline_id)}/{number}"


def export(namespace_id: str, pipeline_id: str) -> str:
    """Path of a pipeline as one document."""
    return f"{pipeline(namespace_id, pipeline_id)}/export"


def import_(namespace_id: str) -> str:
    """Path that takes such a document."""
    return f"{namespace(namespace_id)}/import"


def hold(namespace_id: str, pipeline_id: str, number: int | None, kind: str) -> str:
    """Path of a hold of that kind, on a version, or on the pipeline if `number` is None."""
    owner = pipeline(namespace_id, pipeline_id) if number is None else version(namespace_id, pipeline_id, number)
    return f"{owner}/holds/{kind}"


def deployments(namespace_id: str, pipeline_id: str) -> str:
    """Path of a pipeline's deployments."""
    return f"{pipeline(namespace_id, pipeline_id)}/deployments"


def deployment(namespace_id: str, pipeline_id: str, number: int) -> str:
    """Path of a deployment."""
    return f"{deployments(namespace_id, pipeline_id)}/{number}"


def rollback(namespace_id: str, pipeline_id: str) -> str:
    """Path at which a pipeline goes back to the version before."""
    return f"{pipeline(namespace_id, pipeline_id)}/rollback"


def runs(namespace_id: str, pipeline_id: str | None) -> str:
    """Path of a pipeline's runs, or of all runs of the namespace."""
    if pipeline_id is None:
        return f"{namespace(namespace_id)}/runs"
    return f"{pipeline(namespace_id, pipeline_id)}/runs"


def run(namespace_id: str, pipeline_id: str, number: int) -> str:
    """Path of a run."""
    return f"{pipeline(namespace_id, pipeline_id)}/runs/{number}"


def task(namespace_id: str, pipeline_id: str, number: int, task_id: str) -> str:
    """Path of a task run."""
    return f"{run(namespace_id, pipeline_id, number)}/tasks/{check_id(task_id, 'task')}"


def secrets(namespace_id: str, pipeline_id: str | None) -> str:
    """Path of a pipeline's secrets, or of the global ones."""
    return f"{API}/secrets" if pipeline_id is None else f"{pipeline(namespace_id, pipeline_id)}/secrets"


def secret(namespace_id: str, pipeline_id: str | None, key: str) -> str:
    """Path of a secret."""
    return f"{secrets(namespace_id, pipeline_id)}/{check_id(key, 'secret')}"


def token(token_id: str) -> str:
    """Path of a token."""
    return f"{TOKENS}/{check_id(token_id, 'token')}"


def objects(namespace_id: str, pipeline_id: str, number: int | None) -> str:
    """Path of the objects of a run, or of a pipeline if `number` is None."""
    owner = pipeline(namespace_id, pipeline_id) if number is None else run(namespace_id, pipeline_id, number)
    return f"{owner}/objects"


def object_(namespace_id: str, pipeline_id: str, number: int | None, key: str) -> str:
    """Path of an object."""
    return f"{objects(namespace_id, pipeline_id, number)}/{check_id(key, 'object')}"


def subscriptions(namespace_id: str, pipeline_id: str) -> str:
    """Path of a pipeline's subscriptions."""
    return f"{pipeline(namespace_id, pipeline_id)}/subscriptions"


def subscription(namespace_id: str, pipeline_id: str, label: str) -> str:
    """Path of a subscription."""
    return f"{subscriptions(namespace_id, pipeline_id)}/{check_id(label, 'subscription')}"


def trigger_events(trigger_id: str) -> str:
    """Path of what a trigger has told of."""
    return f"{TRIGGERS}/{check_id(trigger_id, 'trigger')}/events"
