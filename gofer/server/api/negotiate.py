"""Which format a body has, and which an answer gets: JSON, or MessagePack where the client asks for it."""

from __future__ import annotations

from typing import Literal

from gofer.models.ids import shown
from gofer.server.api.problem import NotAcceptable, UnsupportedMediaType

Format = Literal["json", "msgpack"]

CONTENT_TYPES: dict[Format, bytes] = {"json": b"application/json", "msgpack": b"application/msgpack"}
BODY_TYPES = ("application/json", "application/msgpack")

_FORMATS: dict[str, Format] = {
    "application/json": "json",
    "application/msgpack": "msgpack",
    "application/x-msgpack": "msgpack",
    "application/vnd.msgpack": "msgpack",
}
_WILD = {"*/*", "application/*"}


def body_format(content_type: bytes | None) -> Format:
    """The format that a Content-Type names. Raises UnsupportedMediaType."""
    if content_type == b"application/json":
        return "json"
    hint = "Send JSON or MessagePack: `Content-Type: application/json` or `application/msgpack`."
    if content_type is None:
        raise UnsupportedMediaType("The body has no Content-Type.", hint)
    name, _, parameters = content_type.decode("latin-1").partition(";")
    found = _FORMATS.get(name.strip().lower())
    if found is None:
        raise UnsupportedMediaType(f"A body of type {shown(name.strip())} cannot be read.", hint)
    charset = parameters.strip().lower().replace('"', "")
    if charset.startswith("charset=") and charset != "charset=utf-8":
        raise UnsupportedMediaType(f"A body with {shown(charset)} cannot be read.", "Send it as UTF-8.")
    return found


def answer_format(accept: bytes | None) -> Format:
    """The format that an Accept header prefers; JSON where it does not matter. Raises NotAcceptable."""
    if accept is None or accept in (b"*/*", b"application/json"):
        return "json"
    best: Format | None = None
    best_quality = 0.0
    for part in accept.decode("latin-1").split(","):
        name, _, parameters = part.partition(";")
        name = name.strip().lower()
        found = "json" if name in _WILD else _FORMATS.get(name)
        quality = _quality(parameters)
        if found is not None and quality > best_quality:
            best, best_quality = found, quality
    if best is None:
        raise NotAcceptable(
            f"The answer cannot be written as {shown(accept.decode('latin-1'))}.",
            "Accept `application/json` or `application/msgpack`.",
        )
    return best


def require_accepted(accept: bytes | None, content_types: tuple[str, ...]) -> None:
    """Raises NotAcceptable if an Accept header allows none of these content types."""
    if accept is None or accept == b"*/*":
        return
    for part in accept.decode("latin-1").split(","):
        name, _, parameters = part.partition(";")
        name = name.strip().lower()
        if _quality(parameters) > 0 and any(_covers(name, content_type) for content_type in content_types):
            return
    raise NotAcceptable(
        f"The answer cannot be written as {shown(accept.decode('latin-1'))}.", f"Accept {' or '.join(content_types)}."
    )


def _covers(name: str, content_type: str) -> bool:
    plain = content_type.partition(";")[0]
    return name in ("*/*", plain, plain.partition("/")[0] + "/*")


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
