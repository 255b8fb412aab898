"""Path expressions over what came in: JMESPath (jmespath.org/specification.html), but for what can make much of little.

One program evaluates the expressions of all pipelines. So an expression may look for things and compare them, and not
build lists and maps of its own: a few characters of that can make gigabytes.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from jmespath import functions
from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from gofer_triggers.payload import MOST_DEPTH, clean

MOST_LENGTH = 1000
"""Characters of one expression."""

MOST_BYTES = 100_000
"""Of a value: Gofer gives no run one of more than 100 KiB, as Linux lets no variable have 128 (MAX_ARG_STRLEN)."""

_MOST_STEPS = 200_000
_REFUSED_NODES = {"multi_select_list": "[a, b]", "multi_select_dict": "{a: b}"}
_REFUSED_FUNCTIONS = {"merge"}


class BadExpression(ValueError):
    """It is none, or it cannot be applied to what came in; the text says why."""


class Expression:
    """A compiled one."""

    def __init__(self, text: str) -> None:
        """Raises BadExpression."""
        self.text = text
        if len(text) > MOST_LENGTH:
            raise BadExpression(f"it has {len(text)} characters, and may have {MOST_LENGTH}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self._tree: dict[str, Any] = Parser().parse(text).parsed
            _check(self._tree)
        except PendingDeprecationWarning:
            raise BadExpression("between ` and ` stands JSON; a text stands between ' and '") from None
        except RecursionError:
            raise BadExpression("it goes too deep") from None
        except JMESPathError as error:
            raise BadExpression(_one_line(error)) from None

    def of(self, value: object) -> object:
        """What it finds in `value`; None: nothing. Raises BadExpression."""
        try:
            return _Interpreter().visit(self._tree, value)
        except BadExpression:
            raise
        except RecursionError:
            raise BadExpression("it goes too deep for what came") from None
        except JMESPathError as error:
            raise BadExpression(_one_line(error)) from None
        except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
            # The library lets these through, as for sum() of a list with texts in it.
            raise BadExpression(f"it does not fit what came: {error}") from None

    def text_of(self, value: object) -> str | None:
        """The same as a text: numbers, lists and so on as JSON has them. Raises BadExpression."""
        found = self.of(value)
        if found is None:
            return None
        text = found if isinstance(found, str) else _Functions.limited(found)
        if len(text.encode("utf-8", "replace")) > MOST_BYTES:
            raise BadExpression(f"what it finds is longer than {MOST_BYTES:,} bytes")
        return clean(text, MOST_BYTES)

    def holds(self, value: object) -> bool:
        """Whether it finds something, as JMESPath has truth: not false, null, or an empty text, list or map. Raises
        BadExpression."""
        found = self.of(value)
        return not (found is None or found is False or found == "" or found == [] or found == {})


class _Functions(functions.Functions):  # type: ignore[misc]
    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: object) -> str:
        return value if isinstance(value, str) else self.limited(value)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if sum(map(len, texts)) + len(separator) * len(texts) > MOST_BYTES:
            raise BadExpression(f"join() makes more than {MOST_BYTES:,} characters")
        return separator.join(texts)

    @staticmethod
    def limited(value: object) -> str:
        """As JSON. Raises BadExpression where that is too long."""
        parts, size = [], 0
        try:
            for part in json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(value):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise BadExpression(f"what it finds is longer than {MOST_BYTES:,} characters")
        except TypeError:
            raise BadExpression("it finds an expression (&), which is no value") from None
        return "".join(parts)


class _Interpreter(TreeInterpreter):  # type: ignore[misc]
    """Stops where an expression takes too many steps."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_Functions()))
        self._left = _MOST_STEPS

    def visit(self, node: dict[str, Any], *args: Any, **given: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise BadExpression(f"it takes more than {_MOST_STEPS:,} steps for what came")
        return super().visit(node, *args, **given)

    def visit_flatten(self, node: dict[str, Any], value: object) -> Any:
        flat = super().visit_flatten(node, value)
        self._left -= len(flat or ())
        return flat


def _check(node: Mapping[str, Any]) -> None:
    kind, value = node["type"], node.get("value")
    if kind in _REFUSED_NODES:
        raise BadExpression(f"it builds a list or map ({_REFUSED_NODES[kind]}), which is not possible here")
    if kind == "function_expression":
        known = functions.Functions.FUNCTION_TABLE
        if value in _REFUSED_FUNCTIONS or value not in known:
            there = ", ".join(sorted(set(known) - _REFUSED_FUNCTIONS))
            raise BadExpression(f"there is no function {clean(value, 60)}() here; there are {there}")
    if kind == "literal" and _depth(value) > MOST_DEPTH:
        raise BadExpression("it goes too deep")
    for child in node["children"]:
        if isinstance(child, dict):
            _check(child)


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _one_line(error: JMESPathError) -> str:
    """The library draws an arrow below the expression: only what stands above that."""
    return clean(str(error).partition("\n")[0].rstrip(":. ").removesuffix(", for expression"), 300)
