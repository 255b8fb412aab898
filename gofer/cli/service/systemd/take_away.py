"""Removes what was laid down."""

from __future__ import annotations

from pathlib import Path

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.service.systemd.ground import Ground
from gofer.cli.service.systemd.layout import CONFIGURATION, DATA, ENCRYPTION_KEY, RECEIPT
from gofer.cli.service.systemd.receipt import digest, read_receipt

_UNITS = ("gofer.socket", "gofer.service")


def take_away(ground: Ground) -> list[Path]:
    """Stop the service and remove its files. Configuration and data stay: returns where they are.

    Raises CommandError.
    """
    receipt = read_receipt(ground.place(RECEIPT))
    if receipt is None:
        raise CommandError(
            f"nothing was installed by `gofer service install`: there is no {ground.place(RECEIPT)}",
            "A Debian package is removed with `apt-get remove gofer`.",
            exit_code=ExitCode.NOT_FOUND,
        )
    ground.run(["systemctl", "disable", "--now", *_UNITS])
    for name in sorted(receipt.files):
        there = ground.place(Path(name))
        if not there.is_file():
            continue
        if digest(there.read_bytes()) != receipt.files[name]:
            ground.note("keep", there, "was changed since it was laid down")
            continue
        ground.note("remove", there)
        ground.remove(Path(name))
    ground.remove(RECEIPT)
    for folder in sorted(receipt.folders, reverse=True):
        if Path(folder) != CONFIGURATION.parent and ground.remove_folder_if_empty(Path(folder)):
            ground.note("remove", ground.place(Path(folder)))
    ground.run(["systemctl", "daemon-reload"])
    return [ground.place(path) for path in (CONFIGURATION, ENCRYPTION_KEY, *DATA) if ground.place(path).exists()]
