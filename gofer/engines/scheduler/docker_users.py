"""Which numbers a container's user and group have, by the files of its image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_USERS: Final = "/etc/passwd"
_GROUPS: Final = "/etc/group"


def needs_lookup(user: str) -> list[str]:
    """The files that `find_owner` needs for a `user`, `uid`, `user:group` or `uid:gid`; "" is root."""
    name, _, group = user.partition(":")
    needed = []
    if name and not (name.isdigit() and (group or name == "0")):
        needed.append(_USERS)
    if group and not group.isdigit():
        needed.append(_GROUPS)
    return needed


def find_owner(user: str, files: Mapping[str, bytes]) -> tuple[int, int]:
    """Numbers of user and group, as the engine finds them when it starts the container.

    What is not there is 0: with a name that is not there the container will not start.
    """
    name, _, group = user.partition(":")
    uid, gid = int(name) if name.isdigit() else 0, 0
    for fields in _lines(files.get(_USERS, b"")):
        if len(fields) >= 4 and name in (fields[0], fields[2]) and fields[2].isdigit() and fields[3].isdigit():
            uid, gid = int(fields[2]), int(fields[3])
            break
    if group.isdigit():
        gid = int(group)
    elif group:
        found = (fields[2] for fields in _lines(files.get(_GROUPS, b"")) if len(fields) >= 3 and fields[0] == group)
        gid = next((int(number) for number in found if number.isdigit()), 0)
    return uid, gid


def _lines(data: bytes) -> list[list[str]]:
    return [line.split(":") for line in data.decode(errors="replace").splitlines()]
