"""What comes in from outside, read with care: whoever sends it may send anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

MOST_DEPTH = 64
"""So deep lists and maps may lie in each other."""

_MOST_FIELDS = 1000


class BadPayload(ValueError):
    """It cannot be read; the text says why, in words for who has sent it."""


def parse_json(body: bytes) -> object:
    """The value that is meant. Raises BadPayload for what is no JSON in UTF-8 (RFC 8259), or goes too deep."""
    try:
        value: object = json.loads(_text(body), parse_constant=_no_number)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise BadPayload(f"The body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError as error:  # a number of thousands of digits
        raise BadPayload(f"The body is no JSON that can be read: {_first_words(error)}.") from None
    _check_depth(value)
    return value


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of `application/x-www-form-urlencoded`. Raises BadPayload; also for a name that is there twice."""
    return _pairs(_text(body), "The body")


def parse_query(query: str) -> dict[str, str]:
    """What stood behind the `?`. Raises BadPayload; also for a name that is there twice."""
    return _pairs(query, "The query")


def single_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; what is there more than once as one list, as RFC 9110 (5.3) has it."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def only(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The one value of a header that must not be there twice; None: it is not there. Raises BadPayload."""
    values = [value for one, value in headers if one == name.lower()]
    if len(values) > 1:
        raise BadPayload(f"The header {name} is there {len(values)} times: which one counts nobody can tell.")
    return values[0].strip() if values else None


def clean(value: object, most: int = 4096) -> str:
    """As a variable has it, of at most `most` bytes in UTF-8 (what is longer is cut): texts as they are, numbers and
    the rest as JSON has them, nothing as an empty text. No control characters but tabs and line feeds: no environment
    can have a NUL, and no terminal should have the others."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    kept = text.encode("utf-8", "replace")[: 4 * most].decode("utf-8", "ignore")
    kept = "".join(one for one in kept if one in "\n\t" or (ord(one) >= 32 and not 0x7F <= ord(one) < 0xA0))
    return kept.encode()[:most].decode("utf-8", "ignore")


def at(value: object, *path: str) -> object:
    """What lies in maps under these names, one in the other; None where that is nothing."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def text_at(value: object, *path: str) -> str:
    """The same for a text; empty where that is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadPayload(f"The body is not in UTF-8: byte {error.start + 1} does not belong there.") from None


def _pairs(text: str, what: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadPayload(f"{what} cannot be read: {_first_words(error)}.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise BadPayload(f'{what} has "{clean(twice, 80)}" more than once.')
    return found


def _no_number(name: str) -> object:
    raise BadPayload(f"The body is no JSON: {name} is no number.")


def _first_words(error: ValueError) -> str:
    return clean(str(error).partition(";")[0].rstrip("."), 200)


def _too_deep() -> BadPayload:
    return BadPayload(f"Lists and maps in the body lie more than {MOST_DEPTH} deep in each other.")


def _check_depth(value: object) -> None:
    level = _containers([value])
    for _ in range(MOST_DEPTH):
        level = [inner for one in level for inner in _containers(one.values() if isinstance(one, dict) else one)]
        if not level:
            return
    raise _too_deep()


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [one for one in values if isinstance(one, dict | list)]
