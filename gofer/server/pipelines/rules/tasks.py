"""Rules of one task: what it runs, with what, and within which limits. Edges and matrices have files of their own."""

from __future__ import annotations

import itertools
import math
import re

from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import Task
from gofer.server.pipelines import bounds
from gofer.server.pipelines.images import image_hint, is_image
from gofer.server.pipelines.interpolation import (
    SECRET_KINDS,
    Kind,
    Reference,
    interpolate,
    parse,
    password_text,
    references,
)
from gofer.server.pipelines.report import Scope, at_key
from gofer.server.pipelines.rules.artifacts import check_artifacts
from gofer.server.pipelines.rules.common_tasks import check_what_runs
from gofer.server.pipelines.rules.parameters import check_variable_name
from gofer.server.pipelines.rules.values import (
    byte_length,
    check_block,
    check_bytes,
    check_duration,
    check_line,
    check_path,
    check_size,
)

_USER = re.compile(bounds.USER_PATTERN.removesuffix("$") + r"\Z")
_NETWORK = re.compile(bounds.NETWORK_PATTERN.removesuffix("$") + r"\Z")
_TOO_LONG_HINT = "Put it into the image or into an object, and refer to it."


def check_task(task: Task, scope: Scope) -> None:
    """Everything about the task alone, except its image, matrix, interpolations and edges."""
    if not is_id(task.id):
        scope.add(".id", f"{shown(task.id)} is not a valid task id", ID_HINT)
    check_block(scope, ".description", task.description, bounds.MAX_DESCRIPTION)
    check_what_runs(task, scope)
    _check_command(task, scope)
    _check_process(task, scope)
    _check_variables(task, scope)
    _check_retries(task, scope)
    _check_limits(task, scope)
    _check_registry(task, scope)
    _check_mounts(task, scope)
    check_artifacts(task, scope)
    if task.timeout is not None:
        check_duration(scope, ".timeout", task.timeout, least=1)
    if task.stop_timeout is not None:
        check_duration(scope, ".stop_timeout", task.stop_timeout, most=bounds.MAX_STOP_TIMEOUT_MS)


def check_image(task: Task, scope: Scope) -> None:
    """The image for each combination of the matrix values in it; one that a parameter is part of is not known yet.

    Call only for a matrix of sensible size.
    """
    if not task.image:
        return
    found = references(task.image)
    if any(reference.kind != "matrix" or reference.key not in task.matrix for reference in found):
        return
    keys = sorted({reference.key for reference in found})
    for values in itertools.product(*(task.matrix[key] for key in keys)):
        combination = dict(zip(keys, values, strict=True))

        def value(_: Kind, key: str, values: dict[str, str] = combination) -> str:
            return values[key]

        image = interpolate(task.image, value) if found else task.image
        if not is_image(image):
            scope.add(".image", f"{shown(image)} is not the name of an image", image_hint(image))
            return


def _check_command(task: Task, scope: Scope) -> None:
    if task.command is not None and task.script is not None:
        scope.add(".script", "both a command and a script are given", "Keep one of them.")
    if task.entrypoint is not None and task.script is not None:
        scope.add(".entrypoint", "both an entrypoint and a script are given", "A script is run by /bin/sh: keep one.")
    for name, words in (("entrypoint", task.entrypoint), ("command", task.command)):
        if words is None:
            continue
        if not words:
            scope.add(f".{name}", "is an empty list", "Leave it out to use the image's own.")
        elif len(words) > bounds.MAX_ARGUMENTS:
            scope.add(f".{name}", f"has {len(words)} words; at most {bounds.MAX_ARGUMENTS} are allowed", _TOO_LONG_HINT)
        for i, word in enumerate(words[: bounds.MAX_ARGUMENTS]):
            check_bytes(scope, f".{name}[{i}]", word, bounds.MAX_VALUE_BYTES, _TOO_LONG_HINT)
    if task.script is not None:
        if not task.script.strip():
            scope.add(".script", "is empty", "Leave it out to run the image's own command.")
        check_bytes(scope, ".script", task.script, bounds.MAX_VALUE_BYTES, _TOO_LONG_HINT)


