from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from gofer_common_tasks.environment import Given, Problem
from gofer_common_tasks.slack.main import send, text
from tests.support.receivers import HttpReceiver, http_receiver
from tests.unit.common_tasks.programs import NOTIFIER, TASK, run


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as server:
        yield server


def test_by_an_incoming_webhook(receiver: HttpReceiver) -> None:
    done = run("slack", NOTIFIER, {"SLACK_WEBHOOK_URL": f"{receiver.url}/services/T/B/secret"})
    assert done == (0, "written\n", "")
    (got,) = receiver.got
    assert got.path == "/services/T/B/secret"
    assert json.loads(got.body) == {
        "text": ":x: *nightly #12 is broken*\n"
        "failed: dump\n"
        "It took 1m30s. <https://gofer.example.org/runs/12|Look at the run>\n"
        "```\ndump: exited with code 3\n  no room &lt;!channel&gt;\n```"
    }


def test_by_a_bots_token(receiver: HttpReceiver) -> None:
    receiver.answers = [(200, b'{"ok": true}', {}), (200, b'{"ok": false, "error": "not_in_channel"}', {})]
    installed = {"SLACK_TOKEN": "xoxb-secret", "SLACK_API_URL": f"{receiver.url}/api/chat.postMessage"}
    settings = {"GOFER_SETTING_CHANNEL": "#releases", "GOFER_SETTING_TEXT": "*{pipeline}* is built: {status} {body"}
    assert run("slack", TASK, installed, settings) == (0, "written into #releases\n", "")
    (got,) = receiver.got
    assert got.headers["authorization"] == "Bearer xoxb-secret"
    message = json.loads(got.body)
    assert message == {"channel": "#releases", "text": "*nightly* is built: {status} {body", "unfurl_links": False}
    done = run("slack", TASK, installed, settings)
    assert done.code == 1
    assert done.err == "error: Slack has refused it (not_in_channel): invite the bot to the channel\n"


def test_what_is_written() -> None:
    mended = {**NOTIFIER, "GOFER_NOTIFY_STATUS": "successful", "GOFER_NOTIFY_CHANGE": "mended"}
    assert text(Given(mended)).startswith(":white_check_mark: *nightly #12 is mended*")
    template = {"TEMPLATE": "{subject} ({duration}, {nothing}) {run_url}"}
    assert text(Given({**NOTIFIER, **template})) == (
        "nightly #12 is broken (1m30s, {nothing}) https://gofer.example.org/runs/12"
    )
    # What is put in is never looked at again.
    assert text(Given({**NOTIFIER, "GOFER_NOTIFY_DETAIL": "{pipeline}", "TEMPLATE": "{detail}"})) == "{pipeline}"
    long = text(Given({**NOTIFIER, "GOFER_NOTIFY_FAILED_TASKS_TEXT": "x" * 10_000 + "the end"}))
    assert len(long) <= 3_900
    assert long.endswith("the end\n```")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"GOFER_SETTING_TEXT": "x"}, "neither SLACK_WEBHOOK_URL nor SLACK_TOKEN is set"),
        ({"GOFER_SETTING_TEXT": "x", "SLACK_TOKEN": "x"}, "no channel is named"),
        ({"GOFER_SETTING_TEXT": "x", "SLACK_TOKEN": "x\ny", "CHANNEL": "#a"}, "SLACK_TOKEN is no token"),
        ({"GOFER_SETTING_TEXT": " "}, "there is nothing to write"),
    ],
)
def test_mistakes_are_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(Problem, match=told):
        send(Given({**TASK, **given}))


def test_too_many_messages(receiver: HttpReceiver) -> None:
    receiver.answers = [(429, b"", {}), (403, b"invalid_token", {})]
    given = Given({**NOTIFIER, "SLACK_WEBHOOK_URL": receiver.url})
    with pytest.raises(Problem, match="fewer messages"):
        send(given)
    with pytest.raises(Problem, match="answered with 403: invalid_token"):
        send(given)
