"""The database's file, without the server."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from gofer.checkup.finding import found
from gofer.models.system import Check

_DAMAGED = "Keep a copy of the file, then put back a backup: gofer service restore FILE --force."


def file_check(path: Path, name: str = "database", *, deep: bool) -> Check:
    """Whether SQLite finds the file sound; `deep` compares indexes with their tables as well. Changes nothing.

    `name`: what is in it, in a word or two.
    """
    if not path.exists():
        return found(name, "ok", "There is none yet: the first start makes it.")
    pragma = "integrity_check" if deep else "quick_check"
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)
        try:
            findings = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}(10)")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return found(name, "error", f"{path} cannot be read: {error}.", _DAMAGED)
    if findings != ["ok"]:
        return found(name, "error", f"The {name} is damaged: {findings[0]}.", _DAMAGED)
    return found(name, "ok", f"The {name} is sound." if deep else f"The {name} is sound, as far as a quick look tells.")
