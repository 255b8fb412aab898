"""What a single value may look like. Every function returns the value in its plain form or raises PipelineError.

`where` names the call in the error, such as `Task "dump" .timeout()`; `fix` is a sentence that tells how to mend it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from gofer_sdk import bounds
from gofer_sdk.errors import PipelineError, mistake

# `\Z`, as `$` also matches before a final newline.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?))?B?\Z", re.IGNORECASE | re.ASCII)
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TEN_YEARS = 10 * 365 * 86_400_000

ID_RULE = "1 to 64 letters, digits, '-' or '_', beginning with a letter or digit"
NAME_RULE = "letters, digits and '_', not beginning with a digit, at most 128"


def text(where: str, value: object, what: str, fix: str, *, empty: bool = False) -> str:
    """Any text that can be sent: no NUL, no half of a surrogate pair; not blank unless `empty`."""
    if not isinstance(value, str):
        raise mistake(where, f"{what} as text", value, fix)
    if not empty and not value.strip():
        raise mistake(where, f"{what} that is not empty", value, fix)
    if _UNSENDABLE.search(value):
        raise mistake(where, f"{what} without NUL and without halves of surrogate pairs", value, "Remove them.")
    return str.__str__(value)


def block(where: str, value: object, what: str, fix: str, *, empty: bool = False, most: int) -> str:
    """Text of several lines and at most `most` characters."""
    checked = text(where, value, what, fix, empty=empty)
    if len(checked) > most:
        came = f"{len(checked):,} of them"
        raise PipelineError(f"{where}: expected {what} of at most {most:,} characters, got {came}. Shorten it.")
    return checked


def line(where: str, value: object, what: str, fix: str, *, empty: bool = False, most: int) -> str:
    """Text of one line and at most `most` characters."""
    checked = block(where, value, what, fix, empty=empty, most=most)
    if not checked.isprintable():
        raise mistake(where, f"{what} without line breaks and control characters", value, "Write it on one line.")
    return checked


def content(where: str, value: object, what: str, fix: str, *, empty: bool = True) -> str:
    """Text that a container is given, at most 100 KiB of it."""
    checked = text(where, value, what, fix, empty=empty)
    if (length := len(checked.encode())) > bounds.MAX_VALUE_BYTES:
        raise PipelineError(
            f"{where}: expected {what} of at most {bounds.MAX_VALUE_BYTES:,} bytes, got {length:,}. "
            "Put it into the image, and refer to it."
        )
    return checked


def identifier(where: str, value: object, what: str) -> str:
    """The id of a pipeline, task or secret."""
    if not isinstance(value, str) or not _ID.match(value):
        raise mistake(where, f"{what}: {ID_RULE}", value, _id_fix(value))
    return str.__str__(value)


def _id_fix(value: object) -> str:
    if not isinstance(value, str):
        return 'Write it as text, such as "nightly".'
    near = re.sub(r"[^A-Za-z0-9_-]+", "-", value).strip("-_")[:64]
    return f'Write "{near or "nightly"}", for example.'


def variable_name(where: str, value: object, what: str) -> str:
    """The name of an environment variable, a parameter or a matrix key."""
    if not isinstance(value, str) or not _VARIABLE.match(value):
        near = re.sub(r"[^A-Za-z0-9_]+", "_", value).strip("_")[:100] if isinstance(value, str) else ""
        near = f"_{near}" if near[:1].isdigit() else near
        raise mistake(where, f"{what}: {NAME_RULE}", value, f'Write "{near or "NAME"}", for example.')
    return str.__str__(value)


def own_variable_name(where: str, value: object, what: str) -> str:
    """As `variable_name`, and none of Gofer's own."""
    checked = variable_name(where, value, what)
    if checked.upper().startswith(bounds.RESERVED_PREFIX):
        fix = "Gofer sets variables of such names itself. Choose another name."
        raise mistake(where, f"{what} that does not begin with {bounds.RESERVED_PREFIX}", value, fix)
    return checked


def matching(where: str, value: object, what: str, fix: str, *, pattern: str, most: int) -> str:
    """Text that matches a pattern of `bounds`, at most `most` characters."""
    checked = text(where, value, what, fix)
    if len(checked) > most or not re.match(pattern.removesuffix("$") + r"\Z", checked):
        raise mistake(where, what, value, fix)
    return checked


