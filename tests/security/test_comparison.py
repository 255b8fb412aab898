"""Timing, by construction: what is secret is looked up by its digest, or compared in constant time, and never with ==.
And no secret lies anywhere that it need not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.security.world import HERE, SECRET_GLOBAL, SECRET_HERE, SECRET_THERE, World

ROOT = Path(__file__).parents[2] / "gofer"
FOLDERS = ("server/auth", "server/api", "server/limits", "server/audit", "server/site")

# Names of what is secret, or follows from it.
SECRET = re.compile(r"(^|_)(digest|secret|csrf|code|hash|hmac|mac|signature|password|proof|bearer|cookie|shown)s?$")

# Where one of these names stands for something else, or both sides are the server's own.
KNOWN = {
    "auth/registry.py put_token: known.digest != stored.digest": "two digests of the server's own",
    "auth/sessions.py open: present.digest == stored.digest": "two digests of the server's own",
    "api/event_sight.py _simplified: shown == kinds": "kinds of events",
    "api/upload.py _sha256: len(digest) != 32": "a length",
    "limits/websocket_protocol.py handle_parser_exception: code == CloseCode.MESSAGE_TOO_BIG": "a code of websockets",
}


def named(node: ast.expr) -> Iterator[str]:
    """The last names of what is compared: `stored.digest` is a digest, `status_code` of a response is none."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Name):
            yield part.id


def comparisons(text: str) -> Iterator[str]:
    """Of every comparison by value with something secret: in which function it stands, and its text."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                    sides = [node.left, *node.comparators]
                    if any(SECRET.search(name) for side in sides for name in named(side)):
                        yield f"{function.name}: {ast.unparse(node)}"


def test_nothing_secret_is_compared_by_value() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 40
    server = ROOT / "server"
    found = {f"{path.relative_to(server)} {text}" for path in files for text in comparisons(path.read_text())}
    assert found - set(KNOWN) == set(), "use hmac.compare_digest, or look it up by its digest"
    assert set(KNOWN) - found == set(), "KNOWN names what there is not any more"


def test_the_rule_sees_what_it_is_for() -> None:
    """A test that cannot fail would be none."""
    assert list(comparisons("def f(a, stored):\n    return a.digest == stored.digest")) == [
        "f: a.digest == stored.digest"
    ]
    assert list(comparisons("async def f(code, b):\n    return 1 if b != code else 2")) == ["f: b != code"]
    assert list(comparisons("def f(a, b):\n    return a.id == b.id or a is b.digest")) == []


def test_no_token_and_no_secret_lies_on_the_disk(world: World) -> None:
    """Not in a database or its journal, a log or an event; nor in any answer but where it was asked for."""
    kept = [world.root, *world.tokens.values(), world.run_token, SECRET_HERE, SECRET_THERE, SECRET_GLOBAL]
    session = world.call("POST", "/api/v1/session", {"token": world.tokens["viewer"]})
    assert session.status == 201
    kept += [session.headers["set-cookie"].partition("=")[2].partition(";")[0], session.json["csrf"]]
    assert world.call("POST", f"/api/v1/namespaces/{HERE}/pipelines/main/secrets/thing/reveal").status == 200
    world.ask("GET", "/api/v1/nothing", world.root)
    world.ask("GET", f"/api/v1/namespaces/{HERE}?token={world.root}", world.root)
    found = []
    for path in sorted(world.home.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found += [f"{path.relative_to(world.home)}: {text[:20]}" for text in kept if text.encode() in data]
    for route in world.routes:
        if route.method == "GET":
            body = world.try_route(route, world.root).body
            found += [f"{route.name}: {text[:20]}" for text in kept if text.encode() in body]
    assert found == []
