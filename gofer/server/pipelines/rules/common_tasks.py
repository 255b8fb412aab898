"""Rules of tasks that use a common task, and of notifiers."""

from __future__ import annotations

import re
from typing import Final

from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import Manifest, Task
from gofer.server.nearest import Nearest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.report import Report, Scope, at_key
from gofer.server.pipelines.rules.interpolations import check_interpolations
from gofer.server.pipelines.rules.values import check_bytes

_SETTING = re.compile(bounds.SETTING_PATTERN.removesuffix("$") + r"\Z")
_TOO_LONG_HINT = "Put it into an object, and refer to it."

# What a task may say beside a common task: nothing by which it could look into the container.
_ALLOWED: Final = frozenset(
    {
        *("id", "description", "common_task", "settings", "depends_on", "matrix"),
        *("retries", "timeout", "stop_timeout", "allow_failure"),
    }
)
_NONE: Final = Task(id="")
_FORBIDDEN: Final = tuple(field for field in Task.__struct_fields__ if field not in _ALLOWED and field != "image")


def check_what_runs(task: Task, scope: Scope) -> None:
    """A task runs either an image or a common task."""
    if not task.image and not task.common_task:
        scope.add("", "has neither an image nor a common task", 'Say what runs, such as "image": "busybox:stable".')
    elif task.image and task.common_task:
        scope.add(".common_task", "stands beside an image", "Keep one of them: a common task brings its own image.")
    elif task.common_task:
        _check_id(scope, ".common_task", task.common_task)
        for field in _FORBIDDEN:
            if getattr(task, field) != getattr(_NONE, field):
                hint = "Leave it out. What the common task takes is in `settings`; all else is the administrator's."
                scope.add(f".{field}", "does not go with a common task, which nobody looks into", hint)
    elif task.settings:
        hint = "Give its container `variables`, or name a `common_task` in place of the image."
        scope.add(".settings", "are for a common task, and this task runs an image", hint)
    check_settings(scope, task.settings)


def check_settings(scope: Scope, settings: dict[str, str]) -> None:
    """Of a task or a notifier."""
    if len(settings) > bounds.MAX_SETTINGS:
        scope.add(".settings", f"has {len(settings)} settings; at most {bounds.MAX_SETTINGS} are allowed")
        return
    for name, value in settings.items():
        place = f".settings{at_key(name)}"
        if not _SETTING.match(name):
            hint = "Use 1 to 64 small letters, digits and '_', and begin with a letter."
            scope.add(place, f"{shown(name, 40)} is not the name of a setting", hint)
        check_bytes(scope, place, value, bounds.MAX_VALUE_BYTES, _TOO_LONG_HINT)


def check_notifiers(manifest: Manifest, report: Report) -> None:
    """All of them."""
    if len(manifest.notifiers) > bounds.MAX_NOTIFIERS:
        message = f"there are {len(manifest.notifiers)} notifiers; at most {bounds.MAX_NOTIFIERS} are allowed"
        report.add("notifiers", message, "One common task may tell several people.")
        return
    known = frozenset(parameter.name for parameter in manifest.parameters)
    nearest = Nearest(known)
    labels: dict[str, int] = {}
    for i, notifier in enumerate(manifest.notifiers):
        scope = Scope(report, f"notifiers[{i}]", f"notifier {shown(notifier.label, 64)}")
        if not is_id(notifier.label):
            scope.add(".label", f"{shown(notifier.label)} is not a valid label", ID_HINT)
        elif (before := labels.setdefault(notifier.label, i)) != i:
            scope.add(".label", f"is the label of notifiers[{before}] already", "Choose another.")
        _check_id(scope, ".common_task", notifier.common_task)
        if len(set(notifier.when)) != len(notifier.when):
            scope.add(".when", "names a status twice", "Name each once.")
        if notifier.on_change and notifier.when == ["cancelled"]:
            hint = "on_change tells of failed runs after successful ones, and the other way round."
            scope.add(".when", "with on_change never comes to anything", hint)
        check_settings(scope, notifier.settings)
        check_interpolations(Task(id="notifier", settings=notifier.settings), nearest, known, scope)


def _check_id(scope: Scope, place: str, common_task: str) -> None:
    if not is_id(common_task):
        scope.add(place, f"{shown(common_task)} is not the name of a common task", ID_HINT)
