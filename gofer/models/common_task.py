"""Common tasks and notifications, as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

from gofer.models.manifest import PullPolicy, Registry

NotificationStatus = Literal["pending", "sent", "failed"]


class CommonTask(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A task that an administrator has installed once, for the pipelines of the `namespaces` (names, or patterns with
    `*`). Times in milliseconds since the epoch.

    `variables` are what its container is given; global_secret{{key}} in a value is replaced when it starts. Who may
    not change the common task sees `…` in place of each value.
    """

    id: str
    description: str = ""
    image: str
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    variables: dict[str, str] = {}
    registry: Registry | None = None
    pull: PullPolicy = "if_not_present"
    namespaces: list[str]
    enabled: bool
    created_at: int
    created_by: str = ""
    modified_at: int
    modified_by: str = ""


class InstallCommonTask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/common-tasks`. `image`: a container's, or `builtin:NAME`. `namespaces` absent: all."""

    id: str
    image: str
    description: str = ""
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    variables: dict[str, str] = {}
    registry: Registry | None = None
    pull: PullPolicy = "if_not_present"
    namespaces: list[str] | None = None


class UpgradeCommonTask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `PATCH /api/v1/common-tasks/{common_task}`: what is left out stays as it is.

    Of `variables` those that are named get that value; null takes one away. An empty `entrypoint` or `command` is the
    image's own again.
    """

    image: str | None = None
    description: str | None = None
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    variables: dict[str, str | None] = {}
    registry: Registry | None = None
    pull: PullPolicy | None = None
    namespaces: list[str] | None = None


class CommonTaskChanged(msgspec.Struct, kw_only=True):
    """Answer to an installation or a change: what it is now, and what looks like a mistake."""

    common_task: CommonTask
    warnings: list[str] = []


class CommonTaskDeleted(msgspec.Struct, kw_only=True):
    """Answer of `DELETE /api/v1/common-tasks/{common_task}`. `pipelines`: those whose live version uses it, as
    `namespace/pipeline`; what they do with it fails from now on."""

    pipelines: list[str]


class Notification(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a notifier has told, or is to tell, of a run that has ended. Times in milliseconds since the epoch.

    `attempts` counts the tries; `next_at` says when the next one is due while it is `pending`. `detail` says what went
    wrong; `output` is the end of what the last try has printed.
    """

    label: str
    common_task: str
    status: NotificationStatus
    attempts: int = 0
    detail: str = ""
    output: str = ""
    created_at: int
    next_at: int | None = None
    ended_at: int | None = None
