"""The settings of a trigger: declared as a class, described to Gofer, and decoded from what somebody has written."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, dataclass_transform, get_origin, get_type_hints

from gofer_sdk.trigger.duration import Duration
from gofer_sdk.trigger.errors import InvalidSettings
from gofer_sdk.trigger.setting import DECLARED, Declared, Setting


def field(
    description: str,
    *,
    default: Any = dataclasses.MISSING,
    choices: Sequence[object] = (),
    secret: bool = False,
) -> Any:
    """One setting. Without `default` somebody must set it.

    `description` is a sentence for who sets it; `choices` are the only values that are taken; `secret` hides what
    somebody types, and keeps it out of errors. The default of a Duration may be a text.
    """
    declared = {DECLARED: Declared(description, tuple(choices), secret)}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=default.copy, metadata=declared)
    return dataclasses.field(default=default, metadata=declared)


@dataclass_transform(field_specifiers=(field,), kw_only_default=True, frozen_default=True)
class Settings:
    """The base of a class of settings.

    class Nightly(Settings):
        every: Duration = field("How long between two runs.", default="1h")
        branches: list[str] = field("Only these branches.", default=[])

    A type is one of `str`, `int`, `float`, `bool`, `Duration`, `list[…]` and `dict[str, …]` of them (or of Any), or
    one of them `| None` with the default None. Instances cannot be changed. Raises TypeError where a declaration is
    wrong, when the class is made.
    """

    declared_settings: ClassVar[tuple[Setting, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = inspect.get_annotations(cls)
        hints = {name: hint for name, hint in get_type_hints(cls).items() if get_origin(hint) is not ClassVar}
        for name in own:
            value = cls.__dict__.get(name)
            if name in hints and not isinstance(value, dataclasses.Field):
                raise TypeError(f'{cls.__name__}.{name}: expected {name}: … = field("What it is for.").')
            if isinstance(value, dataclasses.Field) and hints[name] is Duration and isinstance(value.default, str):
                value.default = Duration(value.default)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        made = dataclasses.fields(cls)  # type: ignore[arg-type]
        cls.declared_settings = tuple(Setting(f"{cls.__name__}.{one.name}", one, hints[one.name]) for one in made)

    @classmethod
    def describe(cls) -> list[dict[str, object]]:
        """The protocol's list of fields."""
        return [setting.describe() for setting in cls.declared_settings]

    @classmethod
    def decode(cls, given: object) -> Self:
        """The settings that a map holds. Raises InvalidSettings, which names every setting that is wrong."""
        if not isinstance(given, Mapping):
            raise InvalidSettings(f"Expected a map of settings, got {type(given).__name__}.")
        settings = {setting.name: setting for setting in cls.declared_settings}
        problems = [_unknown(str(name), list(settings)) for name in given if name not in settings]
        values = {}
        for name, setting in settings.items():
            try:
                if name in given:
                    values[name] = setting.decode(given[name])
                elif setting.required:
                    raise ValueError(f"{name}: expected {setting.expected}, got nothing. {setting.description}".strip())
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise InvalidSettings(" ".join(problems))
        return cls(**values)


class NoSettings(Settings):
    """For a trigger that has none."""


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    meant = f' Did you mean "{near[0]}"?' if near else ""
    there = f" There are: {', '.join(known)}." if known else " There are none."
    return f'"{name[:64]}" is not a setting.{meant}{there}'
