"""What an earlier `gofer service install` has laid down, so that `uninstall` removes that and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError


class Receipt(msgspec.Struct, kw_only=True):
    """`files`: the SHA-256 of each file as it was laid down, by its place on the installed system; `folders`: those
    that were made for them, outermost first."""

    files: dict[str, str] = msgspec.field(default_factory=dict)
    folders: list[str] = msgspec.field(default_factory=list)


def read_receipt(path: Path) -> Receipt | None:
    """None if nothing was laid down. Raises CommandError for a file that is none of ours."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Receipt)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, OSError) as error:
        raise CommandError(
            f"{path} cannot be read: {error}",
            "It tells what was laid down. Remove it: the next `gofer service install` writes it anew.",
            exit_code=ExitCode.REFUSED,
        ) from error


def encode(receipt: Receipt) -> bytes:
    """As it is stored."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def digest(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()
