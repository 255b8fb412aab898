"""Keys and paths of a task's inputs, outputs and caches. Raises PipelineError, see `checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gofer_sdk import bounds, checks
from gofer_sdk.errors import mistake
from gofer_sdk.references import checked as replaceable
from gofer_sdk.references import references


def key(where: str, value: object, fix: str) -> str:
    """The key of an object."""
    text = replaceable(where, checks.text(where, value, "the key of an object", fix))
    return text if references(text) else checks.identifier(where, text, "the key of an object")


def path(where: str, value: object, fix: str) -> str:
    """An absolute path, or one below the working directory."""
    text = replaceable(where, checks.text(where, value, "a path", fix))
    if references(text):
        return text
    steps = text.removeprefix("/").removesuffix("/").split("/")
    if text.startswith("~"):
        raise mistake(where, 'a path without "~", which nobody replaces', value, fix)
    if any(step in ("", ".", "..") for step in steps):
        raise mistake(where, 'a path without empty, "." and ".." parts', value, fix)
    if len(text.encode()) > bounds.MAX_PATH_BYTES or any(len(step.encode()) > 255 for step in steps):
        raise mistake(where, f"a path of at most {bounds.MAX_PATH_BYTES:,} bytes, 255 in each part", value, fix)
    return text


def listed(where: str, paths: object, fix: str) -> list[object]:
    """One path, or at least one in a list."""
    if isinstance(paths, str):
        return [paths]
    if isinstance(paths, bytes | Mapping) or not isinstance(paths, Sequence) or not paths:
        raise mistake(where, "a list of at least one path", paths, fix)
    return list(paths)
