"""What a secret may be."""

from __future__ import annotations

from collections.abc import Sequence

from gofer.errors import InvalidInput, Problem
from gofer.models.ids import ID_HINT, check_id, is_id, shown
from gofer.models.units import format_size

MAX_BYTES = 64 * 1024
SHORTEST_MASKED = 4
EVERYBODY = "*"
MAX_NAMESPACES = 200


def check_key(key: str) -> None:
    """Raises InvalidInput."""
    check_id(key, "secret")


def check_value(value: str) -> None:
    """Raises InvalidInput, which never has the value in it."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _wrong("must be text in UTF-8", "Encode what is not text, in base64 for example.") from None
    if size == 0:
        raise _wrong("must not be empty", "To have no such secret any more, delete it.")
    if size > MAX_BYTES:
        message = f"must have at most {format_size(MAX_BYTES)}, not {size} bytes"
        raise _wrong(message, "Keep large things as objects, encrypted, and their key as a secret.")
    if "\0" in value:
        raise _wrong("must not have a NUL character", "No variable can hold one: encode it, in base64 for example.")


def check_namespaces(namespaces: Sequence[str]) -> list[str]:
    """Those that may use a global secret, each once and in order. Raises InvalidInput."""
    hint = f'Name ids of namespaces, or "{EVERYBODY}" alone for all.'
    if not namespaces:
        raise _bad_namespaces("the list is empty, so that nobody could use the secret", hint)
    if len(namespaces) > MAX_NAMESPACES:
        raise _bad_namespaces(f"there are {len(namespaces)} of at most {MAX_NAMESPACES}", hint)
    if EVERYBODY in namespaces:
        if len(set(namespaces)) > 1:
            raise _bad_namespaces(f'"{EVERYBODY}" means all, and stands alone', hint)
        return [EVERYBODY]
    for namespace in namespaces:
        if not is_id(namespace):
            raise _bad_namespaces(f"{shown(namespace)} is not a valid namespace id", f"{hint} {ID_HINT}")
    return sorted(set(namespaces))


def warnings(value: str) -> list[str]:
    """What the value is not safe from, as sentences."""
    longest = max(len(line) for line in value.splitlines() or [""])
    if longest < SHORTEST_MASKED:
        return [
            f"It is shorter than {SHORTEST_MASKED} characters: logs do not hide it, as that would make them unreadable."
        ]
    return []


def _wrong(message: str, hint: str) -> InvalidInput:
    problem = Problem(place="value", message=message, hint=hint)
    return InvalidInput(f"The value {message}", hint, [problem])


def _bad_namespaces(message: str, hint: str) -> InvalidInput:
    return InvalidInput(f"namespaces: {message}", hint, [Problem(place="namespaces", message=message, hint=hint)])
