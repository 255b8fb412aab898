"""The one place that says what an id may look like."""

from __future__ import annotations

import re

from gofer.errors import InvalidInput

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
CORRELATION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
ID_HINT = "Use 1 to 64 letters, digits, '-' or '_', and begin with a letter or digit."

# `\Z`, as `$` also matches before a final newline.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")


def is_id(text: str) -> bool:
    """Whether `text` may be the id of a namespace, pipeline, task or any other thing."""
    return _ID.match(text) is not None


def check_id(text: str, what: str) -> str:
    """Return `text` if it is an id; `what` names the thing in the error ("pipeline"). Raises InvalidInput."""
    if not is_id(text):
        raise InvalidInput(f"{shown(text)} is not a valid {what} id", ID_HINT)
    return text


def is_variable_name(text: str) -> bool:
    """Whether `text` may name a parameter or an environment variable."""
    return _VARIABLE.match(text) is not None


def is_correlation_id(text: str) -> bool:
    """Whether `text` may be the id of a request or of a trigger's event: a UUID, a trace's id, a ULID."""
    return _CORRELATION.match(text) is not None


def shown(text: str, limit: int = 80) -> str:
    """`text` quoted for an error message: control characters escaped, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return ascii(cut) if not cut.isprintable() else f'"{cut}"'
