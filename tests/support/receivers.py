"""Real receivers on this machine: an HTTP server and a mail server that keep what they get."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, NamedTuple

from tests.support.certificates import Made


class Got(NamedTuple):
    """A request. Names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class HttpReceiver(ThreadingHTTPServer):
    """Answers each POST with the next of `answers` (the last one again and again): status, body, more headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.got: list[Got] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = [(200, b"ok", {})]
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Post(BaseHTTPRequestHandler):
    server: HttpReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.server.hold.wait(30)
        answers = self.server.answers
        status, answer, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """It listens for as long as the context lasts."""
    with HttpReceiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.hold.set()
            server.shutdown()
            thread.join()


@dataclass
class Mail:
    """What came in one session."""

    sender: str = ""
    receivers: list[str] = field(default_factory=list)
    content: str = ""
    encrypted: bool = False
    login: str = ""


class MailReceiver(ThreadingTCPServer):
    """SMTP (RFC 5321) as far as a client of ours goes: EHLO, STARTTLS, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA.

    `refuse`: receivers that it does not take. `certificate`: offers STARTTLS, or speaks TLS at once if `implicit`.
    `password`: of the user `robot`; without one nobody can log in.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, certificate: Made | None, *, implicit: bool, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[Mail] = []
        self.refuse: set[str] = set()
        self.implicit = implicit
        self.password = password
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate.cert, certificate.key)

    @property
    def port(self) -> str:
        return str(self.server_address[1])


class _Session(StreamRequestHandler):
    server: MailReceiver

    def setup(self) -> None:
        if self.server.implicit and self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()

    def handle(self) -> None:
        self.mail = Mail(encrypted=self.server.implicit)
        try:
            self._say("220 tests")
            while line := self.rfile.readline():
                if not self._do(line.decode().rstrip("\r\n")):
                    return
        except OSError:
            return

    def _do(self, line: str) -> bool:
        word, _, rest = line.partition(" ")
        match word.upper():
            case "EHLO":
                offers = ["tests"]
                if self.server.tls is not None and not self.mail.encrypted:
                    offers.append("STARTTLS")
                if self.server.password:
                    offers.append("AUTH PLAIN")
                self._say(*[f"250{' ' if i == len(offers) - 1 else '-'}{one}" for i, one in enumerate(offers)])
            case "STARTTLS":
                self._say("220 go on")
                assert self.server.tls is not None
                self.request = self.connection = self.server.tls.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
                self.mail.encrypted = True
            case "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                good = (user, password) == ("robot", self.server.password)
                self.mail.login = user if good else ""
                self._say("235 welcome" if good else "535 no")
            case "MAIL":
                self.mail.sender = rest.partition("<")[2].partition(">")[0]
                self._say("250 ok")
            case "RCPT":
                receiver = rest.partition("<")[2].partition(">")[0]
                if receiver in self.server.refuse:
                    self._say("550 nobody of that name")
                else:
                    self.mail.receivers.append(receiver)
                    self._say("250 ok")
            case "DATA":
                self._say("354 go on")
                lines = []
                while (got := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(got.removeprefix("."))
                self.mail.content = "".join(lines).replace("\r\n", "\n")
                self.server.mails.append(self.mail)
                self._say("250 taken")
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("250 ok")
        return True

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def mail_receiver(
    certificate: Made | None = None, *, implicit: bool = False, password: str = ""
) -> Iterator[MailReceiver]:
    """It listens for as long as the context lasts."""
    with MailReceiver(certificate, implicit=implicit, password=password) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
