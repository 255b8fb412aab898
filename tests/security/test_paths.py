"""A path that is written otherwise leads nowhere that the plain one does not: not around the check, not past a
namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.security.raw import Wire, wire
from tests.security.routes import Route
from tests.security.world import HERE, THERE, World

LONG = "a" * 20_000

# Behind a path and before it. Bare ones make another path of it; escaped ones may be undone by whoever reads them.
_SUFFIXES = """
/ // /. /.. /../ /./ /%2e /%2e%2e /%2E%2E/ /..%2f /..;/ /.;/ %2F %2f%2f %252F %25252f ; ;x ;x=1 ;.css ;/healthz
. .. ... .json .html .css ~ %00 %00.html %0a %0d%0aX-Evil:%201 %09 %20 + %3f %23 %3B \\ \\..\\ %5c %5c..%5c
%c0%af %c0%ae%c0%ae%c0%af %e0%80%af %ff %u002f % %2 %zz \xff * ' /healthz /../healthz /..%2fhealthz
/../../../../healthz & = :80 @localhost
"""
SUFFIXES = [*_SUFFIXES.split(), f"/{LONG}", LONG]
SAME = ["?", "#", "?/healthz", "?x#/healthz", "#/healthz"]
_PREFIXES = """
/ // /. /./ /x/.. /healthz/.. /healthz/%2e%2e /healthz%2f.. /healthz; /healthz/..; /docs/.. /docs/%2e%2e /docs/..;
/docs/..%2f /docs/\\.. /docs/%5c.. /docs/x/../.. /docs /docs/ /api/docs/.. /api/docs/%2e%2e /api/docs; /%2e /%2f
/%00 \\ /\\ /%20 http://localhost http://evil.example https://localhost:8080 http:// ws://x file:// x:
http://localhost/healthz/.. http://a:b@localhost //evil.example /// /api/v1/whoami/..
"""
PREFIXES = [*_PREFIXES.split(), "/ "]


def escaped(text: str) -> str:
    return "".join(f"%{ord(c):02x}" for c in text)


WHOLE: list[Callable[[str], str]] = [
    str.upper,
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "\\"),
    lambda path: path.replace("/", "%2F"),
    lambda path: path.replace("/", "%252F"),
    lambda path: path.replace("/", "/./"),
    lambda path: path.replace("/", "/%2e/"),
    lambda path: path.replace("/", "/;/"),
    lambda path: path.replace("/", "/x/../"),
    lambda path: "/".join(map(escaped, path.split("/"))),
    lambda path: "/".join(map(escaped, path.split("/"))).replace("%", "%25"),
    lambda path: "/" + escaped(path[1:]),
    lambda path: path[1:],
]


def written_otherwise(path: str) -> Iterator[str]:
    yield from (path + suffix for suffix in [*SUFFIXES, *SAME])
    yield from (prefix + path for prefix in PREFIXES)
    yield from (change(path) for change in WHOLE)


# What nobody's request may be answered with who shows no token: least of all that something was done.
REFUSALS = {400, 401, 403, 404, 405, 414, 421, 422, 426, 431}


def test_without_a_token_no_spelling_of_a_path_leads_in(world: World) -> None:
    """Whatever the spelling, the answer is a refusal; what is open is so in its plain spelling."""
    before, wrong = world.digest(), []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if not route.is_open):
            for target in written_otherwise(route.path(world.names)):
                answer = as_sample(connection, world, route, target)
                if answer not in REFUSALS:
                    wrong.append((route.name, target[:100], answer))
    assert wrong == []
    assert world.digest() == before


def as_sample(connection: Wire, world: World, route: Route, target: str, token: str = "") -> int:
    request = route.request(world.names)
    headers = {**request.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
    return connection.ask(request.method, target, headers, request.body or b"").status


def test_spellings_of_what_is_open_never_fail_the_server(world: World) -> None:
    wrong = []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.is_open):
            for target in written_otherwise(route.path(world.names)):
                status = connection.ask(route.method, target).status
                if status >= 500:
                    wrong.append((route.name, target[:100], status))
    assert wrong == []


_ENDS = "; ;x . %00 %0a / %2f \\ %5c /. * %2a '-- %09 ? %20"
_BETWEEN = "/../ %2f..%2f %5c..%5c ; , %00 %0a %20 /..;/"
_OTHERS = f"%74here {escaped(THERE)} %2574here %20{THERE} {THERE.upper()} *{THERE} ./{THERE} t% t* [t]here"
_NEITHER = "* %2a %25 _ .. %2e%2e null 0 th\xe9re"
OTHERS = [
    *(THERE + end for end in _ENDS.split()),
    *(HERE + between + THERE for between in _BETWEEN.split()),
    *_OTHERS.split(),
    *_NEITHER.split(),
    quote("ｔｈｅｒｅ"),
    "",
]


@pytest.mark.parametrize("who", ["admin", "run"])
def test_no_spelling_of_a_namespace_leads_into_another(world: World, who: str) -> None:
    """With tokens for one namespace that may do most there, on every route that names one."""
    token = world.run_token if who == "run" else world.tokens[who]
    before, wrong = world.digest(), []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.names_namespace):
            for other in [THERE, *OTHERS]:
                target = route.path({**world.names, "namespace": other})
                status = as_sample(connection, world, route, target, token)
                if status not in REFUSALS:
                    wrong.append((route.name, other, status))
    assert wrong == []
    assert world.digest() == before


def test_with_a_good_token_a_spelling_is_the_plain_path_or_nothing(world: World) -> None:
    """Nothing is cut off, resolved or redirected: what a proxy in front refuses cannot be reached in another way.

    Escaped letters name what plain ones do (RFC 3986, 6.2.2.2), but no part of a route.
    """
    wrong = []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.method == "GET" and not route.is_open):
            path = route.path(world.names)
            if connection.ask("GET", path, {"Authorization": f"Bearer {world.root}"}).status != 200:
                continue
            for suffix in SUFFIXES:
                status = connection.ask("GET", path + suffix, {"Authorization": f"Bearer {world.root}"}).status
                if status < 400 or status >= 500:
                    wrong.append((route.name, suffix[:100], status))
    assert wrong == []
