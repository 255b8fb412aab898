"""One audit event: who, from where, what."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gofer.models.event import Kind
from gofer.models.ids import is_id
from gofer.server import correlation
from gofer.server.auth.caller import ANONYMOUS, Caller
from gofer.server.auth.registry import Registry
from gofer.server.clock import Clock
from gofer.server.store.beside import Beside
from gofer.server.store.transaction import Transaction

LONGEST_PATH = 200
LONGEST_COMMAND = 1_000

_TOKEN = re.compile(r"gofer_(management|client|run|session)_[0-9A-Za-z]+")


class Request(NamedTuple):
    """What of a request an audit event tells. `what`: its method and the template of its route; `path`: the path as it
    was sent; `given`: the parameters of the path."""

    what: str
    path: str
    given: dict[str, str]


class Auditor:
    """Makes audit events of requests. To be used while the request's context is there."""

    def __init__(self, registry: Registry, clock: Clock, reached: Callable[[str], None]) -> None:
        self._registry = registry
        self._clock = clock
        self._reached = reached

    def beside(self, kind: Kind, caller: Caller, request: Request, **more: Any) -> Beside:
        """The event, to be stored with the request's effect. `more` is further data."""
        data = {**self.about(caller, request), **more}
        namespace, pipeline = owner(request.given)

        def store(tx: Transaction) -> None:
            tx.emit(kind, self._clock.now(), namespace=namespace, pipeline=pipeline, data={**data, **beside.more})
            self._reached("audited")

        beside = Beside(store)
        return beside

    def about(self, caller: Caller, request: Request) -> dict[str, Any]:
        """The data that every audit event has."""
        data: dict[str, Any] = author_of(caller, self._registry)
        if caller.session:
            data["session"] = True
        data["from"] = correlation.address()
        data["what"] = request.what
        data["path"] = without_tokens(request.path, LONGEST_PATH)
        data["request"] = correlation.origin().correlation_id
        return data


def author_of(caller: Caller, registry: Registry) -> dict[str, Any]:
    """What the data of an audit event tells of who it was."""
    stored = registry.token(caller.token) if caller.token else None
    described = {"description": stored.token.description} if stored is not None and stored.token.description else {}
    return {"by": name_of(caller), **described}


def name_of(caller: Caller) -> str:
    """`token tok-4f7k2m9qx1`, `task backup/12/dump`, `local`, or `anonymous`."""
    return caller.name or (ANONYMOUS.kind if caller.kind == "unclaimed" else caller.kind)


def owner(given: dict[str, str]) -> tuple[str, str]:
    """Namespace and pipeline that a path names, as far as these can be ids; there may be none of that name."""
    namespace, pipeline = given.get("namespace", ""), given.get("pipeline", "")
    if not _is_name(namespace):
        return "", ""
    return namespace, pipeline if _is_name(pipeline) else ""


def _is_name(text: str) -> bool:
    """A token has the form of an id, too."""
    return is_id(text) and _TOKEN.search(text) is None


def without_tokens(text: str, limit: int) -> str:
    """`text`, cut to `limit` characters, without what is left out of every event: a token, should one stand there."""
    if "gofer_" in text:
        text = _TOKEN.sub(r"gofer_\1_…", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def command_line(words: Sequence[str]) -> str:
    """A command as one text, short enough for an event."""
    return without_tokens(" ".join(words), LONGEST_COMMAND)
