"""Texts that a browser or a terminal would obey, in every place that takes a text."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.security.world import HERE, World

# A script, and pictures that call elsewhere: whatever of it is taken for HTML shows.
HTML = "</title></script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)><svg onload=alert(3)>"
LINK = "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\"
TERMINAL = (
    f"\x1b[2J\x1b[31mred\x1b]0;title\x07{LINK}\x9b2J\x90dcs\x9c\x1b[6n\x1b]52;c;ZXZpbA==\x07\x08\x7f\x0b\x0c\x0e\x1b"
)
"""Clears the screen, colours, sets the title, makes a link, asks for an answer, fills the clipboard; the same in C1."""
BIDI = "\u202egpj.exe\u202c \u2066x\u2069 \u200b\u2028\ufeff"
ALL = HTML + TERMINAL + BIDI

POISONED = f"/api/v1/namespaces/{HERE}/pipelines/poisoned"


def poison(world: World) -> list[str]:
    """Put it everywhere; the names of those places that took all of it, rather than the printable part alone."""
    took = []

    def fill(where: str, method: str, path: str, make: Any) -> None:
        for text in (ALL, HTML[:250]):
            answer = world.call(method, path, make(text))
            if answer.status in (200, 201):
                if text == ALL:
                    took.append(where)
                return
            assert answer.status == 422, (where, answer)
        raise AssertionError(f"{where} takes no text at all: {answer}")

    def manifest(**fields: Any) -> Any:
        log = ["bytes", "stdout", (ALL + "\r" + ALL + "\n").encode().hex(), "complain", HTML, "exit", "3"]
        first = {"id": "loud", "image": "fake", "command": log, **fields.pop("task", {})}
        rest = {"id": "hang", "image": "fake", "command": ["say", "x", "hang"]}
        return {"id": "poisoned", "tasks": [first, rest], **fields}

    base = f"/api/v1/namespaces/{HERE}"
    fill("namespace description", "PATCH", base, lambda text: {"description": text})
    fill("namespace name", "PATCH", base, lambda text: {"name": text[:60] if text == HTML[:250] else text})
    fill("token", "POST", "/api/v1/tokens", lambda text: {"kind": "management", "description": text})
    permissions = [{"resources": ["logs"], "actions": ["read"]}]
    fill("role", "PUT", "/api/v1/roles/spare", lambda text: {"description": text, "permissions": permissions})
    fill("secret", "PUT", f"{base}/pipelines/main/secrets/poisoned", lambda text: {"value": text})
    pipelines = f"{base}/pipelines"
    fill("description", "POST", pipelines, lambda text: manifest(description=text))
    fill("name", "POST", pipelines, lambda text: manifest(name=text[:60] if text == HTML[:250] else text))
    fill("task description", "POST", pipelines, lambda text: manifest(task={"description": text}))
    fill("variable", "POST", pipelines, lambda text: manifest(task={"variables": {"X": text}}))
    link = "https://example.org"
    fill("link", "POST", pipelines, lambda text: manifest(links=[{"title": text[:60], "url": link}]))

    def whole(text: str) -> Any:
        given = [{"name": "word", "description": text, "default": text}]
        labels, task = {"label": text[:60]}, {"variables": {"X": text}, "description": text}
        return manifest(name=HTML[:60], description=text, labels=labels, parameters=given, task=task)

    fill("manifest", "POST", pipelines, whole)
    fill("parameter", "POST", f"{POISONED}/runs", lambda text: {"parameters": {"word": text}})
    put = {"Content-Type": f'text/html; x="{HTML[:200]}"'}
    page = f"<!doctype html><html><body>{HTML}</body></html>".encode()
    for where in (POISONED, f"{POISONED}/runs/1"):
        assert world.ask("PUT", f"{where}/objects/page", world.root, page, put).status == 201
    world.ask("GET", f"/api/v1/{quote(HTML)}", world.root, None, {"User-Agent": HTML})
    return took
