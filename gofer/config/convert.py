"""From what a file or the environment says to a setting's value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gofer.config.hcl_file import Value
from gofer.config.table import Setting
from gofer.models.ids import shown
from gofer.models.units import format_duration, parse_duration, parse_size

# What every program that reads JSON can hold; the database, too.
_LARGEST = 2**53 - 1
_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_EXPECTED = {
    "text": 'a text such as "abc"',
    "boolean": "true or false",
    "integer": "a whole number",
    "duration": 'a duration such as "90s", "5m" or "1h30m"',
    "size": 'a size such as "512kB" or "8MiB"',
    "path": "the path of a file or folder, as a text",
    "list": 'a list of texts such as ["a", "b"]',
}


def convert(setting: Setting, value: Value) -> Any:
    """The setting's value, from one of a file. Raises ValueError: what was expected, what came."""
    if setting.type == "list":
        return _list(setting, value)
    if setting.type == "boolean":
        if not isinstance(value, bool):
            raise _wrong(setting, value)
        return value
    if setting.type == "integer" or (setting.type == "size" and isinstance(value, int)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(setting, value)
        return _bounded(setting, value)
    if not isinstance(value, str):
        raise _wrong(setting, value)
    return _from_string(setting, value)


def convert_text(setting: Setting, text: str) -> Any:
    """The setting's value, from a variable of the environment or an option. Raises ValueError as `convert`."""
    if setting.type == "boolean":
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise _wrong(setting, text)
        return word in _TRUE
    if setting.type == "integer":
        try:
            number = int(text)
        except ValueError as error:
            raise _wrong(setting, text) from error
        return _bounded(setting, number)
    if setting.type == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    return _from_string(setting, text)


def _from_string(setting: Setting, text: str) -> Any:
    if setting.type == "choice":
        if text not in setting.choices:
            raise _wrong(setting, text)
        return text
    if setting.type == "path":
        return _path(setting, text)
    if setting.type in ("duration", "size"):
        parse = parse_duration if setting.type == "duration" else parse_size
        try:
            number = parse(text)
        except ValueError as error:
            raise _wrong(setting, text) from error
        return _bounded(setting, number)
    return text


def _path(setting: Setting, text: str) -> Path:
    if not text or "\0" in text:
        raise _wrong(setting, text)
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"expected a path, came {_shown(setting, text)}: there is no such home folder") from error
    except OSError as error:
        message = f"expected a path that begins with /, came {_shown(setting, text)}: the present folder is gone"
        raise ValueError(message) from error


def _list(setting: Setting, value: Value) -> list[str]:
    if not isinstance(value, list):
        raise _wrong(setting, value)
    texts = [item for item in value if isinstance(item, str)]
    if len(texts) != len(value):
        raise _wrong(setting, value)
    return texts


def _bounded(setting: Setting, number: int) -> int:
    most = _LARGEST if setting.maximum is None else setting.maximum
    for bound, word, broken in (
        (setting.minimum, "least", setting.minimum is not None and number < setting.minimum),
        (most, "most", number > most),
    ):
        if bound is not None and broken:
            limit = format_duration(bound) if setting.type == "duration" else str(bound)
            raise ValueError(f"expected at {word} {limit}, came {_shown(setting, number)}")
    return number


def _wrong(setting: Setting, value: Value) -> ValueError:
    expected = " or ".join(f'"{choice}"' for choice in setting.choices) or _EXPECTED[setting.type]
    return ValueError(f"expected {expected}, came {_shown(setting, value)}")


def _shown(setting: Setting, value: Value) -> str:
    if setting.secret:
        return "something else (not shown, as it is secret)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list with other things than texts"
    text = shown(str(value), 60)
    return text if isinstance(value, str) else f"the number {text[1:-1]}"
