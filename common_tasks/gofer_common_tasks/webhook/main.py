"""`webhook`: tells another service by a POST of JSON, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from typing import Any

from gofer_common_tasks.environment import NOTIFY, SETTING, Given, Problem, number, run
from gofer_common_tasks.post import check_url, post, shown


def main() -> int:
    """Send it; the exit code."""
    return run(send, os.environ)


def send(given: Given) -> str:
    """What was done, as a sentence. Raises Problem.

    The address is the administrator's alone: could a pipeline choose it, it could reach whatever Gofer's machine
    reaches, and have it signed.
    """
    url = check_url("WEBHOOK_URL", given.required("WEBHOOK_URL"))
    body = json.dumps(document(given), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "gofer-webhook"}
    if authorization := given.installed("WEBHOOK_AUTHORIZATION"):
        headers["Authorization"] = _header("WEBHOOK_AUTHORIZATION", authorization)
    if secret := given.installed("WEBHOOK_SECRET"):
        headers |= signature(secret, body, int(time.time()))
    answer = post(url, body, headers, timeout=number(given, "TIMEOUT", 30, 1, 110))
    if not 200 <= answer.status < 300:
        followed = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
        said = shown(answer.body)
        raise Problem(f"it was answered with {answer.status}{followed}{': ' + said if said else ''}")
    return f"sent {len(body)} bytes; answered with {answer.status}"


def document(given: Given) -> dict[str, Any]:
    """What is sent: which run it is about, the settings, and what a notifier is told."""
    environment = given.environment
    found: dict[str, Any] = {
        "kind": "notification" if given.is_notifier else "task",
        "namespace": environment.get("GOFER_NAMESPACE_ID", ""),
        "pipeline": environment.get("GOFER_PIPELINE_ID", ""),
        "version": _whole(environment.get("GOFER_PIPELINE_VERSION", "")),
        "run": _whole(environment.get("GOFER_RUN_ID", "")),
        "task": environment.get("GOFER_TASK_ID", ""),
        "attempt": _whole(environment.get("GOFER_ATTEMPT", "")),
        "settings": _part(given, SETTING),
    }
    if given.is_notifier:
        told: dict[str, Any] = _part(given, NOTIFY)
        for name in ("failed_tasks", "parameters"):
            told[name] = json.loads(told.get(name) or "null")
        told["failures"] = _whole(told.get("failures", ""))
        found["notification"] = told
    return found


def signature(secret: str, body: bytes, at: int) -> dict[str, str]:
    """HMAC-SHA256 of the time (seconds since the epoch), a dot and the body, in hexadecimal: who checks it and the
    time knows who has sent it, and that it is no old one sent again."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return {"X-Gofer-Timestamp": str(at), "X-Gofer-Signature-256": f"sha256={signed}"}


def _header(name: str, value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise Problem(f"{name} cannot be the value of a header: it is to be of printable ASCII characters")
    return value


def _part(given: Given, prefix: str) -> dict[str, str]:
    found = {
        name.removeprefix(prefix).lower(): value for name, value in given.environment.items() if name.startswith(prefix)
    }
    return dict(sorted(found.items()))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
