"""The texts that are sent where nobody has written any, and templates for who does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gofer_common_tasks.environment import NOTIFY, Given

_PLACE = re.compile(r"\{([a-z_]{1,40})\}")


def subject(given: Given) -> str:
    """One line that says what happened."""
    if not given.is_notifier:
        return f"{given.run}: {given.environment.get('GOFER_TASK_ID', '')}".rstrip(": ")
    status = {"broken": "is broken", "mended": "is mended"}.get(given.told("CHANGE"), given.told("STATUS"))
    return f"{given.run} {status}"


def body(given: Given) -> str:
    """Everything else that somebody wants to know who is woken up by it."""
    if not given.is_notifier:
        return given.setting("text") or f"{subject(given)} was reached."
    lines = []
    if why := given.told("DETAIL"):
        lines.append(why)
    started = f", started by {given.told('INITIATOR')}" if given.told("INITIATOR") else ""
    lines.append(f"It took {given.told('DURATION')}{started}.")
    if url := given.told("RUN_URL"):
        lines.append(url)
    if failed := given.told("FAILED_TASKS_TEXT"):
        lines += ["", failed]
    return "\n".join(lines)


def filled(template: str, given: Given) -> str:
    """A template with `{name}` replaced: of a notifier by what it is told (`{status}`, `{run_url}`, …), always by
    `{namespace}`, `{pipeline}`, `{run}`, `{task}`, `{subject}` and `{body}`. What has no such name stays as it is, and
    what is put in is never looked at again."""
    values = _values(given)
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), template)


def _values(given: Given) -> Mapping[str, str]:
    get = given.environment.get
    told = {
        name.removeprefix(NOTIFY).lower(): value for name, value in given.environment.items() if name.startswith(NOTIFY)
    }
    return {
        **told,
        "namespace": get("GOFER_NAMESPACE_ID", ""),
        "pipeline": get("GOFER_PIPELINE_ID", ""),
        "run": get("GOFER_RUN_ID", ""),
        "task": get("GOFER_TASK_ID", ""),
        "subject": subject(given),
        "body": body(given),
    }