def one_of(where: str, value: object, allowed: Sequence[str], fix: str) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        raise mistake(where, " or ".join(f'"{word}"' for word in allowed), value, fix)
    return str.__str__(value)


def boolean(where: str, value: object, fix: str) -> bool:
    """True or False, and nothing that merely counts as such."""
    if not isinstance(value, bool):
        raise mistake(where, "True or False", value, fix)
    return value


def whole_number(where: str, value: object, what: str, fix: str, *, most: int) -> int:
    """An integer from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise mistake(where, f"{what}, a whole number from 0 to {most:,}", value, fix)
    return int(value)


def number(where: str, value: object, what: str, fix: str, *, least: float, most: float) -> float:
    """A number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise mistake(where, f"{what}, a number from {least:g} to {most:g}", value, fix)
    return float(value)


def path(where: str, value: object, what: str, fix: str) -> str:
    """An absolute path without `.`, `..` and doubled slashes."""
    checked = text(where, value, what, fix)
    if not checked.startswith("/"):
        raise mistake(where, f'{what}, an absolute path that begins with "/"', value, fix)
    if any(step in ("", ".", "..") for step in checked.removesuffix("/").split("/")[1:]):
        raise mistake(where, f'{what} without empty, "." and ".." parts', value, fix)
    if len(checked.encode()) > bounds.MAX_PATH_BYTES:
        raise mistake(where, f"{what} of at most {bounds.MAX_PATH_BYTES:,} bytes", value, "Use a shorter path.")
    return checked


def milliseconds(value: str) -> int | None:
    """The length of a duration such as `1m30s`; None if the text is not one."""
    position, total, last = 0, 0.0, math.inf
    while position < len(value):
        match = _DURATION_PART.match(value, position)
        if match is None or _UNITS[match[2]] >= last:
            return None
        last = _UNITS[match[2]]
        total += float(match[1]) * last
        position = match.end()
    return round(total) if 0 < len(value) <= 32 else None


def duration(where: str, value: object, example: str, *, least: int = 0, most: int = _TEN_YEARS) -> str:
    """A duration as text (`"90s"`, `"1m30s"`) or timedelta, from `least` to `most` milliseconds."""
    fix = f"Write {example}; the units are ms, s, m, h and d, largest first."
    if isinstance(value, int | float) and not isinstance(value, bool):
        fix = f'Say the unit: "{value}s" for seconds, "{value}m" for minutes.'
    written = _written(value) if isinstance(value, timedelta) else value
    length = milliseconds(written) if isinstance(written, str) else None
    if length is None or not isinstance(written, str):
        raise mistake(where, "a duration", value, fix)
    if not least <= length <= most:
        expected = f"at most {most // 3_600_000:,} hours" if length > most else "at least 1ms"
        raise mistake(where, f"a duration of {expected}", value, fix)
    return str.__str__(written)


def _written(value: timedelta) -> str:
    whole = round(value / timedelta(milliseconds=1))
    return f"{whole}ms" if whole % 1_000 else f"{whole // 1_000}s"


def size(where: str, value: object, example: str, *, least: int, most: int) -> str:
    """A size as text (`"512MB"`, `"512MiB"`), from `least` to `most` bytes."""
    fix = f'Write {example}: a number and a unit, "MB" for a million bytes or "MiB" for 1024² of them.'
    match = _SIZE.match(value) if isinstance(value, str) and len(value) <= 32 else None
    if match is None or not isinstance(value, str):
        raise mistake(where, "a size", value, fix)
    power = " kmgt".index((match[2] or " ").lower())
    if not least <= round(float(match[1]) * float(1024 if match[3] else 1000) ** power) <= most:
        limits = f"from {least // 1024**2} MiB to {most // 1024**4} TiB"
        raise mistake(where, f"a size {limits}", value, fix)
    return str.__str__(value)


def distinct(where: str, values: Iterable[object], what: str) -> None:
    """Refuses a value that stands twice."""
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise PipelineError(f"{where}: {what} has {value!r} twice. Remove one of them.")
        seen.add(value)


def few(where: str, values: Sequence[object] | dict[str, str] | dict[str, list[str]], most: int, what: str) -> None:
    """Refuses more than `most` values."""
    if len(values) > most:
        raise PipelineError(f"{where}: expected at most {most:,} {what}, got {len(values):,}. Leave some out.")
