"""The manifest's JSON Schema, made from its types and the limits of the rules.

`python -m gofer.server.pipelines.schema` prints it. It says what a schema can: that a graph has no cycle, for one, only
`gofer pipeline validate` can tell.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from gofer.models.ids import ID_PATTERN, VARIABLE_PATTERN
from gofer.models.manifest import MAX_TASKS, SCHEMA_VERSION, Manifest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.schema_fields import DESCRIPTIONS

_UNITS = "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in ("d", "h", "m", "s", "ms"))
_DURATION = {"pattern": f"^(?=.){_UNITS}$", "maxLength": 32, "examples": ["90s", "1m30s", "2h"]}
_SIZE = {
    "pattern": r"^[0-9]+(\.[0-9]+)? *([KkMmGgTt][Ii]?)?[Bb]?$",
    "maxLength": 32,
    "examples": ["512MB", "512MiB", "2GB"],
}
_VALUE = {"maxLength": bounds.MAX_VALUE_BYTES}
_NAME = {"pattern": VARIABLE_PATTERN, "not": {"pattern": f"^[{']['.join(f'{c}{c.lower()}' for c in 'GOFER')}]_"}}
_SETTINGS = {"maxProperties": bounds.MAX_SETTINGS, "propertyNames": {"pattern": bounds.SETTING_PATTERN}}
_KEY = {"minLength": 1, "maxLength": bounds.MAX_KEY, "examples": ["report", "wheel-matrix{{python}}"]}
_PATH = {"pattern": r"^[^~]", "maxLength": bounds.MAX_PATH_BYTES, "examples": ["out/report.html", "/data/dump.sql"]}
_NULL = {"type": "null"}

CONSTRAINTS: dict[str, dict[str, Any]] = {
    "Manifest.id": {"pattern": ID_PATTERN},
    "Manifest.schema_version": {"const": SCHEMA_VERSION},
    "Manifest.name": {"maxLength": bounds.MAX_NAME},
    "Manifest.description": {"maxLength": bounds.MAX_DESCRIPTION},
    "Manifest.owner": {"maxLength": bounds.MAX_NAME},
    "Manifest.labels": {"maxProperties": bounds.MAX_LABELS, "propertyNames": {"pattern": bounds.LABEL_PATTERN}},
    "Manifest.labels.*": {"maxLength": bounds.MAX_LABEL_VALUE},
    "Manifest.links": {"maxItems": bounds.MAX_LINKS},
    "Manifest.parameters": {"maxItems": bounds.MAX_PARAMETERS},
    "Manifest.run_timeout": _DURATION,
    "Manifest.subscriptions": {"maxItems": bounds.MAX_SUBSCRIPTIONS},
    "Manifest.notifiers": {"maxItems": bounds.MAX_NOTIFIERS},
    "Notifier.label": {"pattern": ID_PATTERN},
    "Notifier.common_task": {"pattern": ID_PATTERN},
    "Notifier.when": {"uniqueItems": True},
    "Notifier.settings": _SETTINGS,
    "Notifier.settings.*": _VALUE,
    "Manifest.tasks": {"minItems": 1, "maxItems": MAX_TASKS},
    "Subscription.label": {"pattern": ID_PATTERN},
    "Subscription.trigger": {"pattern": ID_PATTERN},
    "Link.title": {"minLength": 1, "maxLength": bounds.MAX_NAME},
    "Link.url": {"pattern": "^https?://[^ ]+$", "maxLength": bounds.MAX_URL},
    "Parameter.name": _NAME,
    "Parameter.description": {"maxLength": bounds.MAX_DESCRIPTION},
    "Parameter.choices": {"maxItems": bounds.MAX_CHOICES},
    "Parallelism.limit": {"minimum": 0, "maximum": bounds.MAX_PARALLELISM},
    "Dependency.task": {"pattern": ID_PATTERN},
    "Retries.count": {"minimum": 0, "maximum": bounds.MAX_RETRIES},
    "Retries.backoff": _DURATION,
    "Retries.factor": {"minimum": 1, "maximum": bounds.MAX_FACTOR},
    "Retries.max_backoff": _DURATION,
    "Retries.jitter": {"minimum": 0, "maximum": 1},
    "Limits.cpu": {"minimum": bounds.MIN_CPU, "maximum": bounds.MAX_CPU},
    "Limits.memory": _SIZE,
    "Registry.user": {"minLength": 1, "maxLength": bounds.MAX_USER},
    "Registry.password_secret": {"pattern": rf"{ID_PATTERN}|^(global_)?secret\{{\{{{ID_PATTERN[1:-1]}\}}\}}$"},
    "Mount.source": {"pattern": "^/[^:]*$", "maxLength": bounds.MAX_PATH_BYTES},
    "Mount.target": {"pattern": "^/[^:]+$", "maxLength": bounds.MAX_PATH_BYTES},
    "Output.key": _KEY,
    "Output.path": _PATH,
    "Input.key": _KEY,
    "Input.path": _PATH,
    "Cache.key": _KEY,
    "Cache.paths": {"minItems": 1, "maxItems": bounds.MAX_CACHE_PATHS, "uniqueItems": True},
    "Cache.paths.*": _PATH,
    "Task.id": {"pattern": ID_PATTERN},
    "Task.image": {"minLength": 1, "maxLength": 600, "examples": ["busybox:stable", "ghcr.io/acme/tool:1.2"]},
    "Task.common_task": {"pattern": ID_PATTERN},
    "Task.settings": _SETTINGS,
    "Task.settings.*": _VALUE,
    "Task.description": {"maxLength": bounds.MAX_DESCRIPTION},
    "Task.entrypoint": {"minItems": 1, "maxItems": bounds.MAX_ARGUMENTS},
    "Task.entrypoint.*": _VALUE,
    "Task.command": {"minItems": 1, "maxItems": bounds.MAX_ARGUMENTS},
    "Task.command.*": _VALUE,
    "Task.script": {"minLength": 1} | _VALUE,
    "Task.variables": {"maxProperties": bounds.MAX_VARIABLES, "propertyNames": _NAME},
    "Task.variables.*": _VALUE,
    "Task.inputs": {"maxItems": bounds.MAX_ARTIFACTS},
    "Task.outputs": {"maxItems": bounds.MAX_ARTIFACTS},
    "Task.caches": {"maxItems": bounds.MAX_ARTIFACTS},
    "Task.matrix": {"maxProperties": bounds.MAX_MATRIX_KEYS, "propertyNames": {"pattern": VARIABLE_PATTERN}},
    "Task.matrix.*": {"minItems": 1, "maxItems": MAX_TASKS, "uniqueItems": True},
    "Task.matrix.*.*": {"minLength": 1, "maxLength": bounds.MAX_MATRIX_VALUE},
    "Task.timeout": _DURATION,
    "Task.stop_timeout": _DURATION,
    "Task.mounts": {"maxItems": bounds.MAX_MOUNTS},
    "Task.network": {"pattern": bounds.NETWORK_PATTERN, "maxLength": bounds.MAX_NETWORK},
}


def schema() -> dict[str, Any]:
    """The schema as a document of draft 2020-12."""
    made = msgspec.json.schema(Manifest)
    definitions: dict[str, Any] = made["$defs"]
    for name, definition in definitions.items():
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
        for field, part in definition["properties"].items():
            place = f"{name}.{field}"
            definition["properties"][field] = {"description": DESCRIPTIONS[place]} | _narrowed(place, part)
    definitions["Manifest"]["required"].append("tasks")
    del definitions["Manifest"]["properties"]["tasks"]["default"]
    definitions["Task"]["allOf"] = [_not_both("script", "command"), _not_both("script", "entrypoint")]
    definitions["Task"]["oneOf"] = [{"required": ["image"]}, {"required": ["common_task"]}]
    for field in ("image", "common_task"):
        # An empty one is as good as none, but no schema need allow that.
        del definitions["Task"]["properties"][field]["default"]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gofer:manifest:{SCHEMA_VERSION}",
        "title": "Gofer pipeline manifest",
    }
    return head | made


def _not_both(one: str, other: str) -> dict[str, Any]:
    given = {"not": _NULL}
    return {"not": {"properties": {one: given, other: given}, "required": [one, other]}}


def _narrowed(place: str, part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field with the constraints of its place, and those of what is in it."""
    if _NULL in part.get("anyOf", ()):
        return part | {"anyOf": [one if one == _NULL else _narrowed(place, one) for one in part["anyOf"]]}
    inner = f"{place}.*"
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), dict) and any(name.startswith(inner) for name in CONSTRAINTS):
            part = part | {key: _narrowed(inner, part[key])}
    return part | CONSTRAINTS.get(place, {})


def document() -> str:
    """The schema as the text of docs/manifest.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(document(), end="")
