"""From the bytes of a request to a manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gofer.errors import BadRequest, InvalidInput, TooLarge
from gofer.models.ids import shown
from gofer.models.manifest import MAX_MANIFEST_BYTES, SCHEMA_VERSION, Manifest
from gofer.models.units import format_size
from gofer.server.pipelines.parameters import described
from gofer.server.pipelines.report import Report
from gofer.server.pipelines.shapes import check_shape, first_problem

_SCHEMA_HINT = (
    "A running Gofer describes every field at /docs/manifest/; the JSON Schema is /docs/manifest.schema.json."
)


def decode_manifest(body: bytes, content_type: str) -> Manifest:
    """The manifest that a body holds, JSON or MessagePack as its content type says (JSON where that is empty).

    Raises TooLarge; BadRequest if it is not well formed; InvalidInput that lists every unknown, missing and ill-typed
    field. Nothing else is checked here: see `validate`.
    """
    if len(body) > MAX_MANIFEST_BYTES:
        raise TooLarge(
            f"The manifest has {format_size(len(body))}; at most {MAX_MANIFEST_BYTES} bytes are accepted",
            "Move scripts and data into images or objects, or split the pipeline.",
        )
    name, decode = decoder(content_type, "A manifest")
    try:
        manifest: Manifest = decode(body, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(error, body, name, decode) from None
    return manifest


def decoder(content_type: str, what: str) -> tuple[str, Callable[..., Any]]:
    """The name of the encoding that a content type says (JSON where it is empty), and what decodes it. `what` names the
    document in the error. Raises BadRequest for any other."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("", "application/json") or kind.endswith("+json"):
        return "JSON", msgspec.json.decode
    if kind in ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack"):
        return "MessagePack", msgspec.msgpack.decode
    raise BadRequest(
        f"{what} cannot be read as {shown(kind)}",
        'Send "application/json" or "application/msgpack" as Content-Type.',
    )


def _explained(error: Exception, body: bytes, name: str, decode: Callable[..., Any]) -> BadRequest | InvalidInput:
    report = Report()
    try:
        raw = decode(body)
    except msgspec.ValidationError:
        # Well formed, but with a number that nothing can hold; what the first try has said knows where.
        raw = msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as syntax:
        return syntax_error(syntax, "The manifest", name, _SCHEMA_HINT)
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        # What a newer schema means by its fields is not known here.
        report.add("schema_version", *unsupported_version(version))
    elif raw is not msgspec.UNSET:
        check_shape(raw, Manifest, report)
    if report.clean and isinstance(error, msgspec.ValidationError):
        first_problem(error, report)
    problems = report.problems()
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return InvalidInput(f"The manifest has {count}", _SCHEMA_HINT, problems)


def unsupported_version(version: int) -> tuple[str, str]:
    """Message and hint for a schema version that this program does not know."""
    return (
        f"schema version {described(version)} is not supported; this server reads version {SCHEMA_VERSION}",
        "Use a newer server, or an SDK of this server's version.",
    )


def syntax_error(error: Exception, what: str, name: str, hint: str) -> BadRequest:
    """For `what` ("The manifest"), which is no well-formed `name` ("JSON"), as its decoder has said."""
    if isinstance(error, RecursionError):
        return BadRequest(f"{what}'s {name} is nested too deeply", hint)
    return BadRequest(f"{what} is not well-formed {name}: {_sentence(error)}", hint)


def _sentence(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "text that is not UTF-8"
    return str(error).removeprefix("JSON is malformed: ").removeprefix("MessagePack data is malformed: ")
