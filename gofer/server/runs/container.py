"""From a task to the container that the engine is asked for."""

from __future__ import annotations

from pathlib import PurePosixPath

from gofer.config.settings import Settings
from gofer.engines.scheduler.base import Bind, ContainerSpec, Credentials
from gofer.errors import Refused
from gofer.models.built_in import built_in_of
from gofer.models.ids import shown
from gofer.models.manifest import Mount, Task
from gofer.models.run import VariableSource
from gofer.models.units import parse_size
from gofer.server.pipelines.images import is_image
from gofer.server.runs.active import Ticket
from gofer.server.runs.variables import Unresolved

SERVER_LABEL = "gofer.server"


def attempt_uid(server_id: str, run_key: int, position: int, number: int, at: int) -> str:
    """A name for an attempt that no other attempt of any server ever has.

    `at` keeps it so when a database is restored from a backup and counts its keys again.
    """
    return f"{server_id}{run_key:x}-{position:x}-{number:x}-{at:x}"


def container_name(ticket: Ticket, task_id: str, number: int, uid: str) -> str:
    """What the attempt's container is called: readable first, unique by its end."""
    return f"gofer.{ticket.pipeline[:32]}.{ticket.number}.{task_id[:32]}.{number}.{uid}"


def labels(server_id: str, ticket: Ticket, task_id: str, number: int, uid: str) -> dict[str, str]:
    """The labels by which containers are found again."""
    return {
        SERVER_LABEL: server_id,
        "gofer.namespace": ticket.namespace,
        "gofer.pipeline": ticket.pipeline,
        "gofer.run": str(ticket.number),
        "gofer.task": task_id,
        "gofer.attempt": str(number),
        "gofer.uid": uid,
    }


def build_spec(
    name: str,
    labels: dict[str, str],
    task: Task,
    variables: list[VariableSource],
    settings: Settings,
    way: Bind | None = None,
) -> ContainerSpec:
    """What the engine is asked to run: `task` interpolated; `way` is what has to be mounted for the API.

    Raises Refused for what the server's configuration does not allow.
    """
    _check_allowed(task, settings)
    if not is_image(task.image) and built_in_of(task.image) is None:
        raise Unresolved(
            f"{shown(task.image)} is not the name of an image", "Check the values put into the task's image."
        )
    entrypoint, command = task.entrypoint, task.command
    if task.script is not None:
        entrypoint, command = ["/bin/sh"], ["-e", "-c", task.script]
    return ContainerSpec(
        name=name,
        labels=labels,
        image=task.image,
        pull=task.pull,
        credentials=_credentials(task),
        entrypoint=entrypoint,
        command=command,
        environment={v.name: v.value for v in variables},
        working_directory=task.working_directory,
        user=task.user,
        cpu=task.limits.cpu,
        memory=parse_size(task.limits.memory) if task.limits.memory else None,
        network=task.network,
        mounts=(
            *(Bind(source=m.source, target=m.target, read_only=m.read_only) for m in task.mounts),
            *([way] if way is not None else []),
        ),
        privileged=task.privileged,
    )


def _credentials(task: Task) -> Credentials | None:
    if task.registry is None:
        return None
    return Credentials(user=task.registry.user, password=task.registry.password_secret)


def _check_allowed(task: Task, settings: Settings) -> None:
    if task.privileged and not settings.allow_privileged:
        raise Refused("privileged containers are not allowed here", "An administrator can set allow_privileged = true.")
    if task.network is not None and task.network not in settings.allowed_networks:
        raise Refused(
            f'the network "{task.network}" is not allowed here',
            "An administrator can add it to allowed_networks in the server's configuration.",
        )
    for mount in task.mounts:
        if not _mount_allowed(mount, settings.allowed_mounts):
            raise Refused(
                f'mounting "{mount.source}" is not allowed here',
                "An administrator can add the folder to allowed_mounts in the server's configuration.",
            )


def _mount_allowed(mount: Mount, allowed: list[str]) -> bool:
    source = PurePosixPath(mount.source)
    return ".." not in source.parts and any(source.is_relative_to(folder) for folder in allowed)
