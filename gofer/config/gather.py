"""Puts a table's values together from a file, the environment and options, and says where each one stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gofer.config.convert import convert, convert_text
from gofer.config.table import Setting
from gofer.errors import ConfigError, Problem
from gofer.models.ids import shown


class Source(NamedTuple):
    """Where a value comes from: `place` is the line of a file, the name of a variable, or the option."""

    kind: Literal["option", "environment", "file", "default"]
    place: str = ""


class Gathering:
    """What the places say that settings may come from; ask the strongest last, as the last one wins.

    What is wrong goes to `problems`, and has no value then. `whole`: the file could be read to its end.
    """

    def __init__(self, settings: Iterable[Setting]) -> None:
        self.settings = {setting.key: setting for setting in settings}
        self._blocks = {key[:end] for key in self.settings for end in _dots(key)}
        self.values: dict[str, Any] = {}
        self.sources: dict[str, Source] = {}
        self.problems: list[Problem] = []
        self.whole = True

    def file(self, path: Path) -> None:
        """Take the settings of a file."""
        from gofer.config.hcl_file import read_file

        document = read_file(path)
        self.whole = document.whole
        before = len(self.problems)
        lines: dict[str, int] = {}
        for entry in document.entries:
            source = Source("file", f"{path} line {entry.line}")
            if entry.value is None:
                self._check_block(entry.key, source.place)
            elif entry.key in lines:
                message = f'"{entry.key}" is set already in line {lines[entry.key]}'
                self._report(source.place, message, "Keep one of the two.")
            elif self._is_setting(entry.key, source.place):
                lines[entry.key] = entry.line
                self._take(convert, entry.key, entry.value, source)
        self.problems += document.problems
        self.problems[before:] = sorted(self.problems[before:], key=_line)

    def environment(self, environ: Mapping[str, str], prefix: str, foreign: Callable[[str], bool]) -> None:
        """Take the variables that begin with `prefix`; `GOFER_SERVER__HOST` is `server.host`.

        `foreign` tells of the rest of a name whether the variable is none of this table's.
        """
        for name in sorted(environ):
            rest = name.removeprefix(prefix)
            if rest == name or foreign(rest):
                continue
            key = rest.lower().replace("__", ".")
            place = f"environment variable {name}"
            if key in self.settings:
                self._take(convert_text, key, environ[name], Source("environment", name), place)
                continue
            known = self._nearest(key)
            hint = f"Did you mean {variable(known, prefix)}?" if known else "Unset it."
            self._report(place, "there is no such setting", hint)

    def options(self, options: Mapping[str, str]) -> None:
        """Take options of the command line, by dotted key."""
        for key, text in options.items():
            place = f"option for {key}"
            if self._is_setting(key, place):
                self._take(convert_text, key, text, Source("option"), place)

    def check(self) -> None:
        """Raises ConfigError for the first thing that is wrong."""
        if self.problems:
            raise ConfigError.of(self.problems[0])

    def _take(
        self, convert_it: Callable[[Setting, Any], Any], key: str, given: Any, source: Source, place: str = ""
    ) -> None:
        setting = self.settings[key]
        try:
            self.values[key] = convert_it(setting, given)
        except ValueError as error:
            message = str(error) if place.endswith(key) else f"{key}: {error}"
            self._report(place or source.place, message, setting.help)
        else:
            self.sources[key] = source

    def _is_setting(self, key: str, place: str) -> bool:
        if key in self.settings:
            return True
        if key in self._blocks:
            hint = f"Write `{key.rpartition('.')[2]} {{ … }}`."
            self._report(place, f'"{key}" is a block, not a setting', hint)
        else:
            self._report_unknown(key, "setting", place)
        return False

    def _check_block(self, key: str, place: str) -> None:
        if key in self.settings:
            hint = f"Write `{key.rpartition('.')[2]} = …`."
            self._report(place, f'"{key}" is a setting, not a block', hint)
        elif key not in self._blocks:
            self._report_unknown(key, "block", place)

    def _report_unknown(self, key: str, what: str, place: str) -> None:
        known = self._nearest(key)
        hint = f'Did you mean "{known}"?' if known else "Remove it, or look the name up in the list of settings."
        self._report(place, f"there is no {what} {shown(key)}", hint)

    def _report(self, place: str, message: str, hint: str) -> None:
        self.problems.append(Problem(place=place, message=message, hint=hint))

    def _nearest(self, key: str) -> str | None:
        """The key that was meant, most likely: the same name in another block, or one spelled much alike."""
        name = key.rpartition(".")[2]
        known = [*self.settings, *self._blocks]
        for candidate in known:
            if candidate.rpartition(".")[2] == name or candidate.replace(".", "_") == key:
                return candidate
        import difflib

        close = difflib.get_close_matches(key, known, 1, 0.6)
        return close[0] if close else None


def variable(key: str, prefix: str) -> str:
    """The environment variable of a setting."""
    return prefix + key.upper().replace(".", "__")


def _line(problem: Problem) -> int:
    """The line of a file that a problem is about; 0 if it is about the whole file."""
    line = problem.place.rpartition(" line ")[2]
    return int(line) if line.isdigit() else 0


def _dots(key: str) -> list[int]:
    return [position for position, character in enumerate(key) if character == "."]
