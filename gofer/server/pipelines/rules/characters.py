"""No NUL and no half of a surrogate pair anywhere: no container, file or JSON reader could take them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gofer.models.manifest import Manifest
from gofer.server.pipelines.report import Report, at_key

_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


def check_characters(manifest: Manifest, report: Report) -> None:
    """Report each text and each key that has one."""
    if _surely_clean(manifest):
        return
    pending: list[tuple[str, Any]] = [("", msgspec.to_builtins(manifest))]
    while pending:
        place, value = pending.pop()
        if isinstance(value, str):
            check_text(place, value, report)
        elif isinstance(value, list):
            pending.extend((f"{place}[{i}]", item) for i, item in reversed(list(enumerate(value))))
        elif isinstance(value, dict):
            for key in value:
                check_text(place, key, report)
            pending.extend(((place + at_key(key)).removeprefix("."), value[key]) for key in reversed(list(value)))


def _surely_clean(manifest: Manifest) -> bool:
    try:
        return b"\\u0000" not in msgspec.json.encode(manifest)
    except UnicodeEncodeError:
        return False


def check_text(place: str, text: str, report: Report) -> None:
    """Report the first such character of one text."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        what = "a NUL character" if found[0] == "\x00" else "half of a surrogate pair"
        report.add(place, f"has {what} at position {found.start()}", "Remove it.")
