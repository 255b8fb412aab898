"""Whether a request comes from who has the secret.

Sources of the forms: docs.gitlab.com (webhooks, `X-Gitlab-Token`), docs.gitea.com (webhooks, `X-Gitea-Signature`),
docs.stripe.com (webhooks/signatures), github.com/standard-webhooks/standard-webhooks (spec), RFC 7617 (basic).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gofer_triggers.payload import only

Method = Literal["hmac", "token", "basic", "gitlab", "gitea", "stripe", "standard-webhooks", "none"]
METHODS: tuple[Method, ...] = ("hmac", "token", "basic", "gitlab", "gitea", "stripe", "standard-webhooks", "none")

_MOST_SIGNATURES = 16
# Later than that, seconds since 1970 are milliseconds.
_MILLISECONDS = 100_000_000_000


class Denied(Exception):
    """It does not, as far as anybody can tell; the text says which check has failed, without the secret."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What is checked. `secrets`: each is good. `signed` says what the signature is over: `{body}`, `{timestamp}`,
    and `{id}` of the header `id_header`. `tolerance` is in milliseconds."""

    method: Method
    secrets: tuple[bytes, ...]
    user: str = ""
    header: str = ""
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    id_header: str = ""
    tolerance: int = 300_000


Headers = Sequence[tuple[str, str]]


def known_form(check: Check) -> Check:
    """With what is the same for everybody who uses such a service. Raises ValueError for a secret that cannot be."""
    if check.method == "gitlab":
        return replace(check, header="X-Gitlab-Token")
    if check.method == "gitea":
        return replace(
            check, header="X-Gitea-Signature", algorithm="sha256", encoding="hex", prefix="", signed="{body}"
        )
    if check.method == "standard-webhooks":
        keys = tuple(_standard_key(secret) for secret in check.secrets)
        return replace(
            check,
            secrets=keys,
            header="webhook-signature",
            timestamp_header="webhook-timestamp",
            id_header="webhook-id",
            signed="{id}.{timestamp}.{body}",
            algorithm="sha256",
            encoding="base64",
            prefix="v1,",
        )
    return check


def verify(check: Check, headers: Headers, body: bytes, now: int) -> str:
    """An id that the sender vouches for, if there is one, else an empty text. `now` in milliseconds since the epoch.
    Raises Denied; BadPayload for a header that must not be there twice."""
    if check.method == "none":
        return ""
    if check.method in ("token", "gitlab"):
        _token(check, headers)
        return ""
    if check.method == "basic":
        _basic(check, headers)
        return ""
    if check.method == "stripe":
        return _stripe(check, headers, body, now)
    return _hmac(check, headers, body, now)


def _token(check: Check, headers: Headers) -> None:
    given = _required(headers, check.header)
    if check.header.lower() == "authorization" and given[:7].lower() == "bearer ":
        given = given[7:].strip()
    if not _is_one_of(given.encode("latin-1"), check.secrets):
        raise Denied(f"the token in {check.header} is not the right one")


def _basic(check: Check, headers: Headers) -> None:
    scheme, _, given = _required(headers, "Authorization").partition(" ")
    if scheme.lower() != "basic":
        raise Denied("Authorization is not of the kind Basic")
    try:
        decoded = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Denied("Authorization is no Basic as RFC 7617 has it") from None
    user = check.user.encode()
    if not _is_one_of(decoded, [user + b":" + secret for secret in check.secrets]):
        raise Denied("user or password in Authorization is not the right one")


def _hmac(check: Check, headers: Headers, body: bytes, now: int) -> str:
    given = _required(headers, check.header)
    timestamp = _required(headers, check.timestamp_header) if check.timestamp_header else ""
    event = _required(headers, check.id_header) if check.id_header else ""
    wanted = [_digest(check, secret, event, timestamp, body) for secret in check.secrets]
    if not any(_is_one_of(one, wanted) for one in _signatures(check, given)):
        raise Denied(f"the signature in {check.header} does not match")
    if not timestamp:
        return event
    # Only now: before, a timestamp is anybody's.
    _check_age(timestamp, check, now)
    return event or hashlib.sha256(timestamp.encode("latin-1") + b" " + body).hexdigest()


def _stripe(check: Check, headers: Headers, body: bytes, now: int) -> str:
    parts = [part.strip().partition("=") for part in _required(headers, "Stripe-Signature").split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"][:_MOST_SIGNATURES]
    if not timestamp or not given:
        raise Denied("Stripe-Signature has no t= or no v1=")
    signed = replace(check, signed="{timestamp}.{body}", algorithm="sha256", encoding="hex")
    wanted = [_digest(signed, secret, "", timestamp, body) for secret in check.secrets]
    if not any(_is_one_of(one.encode("latin-1"), [each.hex().encode() for each in wanted]) for one in given):
        raise Denied("the signature in Stripe-Signature does not match")
    _check_age(timestamp, check, now)
    # The next attempt of a delivery is signed anew: its id is in the body.
    return ""


def _digest(check: Check, secret: bytes, event: str, timestamp: str, body: bytes) -> bytes:
    mac = hmac.new(secret, digestmod=check.algorithm)
    before, _, after = check.signed.partition("{body}")
    for text, part in ((before, body), (after, b"")):
        mac.update(text.replace("{timestamp}", timestamp).replace("{id}", event).encode("latin-1"))
        mac.update(part)
    return mac.digest()


def _signatures(check: Check, given: str) -> list[bytes]:
    """Those that stand there; several where the form has that (a service that changes its secret)."""
    several = given.split() if check.id_header else [given]
    found = []
    for one in several[:_MOST_SIGNATURES]:
        if check.prefix and not one.startswith(check.prefix):
            continue
        text = one.removeprefix(check.prefix) if check.prefix else one.removeprefix(f"{check.algorithm}=")
        try:
            decoded = bytes.fromhex(text) if check.encoding == "hex" else base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            continue
        found.append(decoded)
    if not found:
        prefix = f" behind {check.prefix}" if check.prefix else ""
        raise Denied(f"{check.header} has no signature in {check.encoding}{prefix}")
    return found


def _check_age(timestamp: str, check: Check, now: int) -> None:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        raise Denied("the timestamp is not in seconds since 1970")
    sent = int(timestamp)
    sent_at = sent if sent > _MILLISECONDS else sent * 1000
    if abs(now - sent_at) > check.tolerance:
        seconds = abs(now - sent_at) // 1000
        when = "old" if sent_at < now else "in the future"
        why = "which is more than the tolerance: it is sent again, or a clock is wrong"
        raise Denied(f"the timestamp is {seconds} s {when}, {why}")


def _required(headers: Headers, name: str) -> str:
    value = only(headers, name)
    if not value:
        raise Denied(f"the header {name} is missing")
    return value


def _is_one_of(given: bytes, wanted: Sequence[bytes]) -> bool:
    """Compares with all of them, in a time that tells nothing of where they differ."""
    found = False
    for one in wanted:
        found |= hmac.compare_digest(given, one)
    return found


def _standard_key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:  # anybody could sign with an empty one
        raise ValueError('the secret of standard-webhooks is base64, behind "whsec_"')
    return key
