"""Texts that the server replaces when a task starts: `param{{name}}`, `matrix{{key}}` and the like.

With `!` before the braces, as in `param!{{name}}`, a text stays as it is, without the `!`.
"""

from __future__ import annotations

import re

from gofer_sdk import checks
from gofer_sdk.errors import PipelineError, mistake

_PLAIN = frozenset({"param", "matrix"})
_OPENING = re.compile(r"(param|matrix|global_secret|secret|pipeline|run)(!*)\{\{")
_KEY = re.compile(r"([^{}]{0,200})\}\}")
_SECRET = re.compile(r"(global_)?secret\{\{[A-Za-z0-9][A-Za-z0-9_-]{0,63}\}\}\Z")
_ESCAPE = 'To keep such a text as it is, put "!" before the braces'


def param(name: str) -> str:
    """`param{{name}}`: the value that the run was given for the pipeline's parameter `name`."""
    return f"param{{{{{checks.variable_name('param()', name, 'the name of a parameter')}}}}}"


def matrix(key: str) -> str:
    """`matrix{{key}}`: the value of `key` in this task run of a fanned out task."""
    return f"matrix{{{{{checks.variable_name('matrix()', key, 'a key of a matrix')}}}}}"


def secret(key: str) -> str:
    """`secret{{key}}`: the value of a secret of the pipeline. For the value of a variable."""
    return _stored("secret", key)


def global_secret(key: str) -> str:
    """`global_secret{{key}}`: the value of a global secret that the namespace may use. For the value of a variable."""
    return _stored("global_secret", key)


def pipeline_object(key: str) -> str:
    """`pipeline{{key}}`: the text of an object of the pipeline. For the value of a variable."""
    return _stored("pipeline", key)


def run_object(key: str) -> str:
    """`run{{key}}`: the text of an object of the run, such as a task before has put. For the value of a variable."""
    return _stored("run", key)


def _stored(kind: str, key: str) -> str:
    name = {"pipeline": "pipeline_object", "run": "run_object"}.get(kind, kind)
    return f"{kind}{{{{{checks.identifier(f'{name}()', key, 'a key')}}}}}"


def is_secret(text: object) -> bool:
    """Whether `text` is one reference to a secret and nothing else."""
    return isinstance(text, str) and _SECRET.match(text) is not None


def references(text: str) -> list[tuple[str, str]]:
    """What a text refers to, as pairs such as `("param", "name")`, in order. Malformed ones have the key "{"."""
    found: list[tuple[str, str]] = []
    for opening in _OPENING.finditer(text) if "{{" in text else ():
        if not opening[2]:
            key = _KEY.match(text, opening.end())
            found.append((opening[1], key[1] if key else "{"))
    return found


def checked(where: str, text: str, *, variable: bool = False, script: bool = False) -> str:
    """`text`, if all it refers to is well formed and may stand there: secrets and objects in the value of a `variable`
    only, parameters not in a `script`, whose program they would become part of.
    """
    for kind, key in references(text):
        if key == "{":
            raise mistake(where, f'"{kind}{{{{" to be closed by "}}}}"', text, f"{_ESCAPE}: {kind}!{{{{.")
        name = f"{where}, {kind}{{{{{key}}}}}"
        if kind == "param":
            checks.variable_name(name, key, "the name of a parameter between the braces")
        else:
            checks.identifier(name, key, "a key between the braces")
        if kind == "param" and script:
            raise PipelineError(
                f"{name}: a parameter cannot stand in a script, as it would become part of the program. "
                f'Use its variable there: "${key}".'
            )
        if kind not in _PLAIN and not variable:
            fix = f'Write .variable("NAME", "{kind}{{{{{key}}}}}"), and use $NAME here.'
            raise mistake(where, f"{kind}{{{{…}}}} in the value of a variable only", text, fix)
    return text
