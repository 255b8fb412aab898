"""A GitHub App asks GitHub for what a delivery does not say: which files have changed.

How an app proves who it is: docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from gofer_triggers.github.facts import Facts
from gofer_triggers.payload import BadPayload, at, parse_json, text_at

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_PAGE, _MOST_PAGES, _MOST_COMPARED = 100, 30, 300
_MOST_BYTES = 16 * 1024 * 1024
_TIMEOUT = 4.0
# A clock that is a minute fast is forgiven, and GitHub takes no more than ten minutes.
_SKEW, _LIFETIME = 60, 540
# A token lives an hour; one that ends so soon is not used for anything new.
_RENEW = 300.0
_PERMISSIONS = {"contents": "read", "pull_requests": "read"}


class CannotTell(Exception):
    """GitHub did not say it; the text says why."""


class App:
    """One app. Its tokens stay here: no run and no log gets them."""

    def __init__(self, app_id: str, private_key: str, api_url: str, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since the epoch. Raises ValueError for what is no private key."""
        self._id = app_id
        self._key = _key_of(private_key)
        self._url = api_url.rstrip("/")
        self._now = now
        self._tokens: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()

    async def changed_paths(self, facts: Facts) -> frozenset[str]:
        """Those of a push or pull request. Raises CannotTell."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._changed_paths, facts), _TIMEOUT + 1)
        except TimeoutError:
            raise CannotTell("GitHub's API did not answer in time") from None

    def _changed_paths(self, facts: Facts) -> frozenset[str]:
        if not _NAME.match(facts.repository) or ".." in facts.repository.split("/"):
            raise CannotTell("the delivery names no repository")
        if facts.installation is None:
            raise CannotTell("the delivery was not sent by the app, so that it names no installation")
        ends = time.monotonic() + _TIMEOUT
        if facts.event == "pull_request" and facts.number is not None:
            return self._of_pull_request(facts.repository, facts.number, facts.installation, ends)
        if not _COMMIT.match(facts.before) or not _COMMIT.match(facts.after) or not facts.before.strip("0"):
            raise CannotTell("the branch is new: there is nothing to compare it with")
        path = f"/repos/{facts.repository}/compare/{facts.before}...{facts.after}"
        files = at(self._ask("GET", path, self._token(facts.installation, ends), ends), "files")
        if not isinstance(files, list) or len(files) >= _MOST_COMPARED:
            raise CannotTell(f"more files have changed than GitHub lists ({_MOST_COMPARED})")
        return _names(files)

    def _of_pull_request(self, repository: str, number: int, installation: int, ends: float) -> frozenset[str]:
        found: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            path = f"/repos/{repository}/pulls/{number}/files?per_page={_PAGE}&page={page}"
            files = self._ask("GET", path, self._token(installation, ends), ends)
            if not isinstance(files, list):
                raise CannotTell("GitHub's API answered with no list of files")
            found |= _names(files)
            if len(files) < _PAGE:
                return frozenset(found)
        raise CannotTell(f"more files have changed than GitHub lists ({_PAGE * _MOST_PAGES})")

    def _token(self, installation: int, ends: float) -> str:
        with self._lock:
            token, good_until = self._tokens.get(installation, ("", 0.0))
            if self._now() < good_until:
                return token
            path = f"/app/installations/{installation}/access_tokens"
            told = self._ask("POST", path, self.proof(), ends, {"permissions": _PERMISSIONS})
            token = text_at(told, "token")
            if not token:
                raise CannotTell("GitHub's API gave no token")
            self._tokens[installation] = (token, _expiry(text_at(told, "expires_at"), self._now()) - _RENEW)
            return token

    def proof(self) -> str:
        """A JSON Web Token (RFC 7519, RS256) that says that this is the app."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        now = int(self._now())
        claims = {"iat": now - _SKEW, "exp": now + _LIFETIME - _SKEW, "iss": self._id}
        parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        text = ".".join(parts)
        return f"{text}.{_base64(self._key.sign(text.encode(), PKCS1v15(), SHA256()))}"

    def _ask(self, method: str, path: str, bearer: str, ends: float, body: Mapping[str, Any] | None = None) -> object:
        left = ends - time.monotonic()
        if left <= 0:
            raise CannotTell("GitHub's API did not answer in time")
        headers = {
            "Authorization": f"Bearer {bearer}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "gofer-trigger-github",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body).encode()
        # The administrator has named the host, and only https leads beyond this machine: see settings.
        request = Request(self._url + path, data, headers, method=method)  # noqa: S310
        try:
            with _opener().open(request, timeout=left) as answer:
                content = answer.read(_MOST_BYTES + 1)
        except HTTPError as error:
            error.close()
            raise CannotTell(f"GitHub's API answered {error.code} to {method} {path.partition('?')[0]}") from None
        except (OSError, ValueError) as error:
            raise CannotTell(f"GitHub's API cannot be reached: {error}") from None
        if len(content) > _MOST_BYTES:
            raise CannotTell("GitHub's API answered with more than can be read")
        try:
            return parse_json(content)
        except BadPayload as error:
            raise CannotTell(f"GitHub's API answered with something else than JSON: {error}") from None


class _NoRedirects(HTTPRedirectHandler):
    """The token goes to the host that was named, and to no other."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _opener() -> OpenerDirector:
    return build_opener(_NoRedirects)


def _key_of(text: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # In some places nobody can write more than one line.
        key = load_pem_private_key(text.replace("\\n", "\n").strip().encode(), None)
    except Exception:  # its words may show what was given
        raise ValueError(
            'expected a private key in PEM, without a password: "-----BEGIN RSA PRIVATE KEY-----…"'
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("expected an RSA key, as GitHub makes it for an app")
    return key


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _expiry(text: str, now: float) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return now


def _names(files: list[Any]) -> frozenset[str]:
    names = (text_at(one, key) for one in files for key in ("filename", "previous_filename"))
    return frozenset(name for name in names if name)
