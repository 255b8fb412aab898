from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gofer_common_tasks.environment import Given, Problem
from gofer_common_tasks.webhook.main import send
from tests.support.receivers import HttpReceiver, http_receiver
from tests.unit.common_tasks.programs import NOTIFIER, TASK, run


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as server:
        yield server


def test_a_task_and_a_notifier_send_what_they_know_and_sign_it(receiver: HttpReceiver) -> None:
    installed = {
        "WEBHOOK_URL": f"{receiver.url}/hook?key=secret-in-the-url",
        "WEBHOOK_SECRET": "a shared secret",
        "WEBHOOK_AUTHORIZATION": "Bearer token-of-theirs",
    }
    done = run("webhook", TASK, installed, {"GOFER_SETTING_TEXT": "größer", "LD_X": "no"})
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("answered with 200\n")
    done = run("webhook", NOTIFIER, installed)
    assert (done.code, done.err) == (0, "")
    assert "secret-in-the-url" not in done.out
    task, notifier = receiver.got
    assert task.path == "/hook?key=secret-in-the-url"
    assert task.headers["authorization"] == "Bearer token-of-theirs"
    assert json.loads(task.body) == {
        "kind": "task", "namespace": "default", "pipeline": "nightly", "version": 3, "run": 12, "task": "tell",
        "attempt": 1, "settings": {"text": "größer"},
    }  # fmt: skip
    told = json.loads(notifier.body)
    assert told["kind"] == "notification"
    assert told["notification"]["change"] == "broken"
    assert told["notification"]["failures"] == 1
    assert told["notification"]["failed_tasks"][0]["log"] == ["no room <!channel>"]
    assert told["notification"]["parameters"] == {"day": "monday"}
    for got in receiver.got:
        text = got.headers["x-gofer-timestamp"].encode() + b"." + got.body
        expected = hmac.new(b"a shared secret", text, hashlib.sha256).hexdigest()
        assert got.headers["x-gofer-signature-256"] == f"sha256={expected}"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, b"out of\norder\x1b[31m", {}), "it was answered with 500: out of order[31m"),
        ((302, b"", {"Location": "/elsewhere"}), "it was answered with 302 (redirects are not followed)"),
        ((404, b"", {}), "it was answered with 404"),
    ],
)
def test_what_is_not_taken(receiver: HttpReceiver, answer: tuple[int, bytes, dict[str, str]], told: str) -> None:
    receiver.answers = [answer]
    with pytest.raises(Problem) as problem:
        send(Given({**TASK, "WEBHOOK_URL": receiver.url}))
    assert str(problem.value) == told
    assert len(receiver.got) == 1


def test_who_does_not_answer(receiver: HttpReceiver) -> None:
    receiver.hold.clear()
    with pytest.raises(Problem, match=r"127.0.0.1 has not answered within 1 seconds"):
        send(Given({**TASK, "WEBHOOK_URL": receiver.url, "TIMEOUT": "1"}))
    # Nobody listens on it, and nobody else takes it while it is ours.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Problem, match=r"127.0.0.1 cannot be reached"):
            send(Given({**TASK, "WEBHOOK_URL": f"http://127.0.0.1:{bound.getsockname()[1]}/key"}))


def test_who_refuses_and_never_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        given = Given({**TASK, "WEBHOOK_URL": f"http://127.0.0.1:{listener.getsockname()[1]}/", "TIMEOUT": "1"})
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send, given)
            with listener.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nwait")
                with pytest.raises(Problem, match=r"127.0.0.1 has not answered within 1 seconds"):
                    sent.result()


@pytest.mark.parametrize(
    ("installed", "told"),
    [
        ({}, "WEBHOOK_URL is not set"),
        ({"WEBHOOK_URL": "file:///etc/passwd"}, "WEBHOOK_URL is to be an address"),
        ({"WEBHOOK_URL": "http://"}, "WEBHOOK_URL is to be an address"),
        ({"WEBHOOK_URL": "http://a b/"}, "WEBHOOK_URL is to be an address"),
        ({"WEBHOOK_URL": "http://x/", "TIMEOUT": "0"}, "TIMEOUT is to be a number from 1 to 110"),
        ({"WEBHOOK_URL": "http://x/", "WEBHOOK_AUTHORIZATION": "a\r\nX: y"}, "cannot be the value of a header"),
        # A pipeline cannot say where it goes.
        ({"GOFER_SETTING_WEBHOOK_URL": "http://127.0.0.1/"}, "WEBHOOK_URL is not set"),
    ],
)
def test_mistakes_of_an_administrator_are_told(installed: dict[str, str], told: str) -> None:
    with pytest.raises(Problem, match=told):
        send(Given({**TASK, **installed}))


def test_a_problem_is_one_line_and_an_exit_code() -> None:
    done = run("webhook", TASK)
    assert done.code == 1
    assert done.err.startswith("error: WEBHOOK_URL is not set")
    assert done.err.count("\n") == 1
