"""HTTP to a Gofer server, over a Unix socket or TCP, with the standard library alone."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CHUNK = 256 * 1024

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
_STARTING = 503
_GONE = "The server may be starting again. Is the address right (GOFER_API_URL)?"
_FORMS = 'Write "unix:///run/gofer/api.sock", "http://localhost:8080" or "https://gofer.example.org".'


class ClientError(Exception):
    """The server refused, or did not answer.

    `status` is the HTTP status, 0 where no answer came; `title` its short, constant name (`Not found`); `detail` a
    sentence; `hint` what to do. `request_id` is what the server's own log has about the request.
    """

    def __init__(self, detail: str, hint: str = "", *, status: int = 0, title: str = "", request_id: str = "") -> None:
        super().__init__(f"{_sentence(detail)} {hint}".strip())
        self.detail = detail
        self.hint = hint
        self.status = status
        self.title = title
        self.request_id = request_id


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?:" else f"{text}."


def _checked(token: str) -> str:
    """The token without white space around it, as files end with a newline. What http.client says of one that no
    header can carry would show it."""
    token = token.strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ClientError(
            "The token is none: expected printable ASCII without spaces, of one line.",
            "Pass what GOFER_API_TOKEN holds, and nothing else.",
        )
    return token


class Body(NamedTuple):
    """What a request carries. `chunks` begins anew each time it is called; `size` in bytes, None where it is not known.

    `again`: whether it can be called more than once.
    """

    chunks: Callable[[], Iterator[bytes]]
    size: int | None
    content_type: str
    again: bool = True


class Connection:
    """Requests to one server, one after the other; not for several threads at once.

    A request that the server did not answer, as it is starting again, is sent once more until `patience` seconds have
    passed. `timeout`: seconds to wait for each part of an answer. Every method raises ClientError.
    """

    def __init__(self, url: str, token: str, *, timeout: float, patience: float, ca_file: str, insecure: bool) -> None:
        self._url = url
        self._token = _checked(token)
        self._timeout = timeout
        self._patience = patience
        self._ca_file = ca_file
        self._insecure = insecure
        self._connection: HTTPConnection | None = None

    def close(self) -> None:
        """Give the connection up; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def json(self, method: str, path: str, value: object = None) -> Any:
        """The answer to a request with `value` as its body."""
        body = None
        if value is not None:
            encoded = json.dumps(value).encode()
            body = Body(lambda: iter([encoded]), len(encoded), "application/json")
        return self.answer(method, path, body)

    def answer(self, method: str, path: str, body: Body | None = None) -> Any:
        """The decoded answer; None where it has no body."""
        text = self._whole(self._send(method, path, body))
        try:
            return json.loads(text) if text else None
        except ValueError:
            self.close()
            raise ClientError(f"The answer of {self._url} broke off, or is not a Gofer server's.", _GONE) from None

    @contextmanager
    def stream(self, path: str) -> Iterator[tuple[HTTPResponse, Iterator[bytes]]]:
        """The response to a GET, and its body piece by piece. Meanwhile other requests take another connection."""
        response = self._send("GET", path, None)
        connection, self._connection = self._connection, None
        try:
            yield response, self._chunks(response)
        finally:
            if connection is not None:
                if response.isclosed() and self._connection is None:
                    self._connection = connection
                else:
                    connection.close()

    def _send(self, method: str, path: str, body: Body | None) -> HTTPResponse:
        """The response to a request, its body still unread."""
        headers = self._headers(method, body)
        if body is not None and not body.again:
            # One that is kept may have been closed by the server, which is found out too late.
            self.close()
        end, wait = time.monotonic() + self._patience, _FIRST_WAIT
        while True:
            again = body is None or body.again
            try:
                response = self._once(method, path, body, headers)
            except ClientError:
                self.close()
                raise
            except (OSError, HTTPException) as error:
                self.close()
                never_sent = isinstance(error, ConnectionRefusedError | FileNotFoundError)
                if not (again or never_sent) or isinstance(error, TimeoutError) or time.monotonic() + wait > end:
                    raise self._unreachable(error) from None
            else:
                if response.status < 300:
                    return response
                error_found = self._refusal(response)
                # Of what was refused the server may not have read all.
                self.close()
                if response.status != _STARTING or not again or time.monotonic() + wait > end:
                    raise error_found
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _chunks(self, response: HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := response.read(CHUNK):
                yield piece
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None

    def _whole(self, response: HTTPResponse) -> bytes:
        try:
            return b"".join(self._chunks(response))
        except ClientError:
            self.close()
            raise

    def _once(self, method: str, path: str, body: Body | None, headers: dict[str, str]) -> HTTPResponse:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect()
        chunks = None if body is None else body.chunks()
        try:
            connection.request(method, path, chunks, headers, encode_chunked=body is not None and body.size is None)
        except (BrokenPipeError, ConnectionResetError):
            # Who refuses a body does not read it to its end; what is wrong is said all the same.
            return connection.getresponse()
        return connection.getresponse()

    def _headers(self, method: str, body: Body | None) -> dict[str, str]:
        headers = {"Accept": "application/json, */*;q=0.5", "User-Agent": "gofer-sdk"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if method == "POST":
            headers["Idempotency-Key"] = os.urandom(16).hex()
        if body is not None:
            headers["Content-Type"] = body.content_type
            headers |= {"Transfer-Encoding": "chunked"} if body.size is None else {"Content-Length": str(body.size)}
        elif method != "GET":
            headers["Content-Length"] = "0"
        return headers

    def _connect(self) -> HTTPConnection:
        parts = urlsplit(self._url)
        if parts.scheme == "unix" and parts.path.startswith("/"):
            return _UnixConnection(parts.path, self._timeout)
        if parts.scheme == "http" and parts.hostname:
            if self._token and not self._insecure and not _is_here(parts.hostname):
                raise ClientError(
                    f"The token would go to {parts.hostname} in the clear, for everybody on the way to read.",
                    "Call the server by https. Only on a network that you trust: Client(…, insecure=True).",
                )
            return HTTPConnection(parts.hostname, parts.port or 8080, timeout=self._timeout)
        if parts.scheme == "https" and parts.hostname:
            import ssl

            if self._insecure and self._ca_file:
                raise ClientError("With insecure no certificate is checked: ca_file would count for nothing.")
            context = ssl.create_default_context(cafile=self._ca_file or None)
            if self._insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            return HTTPSConnection(parts.hostname, parts.port or 443, timeout=self._timeout, context=context)
        raise ClientError(f'"{self._url}" is not the address of a server.', _FORMS)

    def _refusal(self, response: HTTPResponse) -> ClientError:
        try:
            told = json.loads(self._whole(response))
            detail, hint, title = str(told["detail"]), str(told.get("hint", "")), str(told.get("title", ""))
        except (ValueError, KeyError, TypeError):
            return ClientError(
                f"{self._url} answered with status {response.status}, and not as a Gofer server does.",
                "Is another program listening there?",
                status=response.status,
            )
        request_id = str(told.get("request_id", ""))
        return ClientError(detail, hint, status=response.status, title=title, request_id=request_id)

    def _unreachable(self, error: Exception) -> ClientError:
        if isinstance(error, TimeoutError):
            return ClientError(f"No answer from {self._url} within {self._timeout:g} seconds.")
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ClientError(f"The server at {self._url} cannot be reached: {why}.", _GONE)


def _is_here(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    parts = host.split(".")
    return host in ("localhost", "::1") or (
        len(parts) == 4 and parts[0] == "127" and all(part.isascii() and part.isdigit() for part in parts)
    )


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
