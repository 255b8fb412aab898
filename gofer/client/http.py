"""Requests to the API over one kept connection."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from gofer import __version__
from gofer.client.address import Server
from gofer.client.answers import broken_off, decode, error_of, unreachable
from gofer.client.connection import new_connection
from gofer.client.plain_http import HTTPConnection, HTTPException, HTTPResponse
from gofer.errors import ClientError
from gofer.models.page import Page

T = TypeVar("T")
QueryValue = str | int | bool | None
Query = Mapping[str, QueryValue | list[str]]

_JSON = "application/json"
_ACCEPT = "application/json, */*;q=0.5"
TRIES = 3
"""How often a request is sent whose connection is dropped."""
_PIECE = 64 * 1024


def query_string(query: Query) -> str:
    """`?a=1&b=2` of the values that are there; empty where none is. Lists repeat their name, booleans are words."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        given = [one for one in (value if isinstance(value, list) else [value]) if one is not None]
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in given]
    return f"?{urlencode(pairs)}" if pairs else ""


def common_headers(server: Server) -> dict[str, str]:
    """What every request says: who asks, and for what kind of answer."""
    headers = {"Accept": _ACCEPT, "User-Agent": f"gofer/{__version__}"}
    if server.token:
        headers["Authorization"] = f"Bearer {server.token}"
    return headers


class Client:
    """Speaks to one server. Not for several threads at once.

    Every method raises ClientError: `problem_status` is 0 where no Gofer server answered. Writes carry an
    Idempotency-Key, so that one whose connection was lost is sent again without being done twice.
    """

    def __init__(self, server: Server, timeout: float = 30.0) -> None:
        """`timeout`: seconds to wait for the connection and for each part of an answer."""
        self.server = server
        self.address = server.address
        self._timeout = timeout
        self._connection: HTTPConnection | None = None

    def get(self, path: str, type_: type[T], query: Query | None = None) -> T:
        """The value at `path`."""
        return decode(self._answer("GET", path + query_string(query or {})), type_, self.address)

    def text(self, path: str, query: Query) -> str:
        """The text at `path`, such as a graph."""
        return self._answer("GET", path + query_string(query)).decode(errors="replace")

    def page(self, path: str, item: type[T], query: Query) -> Page[T]:
        """One page of the list at `path`."""
        return self.get(path, Page[item], query)  # type: ignore[valid-type]  # a type made at run time

    def pages(self, path: str, item: type[T], query: Query) -> Iterator[Page[T]]:
        """All pages of the list at `path`, from `query["cursor"]` on."""
        cursor = query.get("cursor")
        while True:
            page = self.page(path, item, {**query, "cursor": cursor})
            yield page
            if page.next is None:
                return
            cursor = page.next

    def send(
        self, method: str, path: str, type_: type[T], body: msgspec.Struct | None = None, *, again: bool = True
    ) -> T:
        """Send `body` as JSON and decode the answer. `again` false: never twice, as the server keeps no answer."""
        encoded = b"" if body is None else msgspec.json.encode(body)
        return decode(self._answer(method, path, encoded, _JSON, TRIES if again else 1), type_, self.address)

    def send_bytes(self, path: str, body: bytes, content_type: str, query: Query | None = None) -> bytes:
        """POST `body` as it is (a manifest); the answer's bytes."""
        return self._answer("POST", path + query_string(query or {}), body, content_type)

    def delete(self, path: str) -> None:
        """Delete what stands at `path`."""
        self._answer("DELETE", path)

    def download(self, path: str, query: Query) -> Iterator[bytes]:
        """The bytes at `path`, piece by piece. Raises ClientError, too, where they break off."""
        response = self.response(path, query)
        try:
            while piece := response.read1(_PIECE):
                yield piece
        except (OSError, HTTPException) as error:
            raise broken_off(self.address, error) from None
        finally:
            self.close()

    def response(self, path: str, query: Query) -> HTTPResponse:
        """The answer at `path`, its body still unread; `close` when that is no longer wanted."""
        return self._exchange("GET", path + query_string(query), b"", "")

    def close(self) -> None:
        """Give the connection up; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answer(self, method: str, target: str, body: bytes = b"", content_type: str = "", tries: int = TRIES) -> bytes:
        response = self._exchange(method, target, body, content_type, tries)
        try:
            return response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise unreachable(self.address, error) from None

    def _exchange(self, method: str, target: str, body: bytes, content_type: str, tries: int = TRIES) -> HTTPResponse:
        """Send one request, again where the connection was dropped; returns the response, its body still unread."""
        headers = self._headers(method, content_type)
        for turn in range(1, tries + 1):
            try:
                response = self._request(method, target, body, headers)
                break
            except (HTTPException, ConnectionResetError, BrokenPipeError) as error:
                self.close()
                if turn == tries:
                    raise unreachable(self.address, error) from None
                time.sleep(0.1 * (turn - 1))
            except OSError as error:
                self.close()
                raise unreachable(self.address, error) from None
        if response.status >= 300:
            raise self._error(response)
        return response

    def _request(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        if self._connection is None:
            self._connection = new_connection(self.server, self._timeout)
        self._connection.request(method, target, body=body or None, headers=headers)
        return self._connection.getresponse()

    def _error(self, response: HTTPResponse) -> ClientError:
        try:
            body = response.read()
        except (OSError, HTTPException):
            body = b""
        self.close()
        return error_of(response.status, response.headers.get("Content-Type", ""), body, self.address)

    def _headers(self, method: str, content_type: str) -> dict[str, str]:
        headers = common_headers(self.server)
        if content_type:
            headers["Content-Type"] = content_type
        if method != "GET":
            headers["Idempotency-Key"] = os.urandom(16).hex()
        return headers
