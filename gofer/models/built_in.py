"""What the program brings along itself: triggers and common tasks that run as processes of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

BuiltInKind = Literal["trigger", "common-task"]
SCHEME: Final = "builtin:"
BUILT_INS: Final[Mapping[BuiltInKind, tuple[str, ...]]] = {
    "trigger": ("cron", "github", "interval", "pipeline", "webhook"),
    "common-task": ("debug", "email", "slack", "webhook"),
}
"""Every name there is, as `gofer builtin KIND NAME` starts it."""


class BuiltIn(NamedTuple):
    """Which one; as an image it is `builtin:KIND/NAME`."""

    kind: BuiltInKind
    name: str

    @property
    def image(self) -> str:
        return f"{SCHEME}{self.kind}/{self.name}"


def built_in_of(image: str) -> BuiltIn | None:
    """What an image `builtin:KIND/NAME` names, whether there is one of that name or not; None for all other images."""
    if not image.startswith(SCHEME):
        return None
    kind, _, name = image.removeprefix(SCHEME).partition("/")
    return next((BuiltIn(known, name) for known in get_args(BuiltInKind) if known == kind), None)
