"""A role in a file of JSON: what `gofer role get --format json` prints, perhaps changed since."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.models.access import CreateRole, WantedGrant

_MOST_BYTES = 1024 * 1024
_HINT = "`gofer role get operator --format json` shows how one is written."


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What the server alone says of a role may stand there, and is not minded."""

    permissions: list[WantedGrant]
    id: str = ""
    description: str = ""
    system: bool = False
    created_at: int = 0
    created_by: str = ""
    modified_at: int = 0
    modified_by: str = ""


def read_role(role_id: str, file: str) -> CreateRole:
    """The role `role_id` as the file says; "-" is stdin. Raises CommandError, also where the file is another's."""
    try:
        read = msgspec.json.decode(_bytes(file), type=_File)
    except msgspec.DecodeError as error:
        raise CommandError(f"{file} is not a role: {error}", _HINT, exit_code=ExitCode.USAGE) from None
    if read.id not in ("", role_id):
        message = f'the file says that it is the role "{read.id}", and the command "{role_id}"'
        raise CommandError(message, "Take the id out of the file, or name that role.", exit_code=ExitCode.USAGE)
    return CreateRole(id=role_id, description=read.description, permissions=read.permissions)


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            found = sys.stdin.buffer.read(_MOST_BYTES + 1) if sys.stdin is not None else b""
        else:
            with Path(file).open("rb") as opened:
                found = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        hint = "Name a file that you may read, or - for stdin."
        raise CommandError(f"{file} cannot be read: {error.strerror}", hint, exit_code=ExitCode.USAGE) from None
    if len(found) > _MOST_BYTES:
        raise CommandError(f"{file} is too large for a role", _HINT, exit_code=ExitCode.USAGE)
    return found
