"""`slack`: writes into a channel, by an incoming webhook or with a bot's token.

Formats: https://api.slack.com/messaging/webhooks and https://api.slack.com/methods/chat.postMessage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from gofer_common_tasks.environment import Given, Problem, number, run
from gofer_common_tasks.message import body, filled, subject
from gofer_common_tasks.post import Answer, check_url, post, shown

_API = "https://slack.com/api/chat.postMessage"
# Slack cuts a text at 40,000 characters, and asks for less than 4,000.
_MOST = 3_900
_MARKS = {"successful": ":white_check_mark:", "failed": ":x:", "cancelled": ":heavy_minus_sign:"}
_ERRORS = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "the channel does not exist, or the bot may not see it",
    "invalid_auth": "SLACK_TOKEN is wrong",
    "not_authed": "SLACK_TOKEN is wrong",
    "token_revoked": "SLACK_TOKEN was revoked",
    "missing_scope": "the bot needs the scope chat:write",
    "no_text": "the text is empty",
}


def main() -> int:
    """Send it; the exit code."""
    return run(send, os.environ)


def send(given: Given) -> str:
    """What was done, as a sentence. Raises Problem."""
    content = text(given)
    if not content.strip():
        raise Problem("there is nothing to write: give the setting text")
    timeout = number(given, "TIMEOUT", 30, 1, 110)
    if url := given.installed("SLACK_WEBHOOK_URL"):
        message: dict[str, Any] = {"text": content}
        answer = post(check_url("SLACK_WEBHOOK_URL", url), _json(message), _HEADERS, timeout=timeout)
        if not 200 <= answer.status < 300:
            raise _refused(answer)
        return "written"
    if not given.installed("SLACK_TOKEN"):
        raise Problem(
            "neither SLACK_WEBHOOK_URL nor SLACK_TOKEN is set: an administrator gives one of them, with "
            "gofer common-task upgrade … --set 'SLACK_TOKEN=global_secret{{…}}'"
        )
    return _by_token(given, content, timeout)


def text(given: Given) -> str:
    """What is written: the setting `text`, else the administrator's TEMPLATE, else what there is to say."""
    template = given.setting("text") or given.installed("TEMPLATE")
    if template:
        content = filled(template, _escaped(given))
    elif given.is_notifier:
        content = _notification(_escaped(given))
    else:
        content = body(_escaped(given))
    return content if len(content) <= _MOST else content[: _MOST - 1] + "…"


_HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "gofer-slack"}


def _by_token(given: Given, content: str, timeout: float) -> str:
    channel = given.setting("channel") or given.installed("CHANNEL")
    if not channel:
        raise Problem("no channel is named: give the setting channel, such as #releases")
    token = given.required("SLACK_TOKEN").strip()
    if not token.isprintable() or not token.isascii():
        raise Problem("SLACK_TOKEN is no token: it is to be of printable ASCII characters")
    url = check_url("SLACK_API_URL", given.installed("SLACK_API_URL", _API))
    message = {"channel": channel, "text": content, "unfurl_links": False}
    answer = post(url, _json(message), {**_HEADERS, "Authorization": f"Bearer {token}"}, timeout=timeout)
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    if not 200 <= answer.status < 300 or not isinstance(said, dict):
        raise _refused(answer)
    if said.get("ok") is not True:
        error = str(said.get("error", "unknown"))[:80]
        known = f": {_ERRORS[error]}" if error in _ERRORS else ""
        raise Problem(f"Slack has refused it ({error}){known}")
    return f"written into {channel}"


def _notification(given: Given) -> str:
    mark = _MARKS.get(given.told("STATUS"), "")
    lines = [f"{mark} *{subject(given)}*".strip()]
    if why := given.told("DETAIL"):
        lines.append(why)
    took = f"It took {given.told('DURATION')}."
    url = given.told("RUN_URL")
    lines.append(f"{took} <{url}|Look at the run>" if url else took)
    room = _MOST - sum(len(line) + 1 for line in lines) - 10
    failed = given.told("FAILED_TASKS_TEXT")
    if failed and room > 100:
        # The end of a log says more than its beginning.
        cut = failed if len(failed) <= room else "…" + failed[-(room - 1) :]
        lines.append(f"```\n{cut}\n```")
    return "\n".join(lines)


def _escaped(given: Given) -> Given:
    """What comes from runs must not become a link, or call everybody: <!channel>.

    https://api.slack.com/reference/surfaces/formatting#escaping
    """
    environment: Mapping[str, str] = {
        name: value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''")
        if name.startswith("GOFER_NOTIFY_") and not name.endswith("_URL")
        else value
        for name, value in given.environment.items()
    }
    return Given(environment)


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def _refused(answer: Answer) -> Problem:
    if answer.status == 429:
        return Problem("Slack wants fewer messages (429): it is tried again where the pipeline allows that")
    said = shown(answer.body)
    return Problem(f"it was answered with {answer.status}{': ' + said if said else ''}")
