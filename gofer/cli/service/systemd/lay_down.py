"""Lays the service down."""

from __future__ import annotations

from pathlib import Path

from gofer.cli.service.systemd.ground import Ground
from gofer.cli.service.systemd.layout import RECEIPT, SYSUSERS, TMPFILES, Piece, pieces
from gofer.cli.service.systemd.receipt import Receipt, digest, encode, read_receipt


def lay_down(ground: Ground, program: Path, source: Path | None) -> None:
    """Bring every file to what this version has; doing it again changes nothing. `program`, `source` as for `pieces`.

    Raises CommandError.
    """
    before = read_receipt(ground.place(RECEIPT)) or Receipt()
    receipt = Receipt(files=dict(before.files), folders=list(before.folders))
    try:
        for piece in pieces(program, source):
            receipt.folders += map(str, ground.make_folders(piece.path.parent, piece.folder_mode))
            _lay(ground, piece, receipt)
    finally:
        # What was done before an error is known to the next call, and to `uninstall`.
        _record(ground, receipt, before)
    ground.run(["systemd-sysusers", str(SYSUSERS)])
    ground.run(["systemd-tmpfiles", "--create", str(TMPFILES)])
    ground.run(["systemctl", "daemon-reload"])


def _record(ground: Ground, receipt: Receipt, before: Receipt) -> None:
    receipt.folders += map(str, ground.make_folders(RECEIPT.parent))
    receipt.folders = sorted(set(receipt.folders))
    if receipt != before:
        ground.write(RECEIPT, encode(receipt), 0o644)


def _lay(ground: Ground, piece: Piece, receipt: Receipt) -> None:
    there = ground.place(piece.path)
    if piece.once and there.exists():
        ground.note("keep", there, "is there already")
        return
    content = piece.content()
    found = there.read_bytes() if there.is_file() else None
    if found == content and there.stat().st_mode & 0o777 == piece.mode:
        ground.note("keep", there, "up to date")
    else:
        known = receipt.files.get(str(piece.path))
        changed = found is not None and known is not None and digest(found) != known
        if changed and found is not None:
            ground.write(piece.path.with_name(piece.path.name + ".old"), found, 0o644)
        ground.note(
            "write" if found is None else "replace",
            there,
            f"had been changed; that is kept as {piece.path.name}.old" if changed else "",
        )
        ground.write(piece.path, content, piece.mode)
    # What a person may have put there stays theirs when everything is removed.
    if not piece.once and (found != content or str(piece.path) in receipt.files):
        receipt.files[str(piece.path)] = digest(content)
