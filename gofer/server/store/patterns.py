"""Name patterns as the queries take them: what a caller may see of a list, decided by SQLite as it reads."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

Patterns = Sequence[str] | None
"""In each `*` stands for any characters, and nothing else is special. None: whatever the name."""


def globs(patterns: Patterns) -> str | None:
    """A JSON list for `EXISTS (SELECT 1 FROM json_each(:…) WHERE id GLOB value)`; None means that nothing is left out.

    GLOB is anchored, minds the case, and knows `?` and `[` besides: in brackets they stand for themselves
    (https://www.sqlite.org/lang_expr.html#glob).
    """
    if patterns is None:
        return None
    return msgspec.json.encode([one.replace("[", "[[]").replace("?", "[?]") for one in patterns]).decode()
