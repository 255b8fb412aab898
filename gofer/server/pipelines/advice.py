"""What is allowed in a manifest and still looks like a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.models.units import parse_duration
from gofer.server.nearest import Nearest
from gofer.server.pipelines.interpolation import KINDS, fields, parse
from gofer.server.pipelines.rules.artifacts import reads_unordered

_MOST = 20
_LOOKS_LIKE = re.compile(r"([A-Za-z_]{2,40})\{\{[A-Za-z0-9_-]{1,128}\}\}")


def advice(manifest: Manifest) -> list[str]:
    """Warnings about a valid manifest, as sentences; the first few."""
    found: list[str] = []
    for warning in _warnings(manifest):
        if len(found) == _MOST:
            return [*found, "There are further warnings."]
        found.append(warning)
    return found


def _warnings(manifest: Manifest) -> Iterator[str]:
    if manifest.parallelism.on_limit != "queue" and not manifest.parallelism.limit:
        yield f'parallelism: on_limit "{manifest.parallelism.on_limit}" has no effect without a limit.'
    yield from _long_timeouts(manifest)
    yield from _misspelt(manifest)
    for reader, key, writer in reads_unordered(manifest):
        told = f"task {shown(writer)} writes it and need not have run before: let one depend on the other"
        yield f"task {shown(reader)}: its input {shown(key)} may be missing, as {told}."


def _long_timeouts(manifest: Manifest) -> Iterator[str]:
    if manifest.run_timeout is None:
        return
    run = parse_duration(manifest.run_timeout)
    for task in manifest.tasks:
        if task.timeout is not None and parse_duration(task.timeout) > run:
            yield f"task {shown(task.id)}: its timeout {task.timeout} is longer than the run's, {manifest.run_timeout}."


def _misspelt(manifest: Manifest) -> Iterator[str]:
    kinds = Nearest(KINDS)
    for task in manifest.tasks:
        for field in fields(task):
            for word, text in _strange(field.text):
                if near := kinds.find(word):
                    told = f"{shown(text, 60)} stays as it is; did you mean {near}{{{{…}}}}?"
                    yield f"task {shown(task.id)}: {field.place.removeprefix('.')}: {told}"


def _strange(text: str) -> Iterator[tuple[str, str]]:
    """Words before braces that are no kind of interpolation, with the whole of each."""
    for part in parse(text) if "{{" in text else ():
        if isinstance(part, str):
            yield from ((match[1], match[0]) for match in _LOOKS_LIKE.finditer(part))
