"""A GitHub App asks for changed files, of a GitHub that is a real server on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gofer_sdk.testing import running
from gofer_triggers.github.app import App, CannotTell
from gofer_triggers.github.facts import Facts
from gofer_triggers.github.trigger import Github
from tests.unit.triggers.test_github import REPOSITORY, SETTINGS, deliver, loaded, told

NOW = 1_700_000_000.0
BEFORE, AFTER = "a" * 40, "b" * 40
COMPARE = f"/repos/{REPOSITORY}/compare/{BEFORE}...{AFTER}"
Answer = tuple[int, dict[str, str], Any]


class FakeGithub:
    """Answers by `pages`; takes the proofs of the app whose key is `key`, and the tokens that it has given."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.pages: dict[str, Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.claims: list[dict[str, Any]] = []
        self.lifetime = timedelta(hours=1)
        self.url = ""

    def answer(self, method: str, path: str, bearer: str, body: bytes) -> Answer:
        self.asked.append(f"{method} {path}")
        if path == "/app/installations/375706/access_tokens":
            if not self._proved(bearer):
                return 401, {}, {"message": "A JSON web token could not be decoded"}
            assert json.loads(body) == {"permissions": {"contents": "read", "pull_requests": "read"}}
            ends = datetime.fromtimestamp(NOW, UTC) + self.lifetime
            given = f"ghs_{len(self.claims)}"
            return 201, {}, {"token": given, "expires_at": ends.isoformat().replace("+00:00", "Z")}
        if not bearer.startswith("ghs_"):
            return 401, {}, {"message": "Bad credentials"}
        return self.pages.get(path, lambda: (404, {}, {"message": "Not Found"}))()

    def _proved(self, bearer: str) -> bool:
        head, claims, signature = bearer.split(".")
        try:
            self.key.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT"}
        self.claims.append(json.loads(decoded(claims)))
        return True

    def says(self, path: str, body: object, status: int = 200, **headers: str) -> None:
        self.pages[path] = lambda: (status, headers, body)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def github(key: rsa.RSAPrivateKey) -> Iterator[FakeGithub]:
    fake = FakeGithub(key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, headers, body = fake.answer(self.command, self.path, bearer, self.rfile.read(length))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="github", kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def push(**more: Any) -> Facts:
    known: dict[str, Any] = {
        "event": "push",
        "repository": REPOSITORY,
        "before": BEFORE,
        "after": AFTER,
        "installation": 375706,
    }
    return Facts(**known | more)


def pull_request(**more: Any) -> Facts:
    return push(event="pull_request", number=2, **more)


async def test_the_files_of_a_push_and_one_token_for_many_questions(github: FakeGithub) -> None:
    now = [NOW]
    app = App("12345", pem(github.key), github.url + "/", lambda: now[0])
    renamed = {"filename": "new.py", "previous_filename": "old.py", "status": "renamed"}
    github.says(COMPARE, {"files": [{"filename": "src/a.py"}, renamed]})
    for _ in range(3):
        assert await app.changed_paths(push()) == {"src/a.py", "new.py", "old.py"}
    assert [one.split()[0] for one in github.asked] == ["POST", "GET", "GET", "GET"]
    (claims,) = github.claims
    assert claims == {"iat": NOW - 60, "exp": NOW + 480, "iss": "12345"}
    now[0] += 54 * 60
    await app.changed_paths(push())
    assert len(github.claims) == 1
    now[0] += 2 * 60  # less than five minutes before it expires
    await app.changed_paths(push())
    assert len(github.claims) == 2


async def test_the_files_of_a_pull_request_by_pages(github: FakeGithub) -> None:
    app = App("12345", pem(github.key), github.url, lambda: NOW)
    where = f"/repos/{REPOSITORY}/pulls/2/files?per_page=100&page="
    github.says(where + "1", [{"filename": f"{number}"} for number in range(100)])
    github.says(where + "2", [{"filename": "last"}])
    assert len(await app.changed_paths(pull_request())) == 101


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (push(installation=None), "was not sent by the app"),
        (push(before="0" * 40), "the branch is new"),
        (push(before="../../x"), "the branch is new"),
        (push(repository="a/b/../c"), "names no repository"),
        (push(repository="../.."), "names no repository"),
        (push(installation=7), "answered 401 to POST /app/installations/7/access_tokens"),
        (push(after="c" * 40), "answered 404 to GET"),
        (pull_request(), "answered 404 to GET"),
    ],
)
async def test_what_github_does_not_say(github: FakeGithub, facts: Facts, why: str) -> None:
    with pytest.raises(CannotTell, match=why):
        await App("12345", pem(github.key), github.url, lambda: NOW).changed_paths(facts)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"files": [{"filename": str(number)} for number in range(300)]}, 200, "more files have changed"),
        ({}, 200, "more files have changed"),
        (b"<html>", 200, "something else than JSON"),
        ({"message": "rate limit"}, 403, "answered 403"),
        ({}, 500, "answered 500"),
    ],
)
async def test_answers_that_do_not_help(github: FakeGithub, body: object, status: int, why: str) -> None:
    github.says(COMPARE, body, status)
    with pytest.raises(CannotTell, match=why):
        await App("12345", pem(github.key), github.url, lambda: NOW).changed_paths(push())


