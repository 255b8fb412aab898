"""From what a container should be to what a process can be."""

from __future__ import annotations

import grp
import json
import os
import posixpath
import pwd
from typing import NamedTuple

from gofer.engines.scheduler.base import ContainerSpec
from gofer.errors import InvalidInput, StartFailed
from gofer.models.ids import shown
from gofer.models.status import Reason

_NAME_LIMIT = 240
_NO_ID = 2**32 - 1


def check_name(name: str) -> str:
    """Return `name` if it can be that of a file. Raises InvalidInput."""
    if not name or name[0] in ".-" or "/" in name or not name.isascii() or not name.isprintable():
        raise InvalidInput(f"{shown(name)} cannot be the name of a process", "Use letters, digits, '-', '_' and '.'.")
    if len(name) > _NAME_LIMIT:
        raise InvalidInput(f"{shown(name)} is too long for the name of a process", f"At most {_NAME_LIMIT} letters.")
    return name


class Owner(NamedTuple):
    """Numbers of the user and group that a job runs as, and of its further groups."""

    uid: int
    gid: int
    groups: list[int]


class Order(NamedTuple):
    """The job for a shim. `directory`: the working directory, below the scratch folder or absolute.

    `owner`: None for Gofer's own user.
    """

    spec: ContainerSpec
    arguments: list[str]
    directory: str
    owner: Owner | None

    def line(self, scratch: str, path: str, prepared: str) -> bytes:
        """A line of JSON. `path`: the PATH of a command that brings none of its own; `prepared`: the folder that is to
        become the scratch folder, "" for an empty one."""
        spec = self.spec
        order = {
            "name": spec.name,
            "labels": dict(spec.labels),
            "image": spec.image,
            "arguments": self.arguments,
            "environment": {"PATH": path, "HOME": scratch, **spec.environment},
            "scratch": scratch,
            "prepared": prepared,
            "directory": self.directory,
            "identity": self.owner,
            "memory": spec.memory,
        }
        return json.dumps(order).encode() + b"\n"


def build_order(spec: ContainerSpec) -> Order:
    """What the container comes to as a process.

    Image, pull policy, credentials and cpu limit do not apply to a process. What would change the command's world and
    cannot be given is refused: raises StartFailed.
    """
    _check_possible(spec)
    directory = _directory(spec.working_directory or ".")
    return Order(spec, _arguments(spec), directory, _owner(spec.user) if spec.user else None)


def refused(message: str, hint: str) -> StartFailed:
    """The error for a job that will never start."""
    return StartFailed(message, hint, reason=Reason.START_FAILED)


def _check_possible(spec: ContainerSpec) -> None:
    docker = "Run this task on the docker engine"
    if spec.network not in (None, "host"):
        raise refused(
            f"the process engine has no network {shown(spec.network or '')}", f"{docker}, or leave the network out."
        )
    if spec.mounts:
        raise refused("the process engine mounts nothing", f"{docker}, or use the folders of this machine as they are.")
    if spec.privileged:
        raise refused("the process engine gives no privileges", f"{docker}, or leave `privileged` out.")


def _arguments(spec: ContainerSpec) -> list[str]:
    arguments = [*(spec.entrypoint or ()), *(spec.command or ())]
    if not arguments or not arguments[0]:
        raise refused(
            "there is no command, and the process engine cannot run an image's own",
            "Give the task a `command`, `entrypoint` or `script`, or run it on the docker engine.",
        )
    texts = [*arguments, *spec.environment, *spec.environment.values(), spec.working_directory or ""]
    if any("\0" in text for text in texts) or any(not name or "=" in name for name in spec.environment):
        raise refused(
            "a command, variable or folder has characters that no process can be given",
            "Take zero bytes out of them all, and '=' out of the variables' names.",
        )
    return arguments


def _directory(wanted: str) -> str:
    """Absolute as it is; relative ones within the scratch folder."""
    directory = posixpath.normpath(wanted)
    if directory.split("/")[0] == "..":
        raise refused(
            f"the working directory {shown(wanted)} leads out of the scratch folder",
            "Use a folder below it, or an absolute one.",
        )
    return directory


def _owner(user: str) -> Owner | None:
    """User, group and further groups of `name`, `uid`, `name:group` or `uid:gid`; None for Gofer's own."""
    name, _, group = user.partition(":")
    number = _number(name)
    try:
        entry = pwd.getpwnam(name) if number is None else pwd.getpwuid(number)
        uid, gid, known = entry.pw_uid, entry.pw_gid, entry.pw_name
    except KeyError:
        if number is None:
            raise refused(f"this machine has no user {shown(name)}", "Name one that it has, or a number.") from None
        # Not root's group, which a container would get: here it would be the machine's own.
        uid, gid, known = number, number, ""
    if group:
        gid = _group(group)
    if (uid, gid) == (os.geteuid(), os.getegid()):
        return None
    if os.geteuid() != 0:
        raise refused(
            f"the process engine cannot run as {shown(user)}: Gofer itself does not run as root",
            "Leave the user out, or run Gofer as root.",
        )
    return Owner(uid, gid, os.getgrouplist(known, gid) if known and not group else [gid])


def _group(group: str) -> int:
    number = _number(group)
    if number is not None:
        return number
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise refused(f"this machine has no group {shown(group)}", "Name one that it has, or a number.") from None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) < _NO_ID else None
