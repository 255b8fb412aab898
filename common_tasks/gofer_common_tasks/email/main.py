"""`email`: sends a mail by SMTP."""

from __future__ import annotations

import os
import re
import smtplib
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid

from gofer_common_tasks.environment import Given, Problem, number, run
from gofer_common_tasks.message import body, filled
from gofer_common_tasks.post import context

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?\Z")
_MOST_RECEIVERS = 100
_MOST_SUBJECT = 200


def main() -> int:
    """Send it; the exit code."""
    return run(send, os.environ)


def send(given: Given) -> str:
    """What was done, as a sentence. Raises Problem."""
    message, receivers = mail(given)
    security = given.installed("SMTP_SECURITY", "starttls")
    if security not in _PORTS:
        raise Problem(f"SMTP_SECURITY is to be one of {', '.join(_PORTS)}, not {security!r}")
    host = given.required("SMTP_HOST")
    port = int(number(given, "SMTP_PORT", _PORTS[security], 1, 65535))
    timeout = number(given, "TIMEOUT", 30, 1, 110)
    where = f"the mail server {host}:{port}"
    try:
        with _connected(host, port, security, timeout) as server:
            _log_in(server, given, security)
            refused = server.send_message(message, to_addrs=receivers)
    except smtplib.SMTPRecipientsRefused as error:
        raise Problem(f"{where} takes a mail for none of the receivers: {_answers(error.recipients)}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise Problem(f"{where} cannot do that: {error}; see SMTP_SECURITY") from None
    except smtplib.SMTPAuthenticationError as error:
        raise Problem(f"{where} does not take SMTP_USER with SMTP_PASSWORD ({error.smtp_code})") from None
    except smtplib.SMTPResponseException as error:
        raise Problem(f"{where} has refused it: {error.smtp_code} {_line(error.smtp_error)}") from None
    except UnicodeError:
        raise Problem(f"{where}: its name, SMTP_USER or SMTP_PASSWORD has characters that SMTP cannot take") from None
    except (smtplib.SMTPException, OSError) as error:
        raise Problem(f"{where} cannot be reached: {error or type(error).__name__}") from None
    if refused:
        raise Problem(f"{where} has taken it for some receivers only; not for {_answers(refused)}")
    return f"sent to {len(receivers)} receiver{'s' if len(receivers) != 1 else ''}"


def mail(given: Given) -> tuple[EmailMessage, list[str]]:
    """The message, and whom it is for. Raises Problem.

    Headers are made of parts that were checked: no setting can add one, as a line break in it is refused or becomes a
    space (RFC 5322, 2.2), also one in an encoded word (RFC 2047), which `email` would decode.
    """
    receivers = _addresses(given, "to", given.setting("to") or given.installed("MAIL_TO"))
    if not receivers:
        raise Problem("nobody is named to send it to: give the setting to, such as ops@example.org")
    if allowed := given.installed("MAIL_DOMAINS"):
        _check_domains(receivers, allowed)
    sender = _addresses(given, "MAIL_FROM", given.required("MAIL_FROM"))
    if len(sender) != 1:
        raise Problem("MAIL_FROM is to be one address")
    # Not every server takes bytes above 127 (RFC 6152).
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = sender[0]
    message["To"] = receivers
    title = filled(given.setting("subject") or given.installed("SUBJECT") or "{subject}", given)
    message["Subject"] = _no_words(_one_line(title))[:_MOST_SUBJECT] or "Gofer"
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=sender[0].domain)
    # Answering machines are asked to keep quiet (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    template = given.setting("text") or given.installed("TEMPLATE")
    message.set_content(filled(template, given) if template else body(given))
    return message, [one.addr_spec for one in receivers]


def _connected(host: str, port: int, security: str, timeout: float) -> smtplib.SMTP:
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=context())
    server = smtplib.SMTP(host, port, timeout=timeout)
    if security == "starttls":
        try:
            # Raises where the server does not offer it: never go on in the clear.
            server.starttls(context=context())
        except BaseException:
            server.close()
            raise
    return server


def _log_in(server: smtplib.SMTP, given: Given, security: str) -> None:
    user, password = given.installed("SMTP_USER"), given.installed("SMTP_PASSWORD")
    if not user and not password:
        return
    if not user or not password:
        raise Problem("SMTP_USER and SMTP_PASSWORD belong together: give both, or none")
    if security == "none":
        raise Problem("SMTP_SECURITY is none, and a password is not sent in the clear: take starttls or tls")
    server.login(user, password)


def _addresses(given: Given, name: str, text: str) -> list[Address]:
    if not _one_line(text) == text:
        raise Problem(f"{name} has a line break or a control character in it")
    found: list[Address] = []
    for shown, address in getaddresses([_no_words(text)]):
        if not address and not shown:
            continue
        if not _ADDRESS.match(address):
            raise Problem(f"{name} has something in it that is no address: {(address or shown)[:80]!r}")
        try:
            found.append(Address(shown, addr_spec=address))
        except (ValueError, MessageError):  # such as two dots in a row
            raise Problem(f"{name} has something in it that is no address: {address[:80]!r}") from None
    if len(found) > _MOST_RECEIVERS:
        raise Problem(f"{name} names {len(found)} addresses; at most {_MOST_RECEIVERS} can be")
    return found


def _check_domains(receivers: list[Address], allowed: str) -> None:
    domains = {one.strip().lower() for one in allowed.split(",") if one.strip()}
    for one in receivers:
        if one.domain.lower() not in domains:
            raise Problem(f"mails to {one.domain} are not allowed here: MAIL_DOMAINS has {', '.join(sorted(domains))}")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _no_words(text: str) -> str:
    """Without the beginning of an encoded word: what it stands for may be a line break."""
    return text.replace("=?", "= ?")


def _answers(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{who} ({code} {_line(said)})" for who, (code, said) in list(refused.items())[:5])


def _line(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return _one_line(" ".join(text.split()))[:200]
