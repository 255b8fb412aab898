from __future__ import annotations

from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest

from gofer_common_tasks.email.main import mail, send
from gofer_common_tasks.environment import Given, Problem
from tests.support.certificates import Authority
from tests.support.receivers import mail_receiver
from tests.unit.common_tasks.programs import NOTIFIER, TASK, run

BASE = {"SMTP_HOST": "localhost", "MAIL_FROM": "Gofer <gofer@example.org>", "MAIL_TO": "ops@example.org"}


def test_over_every_kind_of_connection(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.sign("localhost")
    login = {"SMTP_USER": "robot", "SMTP_PASSWORD": "the password", "SSL_CERT_FILE": str(authority.ca)}
    with mail_receiver(certificate, password="the password") as server:
        done = run("email", NOTIFIER, BASE, login, {"SMTP_PORT": server.port})
        assert done == (0, "sent to 1 receiver\n", "")
        (got,) = server.mails
        assert (got.sender, got.receivers) == ("gofer@example.org", ["ops@example.org"])
        assert (got.encrypted, got.login) == (True, "robot")
        message = message_from_string(got.content, policy=default)
        assert message["Subject"] == "nightly #12 is broken"
        assert message["From"] == "Gofer <gofer@example.org>"
        assert message["To"] == "ops@example.org"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@example.org>")
        body = message.get_content()
        assert body.startswith(
            "failed: dump\nIt took 1m30s, started by trigger cron.\nhttps://gofer.example.org/runs/12"
        )
        assert "dump: exited with code 3" in body
        wrong = run("email", NOTIFIER, BASE, login, {"SMTP_PORT": server.port, "SMTP_PASSWORD": "wrong-one"})
        assert wrong.err == (
            f"error: the mail server localhost:{server.port} does not take SMTP_USER with SMTP_PASSWORD (535)\n"
        )
        # Whoever cannot be checked is told nothing.
        stranger = run("email", NOTIFIER, BASE, {"SMTP_PORT": server.port})
        assert stranger.code == 1
        assert "CERTIFICATE_VERIFY_FAILED" in stranger.err
    with mail_receiver(certificate, implicit=True, password="the password") as server:
        settings = {"GOFER_SETTING_TO": "a@example.org, Grace <b@example.org>", "GOFER_SETTING_TEXT": "größer"}
        more = {"SMTP_PORT": server.port, "SMTP_SECURITY": "tls", "GOFER_SETTING_SUBJECT": "{pipeline}: größer"}
        assert run("email", TASK, BASE, login, settings, more) == (0, "sent to 2 receivers\n", "")
        (got,) = server.mails
        assert got.receivers == ["a@example.org", "b@example.org"]
        message = message_from_string(got.content, policy=default)
        assert message["Subject"] == "nightly: größer"
        assert message.get_content() == "größer\n"
        assert got.content.isascii()
    with mail_receiver() as server:
        plain = {"SMTP_PORT": server.port, "SMTP_SECURITY": "none"}
        assert run("email", TASK, BASE, plain).code == 0
        assert (server.mails[0].encrypted, server.mails[0].login) == (False, "")
        clear = run("email", TASK, BASE, plain, {"SMTP_USER": "robot", "SMTP_PASSWORD": "x"})
        assert "a password is not sent in the clear" in clear.err
        # It offers no STARTTLS: nothing is sent in the clear for that.
        refused = run("email", TASK, BASE, {"SMTP_PORT": server.port})
        assert "cannot do that" in refused.err
        assert len(server.mails) == 1


def test_receivers_that_are_not_taken() -> None:
    with mail_receiver() as server:
        server.refuse = {"nobody@example.org"}
        given = {**TASK, **BASE, "SMTP_PORT": server.port, "SMTP_SECURITY": "none"}
        with pytest.raises(Problem, match=r"for none of the receivers: nobody@example.org"):
            send(Given({**given, "GOFER_SETTING_TO": "nobody@example.org"}))
        with pytest.raises(Problem, match=r"for some receivers only; not for nobody@example.org"):
            send(Given({**given, "GOFER_SETTING_TO": "nobody@example.org, ops@example.org"}))


@pytest.mark.parametrize(
    "text", ["x\r\nBcc: evil@example.org", "x\nBcc: evil@example.org", "x\x0bBcc: evil@example.org"]
)
def test_no_setting_adds_a_header(text: str) -> None:
    message, receivers = mail(Given({**TASK, **BASE, "GOFER_SETTING_SUBJECT": text}))
    assert message["Bcc"] is None
    assert "\nBcc:" not in message.as_string()
    assert receivers == ["ops@example.org"]
    with pytest.raises(Problem):
        mail(Given({**TASK, **BASE, "GOFER_SETTING_TO": f"ops@example.org{text}"}))


def test_no_encoded_word_adds_a_header() -> None:
    word = "=?utf-8?q?a=0D=0ABcc=3A_evil=40example=2Eorg?="
    given = {"GOFER_SETTING_SUBJECT": f"x {word}", "GOFER_SETTING_TO": f"{word} <a@example.org>"}
    message, receivers = mail(Given({**TASK, **BASE, **given}))
    assert "\nBcc" not in message.as_string()
    assert receivers == ["a@example.org"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"MAIL_TO": ""}, "nobody is named"),
        ({"MAIL_FROM": ""}, "MAIL_FROM is not set"),
        ({"MAIL_FROM": "a@b.org, c@d.org"}, "MAIL_FROM is to be one address"),
        ({"GOFER_SETTING_TO": "not an address"}, "that is no address"),
        ({"GOFER_SETTING_TO": "a@example..org"}, "that is no address"),
        ({"SMTP_HOST": "a..b"}, "characters that SMTP cannot take"),
        (
            {"GOFER_SETTING_TO": "a@elsewhere.org", "MAIL_DOMAINS": "example.org"},
            "mails to elsewhere.org are not allowed",
        ),
        ({"SMTP_HOST": ""}, "SMTP_HOST is not set"),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY is to be one of starttls, tls, none"),
        ({"SMTP_PORT": "x"}, "SMTP_PORT is to be a number"),
    ],
)
def test_mistakes_are_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(Problem, match=told):
        send(Given({**TASK, **BASE, **given}))
