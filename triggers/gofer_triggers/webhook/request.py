"""What came in, as expressions see it."""

from __future__ import annotations

from collections.abc import Sequence

from gofer_triggers.payload import clean, parse_form, parse_json, parse_query, single_headers

# What proves who somebody is does not become a variable of a run, which others may see.
_NEVER = frozenset({"authorization", "proxy-authorization", "cookie"})
_FORM = "application/x-www-form-urlencoded"


def seen(
    headers: Sequence[tuple[str, str]], query: str, body: bytes, peer: str, secret_header: str
) -> dict[str, object]:
    """A map of `body`, `raw`, `headers`, `query` and `peer`. `secret_header` is left out. Raises BadPayload."""
    unseen = _NEVER | {secret_header.lower()}
    by_name = single_headers((name, value) for name, value in headers if name not in unseen)
    return {
        "body": _body(body, by_name.get("content-type", "")),
        "raw": body.decode("utf-8", "replace"),
        "headers": by_name,
        "query": parse_query(query),
        "peer": peer,
    }


def _body(body: bytes, content_type: str) -> object:
    """JSON and forms as what they say, anything else as a text. What looks like JSON is JSON: `curl -d` says that it
    is a form."""
    if not body.strip():
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json") or body.lstrip()[:1] in (b"{", b"["):
        return parse_json(body)
    if kind == _FORM:
        return parse_form(body)
    return clean(body.decode("utf-8", "replace"), len(body) * 3)
