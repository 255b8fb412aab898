"""Finds a builder call whose result is thrown away, such as the lone statement `task.timeout("10m")`.

Tasks and pipelines never change, so that statement does nothing, silently. The calling code tells: the instruction
after the call drops its value, and the source there is a statement that ends in the call of that very method. Where
the source cannot be read nothing is said. The next instruction alone would not do: a method that C code calls, as in
`names.extend(map(Task.allow_failure, tasks))`, runs in the frame of a statement that drops quite another value.
"""

from __future__ import annotations

import itertools
import opcode
from types import FrameType
from typing import TYPE_CHECKING

from gofer_sdk.errors import PipelineError

if TYPE_CHECKING:
    import ast

_CACHE = opcode.opmap["CACHE"]
_DROP = opcode.opmap["POP_TOP"]


def refuse_forgotten(frame: FrameType, kind: str) -> None:
    """Raise PipelineError if `frame`'s caller drops what `frame`, a method of a `kind` ("Task"), is about to return."""
    caller = frame.f_back
    if caller is None or not _drops(caller):
        return
    method = frame.f_code.co_name
    call = _statement(caller)
    if call is None or _last_name(call.func) != method:
        return
    owner = getattr(call.func, "value", None)
    name = getattr(owner, "id", None) or kind.lower()
    raise PipelineError(
        f"The result of .{method}(…) is thrown away. A {kind} never changes: each method returns a new one. "
        f"Write {name} = {name}.{method}(…), or go on with the result where you stand."
    )


def _drops(caller: FrameType) -> bool:
    """Whether the instruction after the call drops its value. `f_lasti` may point at the call or into its cache."""
    code = caller.f_code.co_code
    position = caller.f_lasti + 2
    while position < len(code) and code[position] == _CACHE:
        position += 2
    return 0 < position < len(code) and code[position] == _DROP


def _statement(caller: FrameType) -> ast.Call | None:
    """The call that `caller` is in, read from its source; None without source."""
    import ast
    import linecache

    place = next(itertools.islice(caller.f_code.co_positions(), caller.f_lasti // 2, None))
    first, last, start, end = place
    if first is None or last is None or start is None or end is None:
        return None
    lines = [
        line.encode() for line in linecache.getlines(caller.f_code.co_filename, caller.f_globals)[first - 1 : last]
    ]
    if len(lines) != last - first + 1:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        found = ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return found if isinstance(found, ast.Call) else None


def _last_name(called: ast.expr) -> str:
    """`b` of `a.b` and of `b`. In a chain over several lines the position of a call begins at its method's name."""
    return str(getattr(called, "attr", None) or getattr(called, "id", ""))
