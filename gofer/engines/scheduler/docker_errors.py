"""What the Docker Engine refuses, and what that means for a task."""

from __future__ import annotations

import re

from gofer.errors import StartFailed
from gofer.models.ids import shown
from gofer.models.status import Reason


class ApiError(Exception):
    """The engine answered with an error. Never leaves this engine: it is made into one of Gofer's own.

    `status` is the HTTP status, 0 where the error came within a stream; `message` is the engine's word.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"[{status}] {message}")
        self.status = status
        self.message = message

    @property
    def passes(self) -> bool:
        """Whether it is the engine that is unwell rather than the request that is wrong."""
        return self.status == 503 or is_transient(self.message)


_TRANSIENT = re.compile(r"containerd\.sock|connection error: desc|transport is closing|is shutting down")
_NO_IMAGE = re.compile(r"no such image|image not known", re.IGNORECASE)
_NOT_IN_REGISTRY = re.compile(
    r"not found|manifest unknown|does not exist|no matching manifest|invalid reference|name unknown", re.IGNORECASE
)
_DENIED = re.compile(r"unauthorized|denied|authentication required|no basic auth", re.IGNORECASE)
_NOISE = re.compile(
    r"failed to create (?:shim task|shim|task for container): |OCI runtime (?:create|start) failed: |"
    r"runc create failed: |unable to start container process: |"
    r"container_linux\.go:\d+: |starting container process caused: "
)


def is_transient(message: str) -> bool:
    """Whether a message tells of an engine that is partly down, as while it restarts."""
    return _TRANSIENT.search(message) is not None


def is_missing_image(error: ApiError) -> bool:
    """Whether a container could not be created as its image is not there."""
    return error.status == 404 and _NO_IMAGE.search(error.message) is not None


def plain(message: str) -> str:
    """The engine's word without the names of the layers that it passed through."""
    return _NOISE.sub("", message).removesuffix(": unknown").strip()


def start_failed(message: str) -> StartFailed:
    """The engine refused to create or start a container, for the reason in `message`."""
    text = plain(message)
    hint = "Correct what the engine names in the task's settings."
    if "docker-init" in text:
        hint = "The engine has no docker-init: install it on the engine's machine or set scheduler.docker.init = false."
    elif "executable file not found" in text or "no such file or directory" in text:
        hint = "Check the task's command, entrypoint and working directory: the program must be in the image."
    elif "permission denied" in text:
        hint = "Check that the file is executable by the container's user."
    elif "logging" in text or "log driver" in text:
        hint = "Set scheduler.docker.log_driver to a log driver that this engine has."
    return StartFailed(f"the engine could not start the container: {text}", hint, reason=Reason.START_FAILED)


def image_missing(image: str) -> StartFailed:
    """The image is not there and must not be pulled."""
    return StartFailed(
        f"the image {shown(image)} is not on the engine's machine, and the pull policy is `never`",
        "Pull or build it there, or let the task pull it (pull policy `if_not_present`).",
        reason=Reason.IMAGE_NOT_FOUND,
    )


def pull_failed(image: str, message: str) -> StartFailed:
    """The image could not be pulled, for the reason in `message`."""
    name = shown(image)
    if _NOT_IN_REGISTRY.search(message):
        hint = "Check the image's name and tag; if it is private, give the task the registry's credentials."
        return StartFailed(f"there is no image {name}: {message}", hint, reason=Reason.IMAGE_NOT_FOUND)
    hint = "Check that the engine's machine reaches the registry; retries of the task may help."
    if _DENIED.search(message):
        hint = "Check the registry's credentials of the task."
    return StartFailed(f"the image {name} could not be pulled: {message}", hint, reason=Reason.PULL_FAILED)
