"""Lists of patterns, as filters have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate

MOST_PATTERNS = 100
MOST_LENGTH = 200


class Patterns:
    """Texts are wanted that match one of them and none that begins with `!`; any, where none is without `!`.

    `*` is any number of any characters, slashes too, `?` is one, `[ab]` one of these. `**/` in front may also be
    nothing.
    """

    def __init__(self, patterns: Sequence[str], *, ignore_case: bool = False) -> None:
        """Raises ValueError for what is no pattern."""
        if len(patterns) > MOST_PATTERNS:
            raise ValueError(f"{len(patterns)} patterns are too many: at most {MOST_PATTERNS} are allowed")
        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        self._wanted = [_compiled(one, flags) for one in patterns if not one.startswith("!")]
        self._unwanted = [_compiled(one[1:], flags) for one in patterns if one.startswith("!")]
        self.text = ", ".join(patterns)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._wanted or self._unwanted)

    def match(self, text: str) -> bool:
        """Whether that is wanted."""
        if any(one.match(text) for one in self._unwanted):
            return False
        return not self._wanted or any(one.match(text) for one in self._wanted)

    def match_any(self, texts: Iterable[str]) -> bool:
        """Whether one of them is."""
        return any(self.match(text) for text in texts)


def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    if not pattern:
        raise ValueError("a pattern must not be empty")
    if len(pattern) > MOST_LENGTH:
        raise ValueError(f'the pattern "{pattern[:20]}…" is longer than {MOST_LENGTH} characters')
    # What `fnmatch` makes of a pattern takes no time that grows faster than pattern times text.
    if pattern.startswith("**/") and len(pattern) > 3:
        return re.compile(f"{translate(pattern)}|{translate(pattern[3:])}", flags)
    return re.compile(translate(pattern), flags)