async def test_the_token_is_not_taken_to_another_host(github: FakeGithub) -> None:
    elsewhere = github.url.replace("127.0.0.1", "127.0.0.2")
    github.says(COMPARE, {}, 302, Location=f"{elsewhere}/x")
    with pytest.raises(CannotTell, match="answered 302"):
        await App("12345", pem(github.key), github.url, lambda: NOW).changed_paths(push())
    assert github.asked[-1] == f"GET {COMPARE}"


async def test_a_key_that_is_anothers(github: FakeGithub) -> None:
    other = rsa.generate_private_key(65537, 2048)
    with pytest.raises(CannotTell, match="answered 401 to POST"):
        await App("12345", pem(other), github.url, lambda: NOW).changed_paths(push())


async def test_nobody_listens(github: FakeGithub) -> None:
    with pytest.raises(CannotTell, match="cannot be reached"):
        await App("12345", pem(github.key), "http://127.0.0.1:1", lambda: NOW).changed_paths(push())


def test_what_is_no_key_is_not_shown() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    for text, why in (("hunter2", "expected a private key in PEM"), (pem(curve), "expected an RSA key")):
        with pytest.raises(ValueError, match=why) as raised:
            App("1", text, "https://api.github.com")
        assert "hunter2" not in str(raised.value)


def test_a_key_in_one_line(key: rsa.RSAPrivateKey) -> None:
    assert App("1", pem(key).replace("\n", "\\n"), "https://api.github.com").proof().count(".") == 2


async def test_the_paths_of_a_pull_request_decide(github: FakeGithub) -> None:
    # The app goes by the machine's clock here.
    github.lifetime = timedelta(days=36500)
    settings = SETTINGS | {"app_id": "12345", "private_key": pem(github.key), "api_url": github.url}
    subscription = {"repository": REPOSITORY, "events": ["push", "pull_request"], "paths": ["src/*"]}
    where = f"/repos/{REPOSITORY}/pulls/2/files?per_page=100&page=1"
    async with running(Github, settings, subscriptions={"hook": subscription}) as it:
        github.says(where, [{"filename": "docs/x.md"}])
        assert told(await deliver(it, "pull_request"))["outcomes"] == {"skipped": 1}
        assert (await it.fired()).detail == "pull_request: paths (src/*) does not match any of the 1 changed files"
        github.says(where, [{"filename": "src/x.py"}])
        assert told(await deliver(it, "pull_request", delivery="2"))["outcomes"] == {"started": 1}
        event = await it.fired()
        # Nothing of the app gets into a run.
        assert not any("ghs_" in value or "BEGIN" in value for value in event.variables.values())
        github.says(where, {}, 502)
        assert told(await deliver(it, "pull_request", delivery="3"))["outcomes"] == {"started": 1}
        assert "answered 502" in await it.logged("started without a look at the paths")
        # A push whose commits GitHub has left out.
        many = json.dumps(loaded("push") | {"before": BEFORE, "after": AFTER, "commits": []}).encode()
        github.says(COMPARE, {"files": [{"filename": "docs/x.md"}]})
        assert told(await deliver(it, "push", body=many, delivery="4"))["outcomes"] == {"skipped": 1}
