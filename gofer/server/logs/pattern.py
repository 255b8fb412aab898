"""What is searched for. The engine is RE2: its time grows with the length of the text alone, whatever the pattern."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gofer.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import re2

MAX_LENGTH = 1_000
"""Characters of a pattern."""

MAX_PROGRAM = 4_000
"""Instructions of a compiled pattern. The worst case costs that many steps for each byte of text."""

# Of each search that goes on, however long: enough for any pattern that people write.
_MEMORY = 1024 * 1024
_ESCAPE = re.compile(r"\\Q.*?(?:\\E|$)|\\(.)", re.DOTALL)
_SYNTAX = "Patterns have the syntax of RE2: no look-around, no back-references. literal=true searches for plain text."


class Pattern:
    """Finds lines in text. May be used in several threads at once."""

    def __init__(self, compiled: re2._Regexp) -> None:
        self._search = compiled.search
        self.size: int = compiled.programsize

    def find(self, text: bytes, begin: int, end: int | None = None) -> tuple[int, int] | None:
        """Where the first match at or after `begin` stands; it is within one line of `text`, and before `end`.

        Takes `size` steps for each byte between the two at most.
        """
        found = self._search(text, begin, end)
        return None if found is None else found.span()


def compiled(pattern: str, *, literal: bool = False, ignore_case: bool = False) -> Pattern:
    """A pattern that matches within lines; `^` and `$` are the ends of a line. `literal`: it is plain text.

    Raises InvalidInput, in RE2's words where it is not understood, and Unavailable where RE2 itself cannot be loaded.
    """
    if not literal and any(match[1] in ("A", "z") for match in _ESCAPE.finditer(pattern) if match[1]):
        raise InvalidInput(
            "A search looks at each line: \\A and \\z have no meaning in it.", "^ and $ are the ends of a line."
        )
    re2 = _engine()
    options = re2.Options()
    options.never_nl = True
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not ignore_case
    text = re2.escape(pattern) if literal else f"(?m){pattern}"
    try:
        found = re2.compile(text, options)
    except re2.error as error:
        raise InvalidInput(f"The pattern cannot be used: {_words(error, pattern, text)}.", _SYNTAX) from None
    finally:
        # Its cache would keep the memory of patterns that nobody uses any more.
        re2.purge()
    if found.programsize > MAX_PROGRAM:
        raise InvalidInput(
            f"The pattern is too large: compiled, it has {found.programsize:,} steps, of {MAX_PROGRAM:,} allowed.",
            "Use smaller repetitions, such as .* in the place of .{0,500}.",
        )
    return Pattern(found)


def _engine() -> Any:
    # Loaded with the first search: it stands on the machine's own libstdc++, and nothing else needs that.
    try:
        import re2
    except ImportError as error:
        raise Unavailable(
            f"Logs cannot be searched here: {error}.", "Install libstdc++ (Debian: libstdc++6), and start Gofer again."
        ) from None
    return re2


def _words(error: Exception, pattern: str, text: str) -> str:
    said = error.args[0] if error.args else b""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return words.replace(text, pattern)
