"""Events: what happened, numbered in the order in which it was stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """`noun.verb`. A stored kind is never renamed."""

    NAMESPACE_CREATED = "namespace.created"
    NAMESPACE_UPDATED = "namespace.updated"
    NAMESPACE_DELETED = "namespace.deleted"
    PIPELINE_CREATED = "pipeline.created"
    PIPELINE_ENABLED = "pipeline.enabled"
    PIPELINE_DISABLED = "pipeline.disabled"
    PIPELINE_DELETED = "pipeline.deleted"
    VERSION_REGISTERED = "version.registered"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_DELETED = "subscription.deleted"
    RUN_QUEUED = "run.queued"
    RUN_STARTED = "run.started"
    RUN_CANCELLING = "run.cancelling"
    RUN_ENDED = "run.ended"
    TASKRUN_QUEUED = "taskrun.queued"
    TASKRUN_STARTING = "taskrun.starting"
    TASKRUN_RUNNING = "taskrun.running"
    TASKRUN_RETRYING = "taskrun.retrying"
    TASKRUN_CANCELLING = "taskrun.cancelling"
    TASKRUN_ENDED = "taskrun.ended"
    IMAGE_PULLING = "image.pulling"
    IMAGE_PULLED = "image.pulled"
    ROLE_CREATED = "role.created"
    ROLE_UPDATED = "role.updated"
    ROLE_DELETED = "role.deleted"
    OBJECT_PUT = "object.put"
    OBJECT_DELETED = "object.deleted"
    OBJECT_EVICTED = "object.evicted"
    OBJECTS_EXPIRED = "objects.expired"
    SECRET_PUT = "secret.put"
    SECRET_DELETED = "secret.deleted"
    SECRET_REVEALED = "secret.revealed"
    SECRETS_ROTATED = "secrets.rotated"
    TOKEN_CREATED = "token.created"
    TOKEN_CHANGED = "token.changed"
    TOKEN_ENABLED = "token.enabled"
    TOKEN_DISABLED = "token.disabled"
    TOKEN_ROTATED = "token.rotated"
    TOKEN_DELETED = "token.deleted"
    TOKEN_EXPIRED = "token.expired"
    COMMON_TASK_INSTALLED = "commontask.installed"
    COMMON_TASK_UPGRADED = "commontask.upgraded"
    COMMON_TASK_ENABLED = "commontask.enabled"
    COMMON_TASK_DISABLED = "commontask.disabled"
    COMMON_TASK_UNINSTALLED = "commontask.uninstalled"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    TRIGGER_INSTALLED = "trigger.installed"
    TRIGGER_UPGRADED = "trigger.upgraded"
    TRIGGER_ENABLED = "trigger.enabled"
    TRIGGER_DISABLED = "trigger.disabled"
    TRIGGER_UNINSTALLED = "trigger.uninstalled"
    TRIGGER_STARTED = "trigger.started"
    TRIGGER_ENDED = "trigger.ended"
    TRIGGER_FAILED = "trigger.failed"
    TRIGGER_EVENT = "trigger.event"
    LOGS_EXPIRED = "logs.expired"
    EVENTS_PRUNED = "events.pruned"
    ENGINE_UNAVAILABLE = "engine.unavailable"
    ENGINE_AVAILABLE = "engine.available"
    STORE_FAULT = "store.fault"
    STORE_RECOVERED = "store.recovered"
    BACKUP_TAKEN = "backup.taken"
    BACKUP_RESTORED = "backup.restored"
    INGRESS_CLOSED = "ingress.closed"
    INGRESS_OPENED = "ingress.opened"
    SERVER_STARTED = "server.started"
    SERVER_RELOADED = "server.reloaded"
    SERVER_MISCONFIGURED = "server.misconfigured"
    SERVER_STOPPING = "server.stopping"
    AUDIT_WRITE = "audit.write"
    AUDIT_REVEAL = "audit.reveal"
    AUDIT_ATTACH = "audit.attach"
    AUDIT_LOGIN = "audit.login"
    AUDIT_REFUSED = "audit.refused"


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One fact. `data` depends on the kind and is documented in docs/events.md; absent fields do not apply."""

    seq: int
    at: int
    kind: str
    namespace: str = ""
    pipeline: str = ""
    run: int | None = None
    task: str = ""
    data: dict[str, Any] = {}
