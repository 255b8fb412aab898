"""Named SQL, kept in files beside this one."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


class Queries:
    """The queries of one file, each an attribute that holds its SQL. The file is read when the first one is asked for.

    A file is a row of blocks: a line `-- name: insert_run`, then one statement.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        # From here on the texts are plain attributes: this method is not called for them again.
        self.__dict__.update(parse(self._path.read_text(encoding="utf-8"), self._path.name))
        try:
            text: str = self.__dict__[name]
        except KeyError:
            raise AttributeError(f"{self._path.name} has no query named {name!r}") from None
        return text


def load(name: str) -> Queries:
    """The queries of `sql/<name>.sql`. Asking for a query that is not there is an AttributeError."""
    return Queries(FOLDER / f"{name}.sql")


def parse(text: str, source: str) -> dict[str, str]:
    """Name and SQL of each block of `text`. Raises ValueError, which names `source`, if a name stands there twice."""
    parts = _NAME.split(text)
    if parts[0].strip():
        raise ValueError(f"{source}: text stands before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{source}: the name {name!r} is used twice")
        found[name] = body.strip().removesuffix(";")
    return found
