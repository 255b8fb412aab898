"""What tasks and Pipeline have in common: they are values."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from gofer_sdk.errors import PipelineError
from gofer_sdk.forgotten import refuse_forgotten

_V = TypeVar("_V", bound="Value")


class Value:
    """An immutable value in the shape of a part of the manifest. Equal to another if both say the same.

    Every building method returns a new value and leaves this one as it was, so that one task may serve as the base of
    many. A building call whose result is not used raises PipelineError.
    """

    __slots__ = ("_parts",)
    _parts: Mapping[str, Any]
    _order: ClassVar[tuple[str, ...]]

    def __init__(self, parts: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_parts", parts)

    @property
    def id(self) -> str:
        """The id it was given."""
        return str(self._parts["id"])

    def _with(self, **parts: Any) -> Self:
        """A copy with `parts` set. To be called by a building method, directly and as its last act."""
        refuse_forgotten(sys._getframe(1), _kind(type(self)))
        return _restore(type(self), {**self._parts, **parts})

    def _where(self, method: str) -> str:
        """How an error names the call of `method`."""
        return f'{_kind(type(self))} "{self.id}" .{method}()'

    def _plain(self) -> dict[str, Any]:
        """The part of the manifest, independent of this value, its fields in the documented order."""
        return {name: _copy(self._parts[name]) for name in self._order if name in self._parts}

    def _canonical(self) -> str:
        # Text, as in Python 1 == 1.0 == True: three different defaults of a parameter.
        return json.dumps(self._plain(), sort_keys=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value) or _kind(type(self)) != _kind(type(other)):
            return NotImplemented
        return self._canonical() == other._canonical()

    def __hash__(self) -> int:
        return hash(self._canonical())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({json.dumps(self._plain(), ensure_ascii=False)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), dict(self._parts))

    def __setattr__(self, name: str, value: object) -> None:
        kind = _kind(type(self))
        methods = (method for method in (f"with_{name}", name) if callable(getattr(type(self), method, None)))
        call = f"{kind.lower()} = {kind.lower()}.{next(methods, 'description')}(…)"
        raise PipelineError(
            f"A {kind} never changes; .{name} cannot be set. Call a method and keep its result, as in {call}."
        )

    def __delattr__(self, name: str) -> None:
        raise PipelineError(f"A {_kind(type(self))} never changes; .{name} cannot be deleted.")


def _kind(of: type[Value]) -> str:
    """`Task`, `CommonTask` or `Pipeline`, for a subclass too."""
    bases = (base for base in reversed(of.__mro__) if base not in (object, Value))
    return next(base.__name__ for base in bases if "_abstract" not in vars(base))


def _restore(of: type[_V], parts: Mapping[str, Any]) -> _V:
    """A value of `parts` that were checked before, past the constructor."""
    value = of.__new__(of)
    object.__setattr__(value, "_parts", parts)
    return value


def _copy(part: Any) -> Any:
    """`part` in types of JSON's own, nothing of it shared."""
    if isinstance(part, Value):
        return part._plain()
    if isinstance(part, Mapping):
        return {name: _copy(value) for name, value in part.items()}
    return [_copy(value) for value in part] if isinstance(part, list | tuple) else part
