"""Puts a table's values together from a file, the environment and options, and says where a wrong one stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gofer.config.convert import convert, convert_text
from gofer.config.hcl_file import Entry, Value
from gofer.config.table import Setting
from gofer.errors import ConfigError
from gofer.models.ids import shown


class Table:
    """The settings that there are, by key; `blocks` are the keys of the blocks that they stand in."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        self.settings = {setting.key: setting for setting in settings}
        self.blocks = {key[:end] for key in self.settings for end in _dots(key)}

    def from_file(self, path: Path, entries: Sequence[Entry]) -> dict[str, Any]:
        """The values of a file's entries. Raises ConfigError, which names the line."""
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for entry in entries:
            place = f"{path} line {entry.line}"
            if entry.value is None:
                self._check_block(entry.key, place)
                continue
            setting = self._setting(entry.key, place)
            if entry.key in lines:
                message = f'{place}: "{entry.key}" is set already in line {lines[entry.key]}'
                raise ConfigError(message, "Keep one of the two.")
            lines[entry.key] = entry.line
            values[entry.key] = _converted(convert, setting, entry.value, place)
        return values

    def from_environment(
        self, environ: Mapping[str, str], prefix: str, foreign: Callable[[str], bool]
    ) -> dict[str, Any]:
        """The values of the variables that begin with `prefix`; `GOFER_SERVER__HOST` is `server.host`.

        `foreign` tells of the rest of a name whether the variable is none of this table's. Raises ConfigError.
        """
        values: dict[str, Any] = {}
        for name in sorted(environ):
            rest = name.removeprefix(prefix)
            if rest == name or foreign(rest):
                continue
            key = rest.lower().replace("__", ".")
            place = f"environment variable {name}"
            if key not in self.settings:
                known = self._nearest(key)
                hint = f"Did you mean {prefix}{known.upper().replace('.', '__')}?" if known else "Unset it."
                raise ConfigError(f"{place}: there is no such setting", hint)
            values[key] = _converted(convert_text, self.settings[key], environ[name], place)
        return values

    def from_options(self, options: Mapping[str, str]) -> dict[str, Any]:
        """The values of options of the command line, by dotted key. Raises ConfigError."""
        values: dict[str, Any] = {}
        for key, text in options.items():
            place = f"option for {key}"
            values[key] = _converted(convert_text, self._setting(key, place), text, place)
        return values

    def _setting(self, key: str, place: str) -> Setting:
        if key in self.settings:
            return self.settings[key]
        if key in self.blocks:
            raise ConfigError(
                f'{place}: "{key}" is a block, not a setting', f"Write `{key.rpartition('.')[2]} {{ … }}`."
            )
        raise self._unknown(key, "setting", place)

    def _check_block(self, key: str, place: str) -> None:
        if key in self.settings:
            name = key.rpartition(".")[2]
            raise ConfigError(f'{place}: "{key}" is a setting, not a block', f"Write `{name} = …`.")
        if key not in self.blocks:
            raise self._unknown(key, "block", place)

    def _unknown(self, key: str, what: str, place: str) -> ConfigError:
        known = self._nearest(key)
        return ConfigError(
            f"{place}: there is no {what} {shown(key)}",
            f'Did you mean "{known}"?' if known else "Remove it, or look the name up in the list of settings.",
        )

    def _nearest(self, key: str) -> str | None:
        """The key that was meant, most likely: the same name in another block, or one spelled much alike."""
        name = key.rpartition(".")[2]
        known = [*self.settings, *self.blocks]
        for candidate in known:
            if candidate.rpartition(".")[2] == name or candidate.replace(".", "_") == key:
                return candidate
        import difflib

        close = difflib.get_close_matches(key, known, 1, 0.6)
        return close[0] if close else None


def _dots(key: str) -> list[int]:
    return [position for position, character in enumerate(key) if character == "."]


def _converted(convert_it: Callable[[Setting, Any], Any], setting: Setting, value: Value, place: str) -> Any:
    try:
        return convert_it(setting, value)
    except ValueError as error:
        raise ConfigError(f"{place}: {setting.key}: {error}", setting.help) from error
