"""From what Gofer wants to what the Docker Engine's API is told, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gofer.engines.scheduler.base import Container, ContainerSpec, ContainerStatus
from gofer.engines.scheduler.docker_errors import plain

# The largest that the engine takes: nothing is ever rotated away. Gofer removes the log with its container.
_NEVER_ROTATE: Final = {"max-size": "8000p", "max-file": "1", "compress": "false"}
_ROTATING_DRIVERS: Final = frozenset({"local", "json-file"})


class DockerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`host`: the engine's address, "" for DOCKER_HOST or the usual socket. `start_concurrency`: how many containers
    are started at once. `log_driver`: of the containers, "" for the engine's default. `init`: whether a small init
    process runs the command, so that signals reach it and zombies are reaped."""

    host: str = ""
    start_concurrency: int = 6
    log_driver: str = "local"
    init: bool = True


def create_body(spec: ContainerSpec, *, log_driver: str, init: bool) -> dict[str, Any]:
    """The body of a create request. `log_driver` empty: the engine's default."""
    host: dict[str, Any] = {"Init": init, "Privileged": spec.privileged}
    if log_driver:
        options = _NEVER_ROTATE if log_driver in _ROTATING_DRIVERS else {}
        host["LogConfig"] = {"Type": log_driver, "Config": options}
    if spec.cpu is not None:
        host["NanoCpus"] = round(spec.cpu * 1_000_000_000)
    if spec.memory is not None:
        # Without the second, as much again of swap would be allowed.
        host["Memory"] = host["MemorySwap"] = spec.memory
    if spec.network is not None:
        host["NetworkMode"] = spec.network
    if spec.mounts:
        # "Mounts", not "Binds", which make an absent source as an empty folder.
        host["Mounts"] = [
            {"Type": "bind", "Source": m.source, "Target": m.target, "ReadOnly": m.read_only} for m in spec.mounts
        ]
    body: dict[str, Any] = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "HostConfig": host,
    }
    optional = {
        "Entrypoint": None if spec.entrypoint is None else list(spec.entrypoint),
        "Cmd": None if spec.command is None else list(spec.command),
        "WorkingDir": spec.working_directory,
        "User": spec.user,
    }
    return body | {key: value for key, value in optional.items() if value is not None}


def container_of(answer: Mapping[str, Any], image_digest: str) -> Container:
    """A container as the engine describes it when it is inspected."""
    state = answer["State"]
    status = status_of(state["Status"])
    ended = status == "exited"
    return Container(
        name=str(answer["Name"]).removeprefix("/"),
        status=status,
        labels=answer["Config"].get("Labels") or {},
        exit_code=int(state["ExitCode"]) if ended else None,
        oom_killed=ended and bool(state.get("OOMKilled")),
        image_digest=image_digest,
        error=plain(state.get("Error") or "") if ended else "",
    )


def status_of(word: str) -> ContainerStatus:
    """The engine's word for a container's state, as one of ours."""
    if word in {"created", "initialized", "configured"}:
        return "created"
    return "exited" if word in {"exited", "dead", "removing", "stopped"} else "running"


def digest_of(image: Mapping[str, Any]) -> str:
    """An image's digest in its registry; of an image that never was in one, its own id."""
    for reference in image.get("RepoDigests") or ():
        _, mark, digest = str(reference).partition("@")
        if mark:
            return digest
    return str(image["Id"])


def with_tag(reference: str) -> str:
    """The reference with `latest` where it names neither tag nor digest: without one, every tag would be pulled."""
    name = reference.rpartition("/")[2]
    return reference if ":" in name or "@" in name else f"{reference}:latest"
