"""Reads a configuration file in HCL, with the line of everything in it.

Only the lexer of pyhcl is used. Its parser forgets lines, lets a key that stands twice silently win over the first,
refuses booleans in lists, and builds its tables anew for every file.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gofer.errors import Problem
from gofer.models.ids import shown

if TYPE_CHECKING:
    from hcl.lexer import Lexer

Value = str | bool | int | float | list["Value"]

_MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 16
_LEXER_ERROR = re.compile(r"Line (\d+), column \d+, index \d+: (.*)", re.DOTALL)
_SHAPE_HINT = 'Settings look like `log_level = "info"`, blocks like `server { host = "localhost:8080" }`.'
_END = "end of file"
_CAME = {_END: _END, "STRING": "a text", "IDENTIFIER": "a word", "NUMBER": "a number", "FLOAT": "a number"}
_OPEN_STRING = "EOF before closing string quote"


class Entry(NamedTuple):
    """A setting or, with `value` None, a block. `key` is dotted: a setting in a block has the block's key before it."""

    key: str
    value: Value | None
    line: int


class _Token(NamedTuple):
    """`joined`: nothing stands between it and the token before it."""

    type: str
    value: str | bool | int | float
    line: int
    joined: bool = False


class Document(NamedTuple):
    """The entries of a file in order, up to where it can be read no more, and what is wrong with its form.

    `whole`: it could be read to its end.
    """

    entries: list[Entry]
    problems: list[Problem]
    whole: bool = True


class _Fault(Exception):
    """From here on the text cannot be made sense of."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_file(path: Path) -> Document:
    """What the file at `path` says; where it is no text that can be read, that is the one problem."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "Is the path right, and may this user read it?"
        return _unreadable(str(path), f"this configuration file cannot be read: {error.strerror}", hint)
    if len(data) > _MAX_BYTES:
        return _unreadable(str(path), "this configuration file is larger than 1 MiB", "Is it the right file?")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unreadable(f"{path} line {line}", "this is not UTF-8 text", "Save the file as UTF-8.")
    return parse(text, str(path))


def _unreadable(place: str, message: str, hint: str) -> Document:
    return Document([], [Problem(place=place, message=message, hint=hint)], whole=False)


def parse(text: str, source: str) -> Document:
    """What a text says; `source` names it in problems."""
    from hcl.lexer import Lexer

    lexer = Lexer()
    lexer.input(text)
    parser = _Parser(lexer, source)
    try:
        parser.body(())
    except _Fault as fault:
        return Document(parser.entries, [*parser.problems, fault.problem], whole=False)
    return Document(parser.entries, parser.problems)


class _Parser:
    def __init__(self, lexer: Lexer, source: str) -> None:
        self._lexer = lexer
        self._source = source
        self._line = 1
        self._next: _Token | None = None
        # Where the last token ended, and the line of the last value.
        self._end = 0
        self._value_line = 0
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []

    def body(self, block: tuple[str, ...]) -> None:
        """Settings and blocks up to the end of the block (or of the file, at the top)."""
        opened = self._line
        closing = "RIGHTBRACE" if block else _END
        if len(block) > _MAX_DEPTH:
            raise self._error(opened, "blocks are nested too deeply")
        while (token := self._take()).type != closing:
            if token.type == _END:
                raise self._error(opened, f"the block {shown('.'.join(block))} is never closed", "Add the missing `}`.")
            if token.type == "COMMA":
                continue
            if token.type not in ("IDENTIFIER", "STRING"):
                raise self._unexpected(token, "the name of a setting")
            if token.joined and token.line == self._value_line:
                raise self._error(token.line, "something follows right behind a value", 'Write the whole of it "so".')
            self._item((*block, str(token.value)), token.line)

    def _item(self, path: tuple[str, ...], line: int) -> None:
        token = self._take()
        key = ".".join(path)
        # What follows a value on its line may be a piece of it.
        name = "the name" if line == self._value_line else shown(path[-1])
        if token.type in ("EQUAL", "COLON"):
            token = self._take()
            if token.type != "LEFTBRACE":
                found = len(self.problems)
                value = self._value(token, line)
                self._value_line = self._line
                if found == len(self.problems):
                    self.entries.append(Entry(key, value, line))
                return
        if token.type != "LEFTBRACE":
            raise self._unexpected(token, f'"=" or "{{" after {name}')
        self.entries.append(Entry(key, None, line))
        self.body(path)

    def _value(self, token: _Token, line: int) -> Value:
        if token.type in ("STRING", "BOOL", "NUMBER", "FLOAT"):
            return token.value
        if token.type == "LEFTBRACKET":
            return self._list(line)
        if token.type == "IDENTIFIER":
            # Not shown, and what else is on the line neither: it may be a secret.
            self.problems.append(self._problem(token.line, "text must stand in quotes", 'Write it like "this".'))
            self._skip_line(token.line)
            return ""
        raise self._unexpected(token, "a value")

    def _list(self, opened: int) -> list[Value]:
        items: list[Value] = []
        while True:
            token = self._take()
            if token.type == "LEFTBRACKET":
                raise self._error(token.line, "a list cannot stand in a list", "Write one list of plain values.")
            if token.type not in ("RIGHTBRACKET", _END):
                items.append(self._value(token, opened))
                token = self._take()
            if token.type == "RIGHTBRACKET":
                return items
            if token.type == _END:
                raise self._error(opened, "the list that begins here is never closed", "Add the missing `]`.")
            if token.type != "COMMA":
                raise self._unexpected(token, '"," or "]"')

    def _skip_line(self, line: int) -> None:
        """Goes on where the next line begins, or the block or list ends."""
        while True:
            token = self._take()
            if token.line != line or token.type in ("RIGHTBRACE", "RIGHTBRACKET", "COMMA", _END):
                self._next = token
                return

    def _take(self) -> _Token:
        if self._next is not None:
            token, self._next = self._next, None
            return token
        return self._read()

    def _read(self) -> _Token:
        try:
            token = self._lexer.token()
        except ValueError as error:
            if str(error).endswith(_OPEN_STRING):
                # It names the line where the file ends.
                lex = self._lexer.lex
                opened = lex.lexdata.count("\n", 0, lex.abs_start) + 1
                raise self._error(
                    opened, "the text that begins here is never closed", 'Add the missing `"`.'
                ) from error
            match = _LEXER_ERROR.match(str(error))
            line, message = (int(match[1]), match[2]) if match else (self._line, str(error))
            raise self._error(line, message if message.isprintable() else ascii(message)) from error
        except IndexError as error:
            # It looks at the character after a "/" or "<" even where the text ends.
            raise self._error(self._line, "the text ends in the middle of something") from error
        if token is None:
            return _Token(_END, "", self._line)
        self._line = token.lineno
        joined, self._end = token.lexpos == self._end, self._lexer.lex.lexpos
        return _Token(token.type, token.value, token.lineno, joined)

    def _unexpected(self, token: _Token, expected: str) -> _Fault:
        # What a setting is set to is not shown: it may be a secret.
        came = _CAME.get(token.type) or shown(str(token.value))
        return self._error(token.line, f"expected {expected}, came {came}")

    def _error(self, line: int, message: str, hint: str = _SHAPE_HINT) -> _Fault:
        return _Fault(self._problem(line, message, hint))

    def _problem(self, line: int, message: str, hint: str) -> Problem:
        return Problem(place=f"{self._source} line {line}", message=message, hint=hint)
