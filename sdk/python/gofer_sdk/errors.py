"""The one exception of this package."""

from __future__ import annotations

from collections.abc import Sequence


class PipelineError(ValueError):
    """A pipeline, task or value cannot be what it was meant to be.

    The message says what was expected, what came and how to mend that line. `problems` lists every fault where the
    finished pipeline as a whole was checked; otherwise it holds the message alone.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems) or (message,)


def shown(value: object, limit: int = 80) -> str:
    """`value` as it stands in an error message: its repr, cut at `limit` characters."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def mistake(where: str, expected: str, came: object, fix: str) -> PipelineError:
    """The usual sentence: `where` names the call, `expected` completes "expected …", `fix` is a sentence of its own."""
    return PipelineError(f"{where}: expected {expected}, got {shown(came)}. {fix}")
