"""What an administrator and a pipeline set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from gofer_sdk.trigger import Duration, Refused, Settings, field
from gofer_triggers.webhook.expression import BadExpression, Expression
from gofer_triggers.webhook.verify import METHODS, Check, Method, known_form

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_MOST_PARAMETERS = 100
_SHORTEST_SECRET = 16


class WebhookSettings(Settings):
    allow_unauthenticated: bool = field(
        'Whether a subscription may ask for no proof of who has sent something (verify = "none").', default=False
    )


class WebhookSubscription(Settings):
    verify: str = field("How it is checked who has sent something.", choices=METHODS)
    secret: str = field("The key of the signature, the token, or the password.", default="", secret=True)
    previous_secret: str = field("Good too, while a secret is changed.", default="", secret=True)
    user: str = field("The user's name, for basic.", default="")
    header: str = field("The header of the signature, or of the token.", default="")
    algorithm: str = field("Of the signature.", choices=("sha256", "sha1", "sha512"), default="sha256")
    encoding: str = field("Of the signature.", choices=("hex", "base64"), default="hex")
    prefix: str = field("What stands in front of the signature in its header.", default="")
    signed: str = field(
        "What the signature is over: {body}, and {timestamp} of the timestamp's header.", default="{body}"
    )
    timestamp_header: str = field("The header that says when it was sent, in seconds since 1970.", default="")
    tolerance: Duration = field("How old that may be.", default="5m")
    parameters: dict[str, str] = field("For each variable the path of its value in what came.", default={})
    filter: str = field("An expression: where it finds nothing, no run is started.", default="")
    event_id: str = field("The path of what is the same when the same thing is sent again.", default="")


@dataclass(frozen=True)
class Compiled:
    """A subscription that can be used. `warnings` are for its author."""

    check: Check
    parameters: dict[str, Expression]
    filter: Expression | None
    event_id: Expression | None
    warnings: list[str]


def compiled(settings: WebhookSubscription, installation: WebhookSettings) -> Compiled:
    """Raises Refused, which names everything that is wrong."""
    problems: list[str] = []
    warnings: list[str] = []
    check = _check_of(settings, installation, problems, warnings)
    parameters = {}
    for name, text in settings.parameters.items():
        if not _NAME.match(name) or name.upper().startswith("GOFER_") or len(name) > 100:
            problems.append(
                f'parameters: "{name[:100]}" is no name for a variable: letters, digits and _, not GOFER_….'
            )
        elif (expression := _expression(f"parameters.{name}", text, problems)) is not None:
            parameters[name] = expression
    if len(settings.parameters) > _MOST_PARAMETERS:
        problems.append(f"parameters: there are {len(settings.parameters)}, and may be {_MOST_PARAMETERS}.")
    wanted = _expression("filter", settings.filter, problems) if settings.filter else None
    event_id = _expression("event_id", settings.event_id, problems) if settings.event_id else None
    if problems or check is None:
        raise Refused(" ".join(problems))
    return Compiled(check, parameters, wanted, event_id, warnings)


def _expression(place: str, text: str, problems: list[str]) -> Expression | None:
    try:
        return Expression(text)
    except BadExpression as error:
        problems.append(f"{place}: {error}.")
        return None


def _check_of(
    settings: WebhookSubscription, installation: WebhookSettings, problems: list[str], warnings: list[str]
) -> Check | None:
    method = cast(Method, settings.verify)
    secrets = [one for one in (settings.secret, settings.previous_secret) if one]
    if method == "none":
        if not installation.allow_unauthenticated:
            problems.append('verify: "none" is not allowed here: an administrator would set allow_unauthenticated.')
        elif secrets:
            problems.append('secret: it is not used with verify = "none".')
        warnings.append("Nobody checks who sends something: whoever can reach the server may start this pipeline.")
        return Check(method=method, secrets=())
    if not settings.secret:
        problems.append(f'secret: verify = "{method}" needs one. Keep it as a secret: "secret{{{{my-key}}}}".')
        return None
    if any(len(one) < _SHORTEST_SECRET for one in secrets):
        warnings.append(f"The secret is shorter than {_SHORTEST_SECRET} characters: it may be guessed.")
    _check_forms(settings, problems)
    header = settings.header or ("Authorization" if method == "token" else "X-Signature")
    check = Check(
        method=method,
        secrets=tuple(one.encode() for one in secrets),
        user=settings.user,
        header=header,
        algorithm=settings.algorithm,
        encoding=settings.encoding,
        prefix=settings.prefix,
        signed=settings.signed,
        timestamp_header=settings.timestamp_header,
        tolerance=settings.tolerance,
    )
    try:
        return known_form(check)
    except ValueError as error:
        problems.append(f"secret: {error}.")
        return None


def _check_forms(settings: WebhookSubscription, problems: list[str]) -> None:
    if settings.signed.count("{body}") != 1:
        problems.append('signed: expected a text with {body} once, such as "{timestamp}.{body}".')
    if "{timestamp}" in settings.signed and not settings.timestamp_header:
        problems.append("timestamp_header: expected one, as signed has {timestamp}.")
    if settings.timestamp_header and "{timestamp}" not in settings.signed and settings.verify == "hmac":
        problems.append("signed: expected it to have {timestamp}: one that is not signed proves nothing.")
    if not settings.signed.isascii() or len(settings.signed) > 200:
        problems.append("signed: expected at most 200 characters of ASCII.")
    for name, value in (("header", settings.header), ("timestamp_header", settings.timestamp_header)):
        if value and not _HEADER.match(value):
            problems.append(f'{name}: "{value[:80]}" is no name of a header.')
    if settings.verify == "basic" and (not settings.user or ":" in settings.user):
        problems.append('user: verify = "basic" needs one, without a colon.')