def _check_process(task: Task, scope: Scope) -> None:
    directory, user, network = task.working_directory, task.user, task.network
    if directory is not None and "{{" not in directory:
        check_path(scope, ".working_directory", directory, bounds.MAX_PATH_BYTES)
    if user is not None and "{{" not in user and (len(user) > bounds.MAX_USER or not _USER.match(user)):
        hint = 'Write a name or a number, and a group if needed: "1000:1000".'
        scope.add(".user", f"{shown(user, 40)} is not a user", hint)
    if network is not None and (len(network) > bounds.MAX_NETWORK or not _NETWORK.match(network)):
        hint = 'Write the name of a network of the engine, such as "none".'
        scope.add(".network", f"{shown(network, 40)} is not the name of a network", hint)


def _check_variables(task: Task, scope: Scope) -> None:
    if len(task.variables) > bounds.MAX_VARIABLES:
        scope.add(".variables", f"has {len(task.variables)} variables; at most {bounds.MAX_VARIABLES} are allowed")
        return
    for name, value in task.variables.items():
        place = f".variables{at_key(name)}"
        check_variable_name(scope, place, name)
        check_bytes(scope, place, value, bounds.MAX_VALUE_BYTES, _TOO_LONG_HINT)


def _check_retries(task: Task, scope: Scope) -> None:
    retries = task.retries
    if not 0 <= retries.count <= bounds.MAX_RETRIES:
        scope.add(".retries.count", f"is not between 0 and {bounds.MAX_RETRIES}", "0 means that it is tried once.")
    backoff = check_duration(scope, ".retries.backoff", retries.backoff)
    most = check_duration(scope, ".retries.max_backoff", retries.max_backoff)
    if backoff is not None and most is not None and backoff > most:
        message = f"{shown(retries.backoff)} is longer than max_backoff, {shown(retries.max_backoff)}"
        scope.add(".retries.backoff", message, "Set max_backoff to at least as much.")
    if not (math.isfinite(retries.factor) and 1 <= retries.factor <= bounds.MAX_FACTOR):
        scope.add(".retries.factor", f"is not between 1 and {bounds.MAX_FACTOR:g}", "2 doubles each wait.")
    if not (math.isfinite(retries.jitter) and 0 <= retries.jitter <= 1):
        scope.add(".retries.jitter", "is not between 0 and 1", "0.1 varies each wait by a tenth.")


def _check_limits(task: Task, scope: Scope) -> None:
    cpu, memory = task.limits.cpu, task.limits.memory
    if cpu is not None and not (math.isfinite(cpu) and bounds.MIN_CPU <= cpu <= bounds.MAX_CPU):
        message = f"is not between {bounds.MIN_CPU:g} and {bounds.MAX_CPU:g} cores"
        scope.add(".limits.cpu", message, "0.5 is half of a core; leave it out for no limit.")
    if memory is not None:
        check_size(scope, ".limits.memory", memory, bounds.MIN_MEMORY, bounds.MAX_MEMORY)


def _check_registry(task: Task, scope: Scope) -> None:
    if task.registry is None:
        return
    if not task.registry.user:
        scope.add(".registry.user", "is empty", "Write the name that you log in with.")
    check_line(scope, ".registry.user", task.registry.user, bounds.MAX_USER)
    if not _names_secret(password_text(task.registry)):
        message = f"{shown(task.registry.password_secret, 40)} is not the key of a secret"
        hint = f"Never put the password itself here. {ID_HINT} For a global secret write global_secret{{{{key}}}}."
        scope.add(".registry.password_secret", message, hint)


def _names_secret(text: str) -> bool:
    parts = list(parse(text))
    return len(parts) == 1 and isinstance(parts[0], Reference) and parts[0].kind in SECRET_KINDS


def _check_mounts(task: Task, scope: Scope) -> None:
    if len(task.mounts) > bounds.MAX_MOUNTS:
        scope.add(".mounts", f"has {len(task.mounts)} mounts; at most {bounds.MAX_MOUNTS} are allowed")
        return
    targets: dict[str, int] = {}
    for i, mount in enumerate(task.mounts):
        for name, path in (("source", mount.source), ("target", mount.target)):
            place = f".mounts[{i}].{name}"
            check_path(scope, place, path, bounds.MAX_PATH_BYTES)
            if references(path):
                scope.add(place, f"{shown(path, 40)} would not be replaced here", "Write the path itself.")
            if ":" in path:
                scope.add(place, f"{shown(path, 40)} has a colon", "Engines read it as a separator: use another path.")
        target = mount.target.rstrip("/")
        if not target and byte_length(mount.target):
            scope.add(f".mounts[{i}].target", "is the root of the container", "Choose a folder in it.")
        elif (before := targets.setdefault(target, i)) != i:
            scope.add(f".mounts[{i}].target", f"is the target of mounts[{before}] already", "Choose another folder.")
