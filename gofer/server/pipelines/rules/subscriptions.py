"""Rules of subscriptions: what a trigger can be told at all. Whether it makes sense is the trigger's to say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.server.nearest import Nearest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.interpolation import ESCAPE_HINT, SECRET_KINDS, Malformed, Reference, parse
from gofer.server.pipelines.parameters import described, value_problem
from gofer.server.pipelines.report import Report, Scope, at_key
from gofer.server.pipelines.subscription_settings import texts

_NO_JSON = "Use texts, numbers, true, false, null, lists and objects with texts as keys."


def scopes_of(manifest: Manifest, report: Report) -> list[Scope]:
    """One for each subscription."""
    return [
        Scope(report, f"subscriptions[{i}]", f"subscription {shown(one.label, 64)}")
        for i, one in enumerate(manifest.subscriptions)
    ]


def check_json(manifest: Manifest, report: Report) -> None:
    """Report every value in settings that JSON cannot say, or not everywhere the same. To be called before all other
    rules: what this reports, they could not bear."""
    for one, scope in zip(manifest.subscriptions, scopes_of(manifest, report), strict=True):
        check_settings_json(one.settings, scope)


def check_settings_json(settings: dict[str, Any], scope: Scope) -> None:
    """The same for one subscription's."""
    pending: list[tuple[str, Any, int]] = [(".settings", settings, 1)]
    while pending:
        place, value, depth = pending.pop()
        if isinstance(value, dict | list) and depth > bounds.MAX_SETTINGS_DEPTH:
            scope.add(place, f"lies more than {bounds.MAX_SETTINGS_DEPTH} deep", "Write it flatter.")
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(key, str):
                    pending.append((place + at_key(key), item, depth + 1))
                else:
                    scope.add(place, "has a key that is no text", _NO_JSON)
        elif isinstance(value, list):
            pending.extend((f"{place}[{i}]", item, depth + 1) for i, item in enumerate(value))
        elif problem := _scalar_problem(value):
            scope.add(place, problem, _NO_JSON)


def check_subscriptions(manifest: Manifest, report: Report) -> None:
    """After `check_json`."""
    if len(manifest.subscriptions) > bounds.MAX_SUBSCRIPTIONS:
        count = len(manifest.subscriptions)
        report.add(
            "subscriptions", f"has {count} subscriptions; at most {bounds.MAX_SUBSCRIPTIONS} are allowed", "Merge some."
        )
        return
    first: dict[str, int] = {}
    for i, (one, scope) in enumerate(zip(manifest.subscriptions, scopes_of(manifest, report), strict=True)):
        if (before := first.setdefault(one.label, i)) != i:
            scope.add(".label", f"is that of subscriptions[{before}] already", "Give one of them another label.")
        check_subscription(one, manifest.parameters, scope)


def check_subscription(one: Subscription, parameters: Sequence[Parameter], scope: Scope) -> None:
    """One subscription, with the parameters that its pipeline declares."""
    if not is_id(one.label):
        scope.add(".label", f"{shown(one.label, 40)} is not a valid label", ID_HINT)
    if not is_id(one.trigger):
        scope.add(".trigger", f"{shown(one.trigger, 40)} is not the name of a trigger", ID_HINT)
    size = len(msgspec.json.encode(one.settings))
    if size > bounds.MAX_SETTINGS_BYTES:
        message = f"have {size} bytes as JSON; at most {bounds.MAX_SETTINGS_BYTES} are allowed"
        scope.add(".settings", message, "Shorten them.")
        return
    for place, text in texts(one.settings):
        _check_text(".settings" + place, text, scope)
    check_parameters(one, parameters, scope)


def check_parameters(one: Subscription, parameters: Iterable[Parameter], scope: Scope) -> None:
    """Its values for parameters: of declared ones, and such as they take."""
    declared = {parameter.name: parameter for parameter in parameters}
    for name, value in one.parameters.items():
        place = f".parameters{at_key(name)}"
        parameter = declared.get(name)
        if parameter is None:
            hint = Nearest(declared).hint(name) or "Declare it among the pipeline's parameters."
            scope.add(place, f"there is no parameter {shown(name, 40)}", hint)
        elif problem := value_problem(parameter.type, value):
            scope.add(place, problem, f"The parameter {shown(name, 40)} is of the type {parameter.type}.")
        elif parameter.choices and value not in parameter.choices:
            allowed = ", ".join(described(choice) for choice in parameter.choices[:20])
            scope.add(place, f"{described(value)} is none of the choices", f"Choices: {allowed}.")


def _check_text(place: str, text: str, scope: Scope) -> None:
    if "{{" not in text:
        return
    for part in parse(text):
        if isinstance(part, Malformed):
            scope.add(place, part.problem, ESCAPE_HINT)
        elif isinstance(part, Reference) and part.kind not in SECRET_KINDS:
            message = f"{part.kind}{{{{…}}}} is not known before a run starts: only secrets may stand here"
            scope.add(place, message, f'To keep the text as it is, put "!" before the braces: {part.kind}!{{{{…}}}}.')


def _scalar_problem(value: Any) -> str:
    if value is None or isinstance(value, str | bool):
        return ""
    if isinstance(value, int):
        return (
            "" if abs(value) <= bounds.MAX_INTEGER else f"is not between -{bounds.MAX_INTEGER} and {bounds.MAX_INTEGER}"
        )
    if isinstance(value, float):
        return "" if math.isfinite(value) else "is not a finite number"
    return f"is no JSON: {type(value).__name__}"
