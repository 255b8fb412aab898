"""Rules for single values, used by the others: texts, durations, sizes."""

from __future__ import annotations

from gofer.models.ids import shown
from gofer.models.units import DURATION_HINT, SIZE_HINT, parse_duration, parse_size
from gofer.server.pipelines.report import Scope


def byte_length(text: str) -> int:
    """Length in UTF-8; never raises."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def check_line(scope: Scope, inner: str, text: str, most: int) -> None:
    """One line of text for people: no control characters, at most `most` characters. Empty is fine."""
    if len(text) > most:
        scope.add(inner, f"has {len(text)} characters; at most {most} are allowed", "Shorten it.")
    elif any(not c.isprintable() for c in text):
        scope.add(inner, f"{shown(text, 40)} has control characters or line breaks", "Write it on one line.")


def check_block(scope: Scope, inner: str, text: str, most: int) -> None:
    """Text of several lines, at most `most` characters."""
    if len(text) > most:
        scope.add(inner, f"has {len(text)} characters; at most {most} are allowed", "Shorten it.")


def check_bytes(scope: Scope, inner: str, text: str, most: int, hint: str) -> None:
    if (size := byte_length(text)) > most:
        scope.add(inner, f"has {size} bytes; at most {most} are allowed", hint)


def check_path(scope: Scope, inner: str, path: str, most: int) -> None:
    """An absolute path without `.`, `..` and doubled slashes."""
    steps = path.removesuffix("/").split("/")[1:]
    if not path.startswith("/"):
        scope.add(inner, f"{shown(path, 40)} is not an absolute path", 'Begin it with "/".')
    elif any(step in ("", ".", "..") for step in steps):
        scope.add(inner, f'{shown(path, 40)} has empty, "." or ".." parts', "Write the path without them.")
    check_bytes(scope, inner, path, most, "Use a shorter path.")


def check_duration(scope: Scope, inner: str, text: str, *, least: int = 0, most: int | None = None) -> int | None:
    """The duration in milliseconds; None when it is wrong. Bounds in milliseconds, inclusive."""
    try:
        value = parse_duration(text)
    except ValueError:
        scope.add(inner, f"{shown(text, 40)} is not a duration of at most ten years", DURATION_HINT)
        return None
    if value < least:
        scope.add(inner, f"{shown(text, 40)} is too short: at least {least} ms are needed", DURATION_HINT)
        return None
    if most is not None and value > most:
        scope.add(inner, f"{shown(text, 40)} is longer than {most // 3_600_000} hours", "Write a shorter duration.")
        return None
    return value


def check_size(scope: Scope, inner: str, text: str, least: int, most: int) -> None:
    """A size between two numbers of bytes, inclusive."""
    try:
        value = parse_size(text)
    except ValueError:
        scope.add(inner, f"{shown(text, 40)} is not a size", SIZE_HINT)
        return
    if not least <= value <= most:
        scope.add(
            inner,
            f"{shown(text, 40)} is {value} bytes; between {least // 1024**2} MiB and {most // 1024**4} TiB are allowed",
            SIZE_HINT,
        )
