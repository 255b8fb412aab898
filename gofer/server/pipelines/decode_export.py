"""From the bytes of a request to the document of an exported pipeline."""

from __future__ import annotations

from typing import Any

import msgspec

from gofer.errors import BadRequest, InvalidInput
from gofer.models.export import FORMAT, FORMAT_VERSION, ExportedPipeline
from gofer.server.pipelines.decode import decoder, syntax_error
from gofer.server.pipelines.parameters import described
from gofer.server.pipelines.report import Report
from gofer.server.pipelines.shapes import check_shape, first_problem

_WHAT = "The export"
_HINT = "An export is what `gofer pipeline export ID` prints. A manifest is registered: gofer pipeline create PATH."


def decode_export(body: bytes, content_type: str) -> ExportedPipeline:
    """The document that a body holds, JSON or MessagePack as its content type says (JSON where that is empty).

    Raises BadRequest if it is not well formed; InvalidInput if it is something else than an export, one of a newer
    format, or lists every unknown, missing and ill-typed field. Nothing else is checked here: see `check_export`.
    """
    name, decode = decoder(content_type, "An export")
    try:
        document: ExportedPipeline = decode(body, type=ExportedPipeline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(error, body, name, decode) from None
    report = Report()
    _check_format(document.format, document.format_version, report)
    if not report.clean:
        raise _invalid(report)
    return document


def _explained(error: Exception, body: bytes, name: str, decode: Any) -> BadRequest | InvalidInput:
    report = Report()
    try:
        raw = decode(body)
    except msgspec.ValidationError:
        # Well formed, but with a number that nothing can hold; what the first try has said knows where.
        raw = msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as syntax:
        return syntax_error(syntax, _WHAT, name, _HINT)
    if isinstance(raw, dict):
        _check_format(raw.get("format"), raw.get("format_version", FORMAT_VERSION), report)
    if report.clean and raw is not msgspec.UNSET:
        # What a newer format means by its fields is not known here.
        check_shape(raw, ExportedPipeline, report)
    if report.clean and isinstance(error, msgspec.ValidationError):
        first_problem(error, report)
    return _invalid(report)


def _check_format(form: object, version: object, report: Report) -> None:
    if form != FORMAT:
        came = described(form) if isinstance(form, str | int | float) else "nothing of that kind"
        report.add("format", f'this is no export of a pipeline: expected "{FORMAT}", came {came}', _HINT)
    elif isinstance(version, int) and version != FORMAT_VERSION:
        message = f"format version {version} is not supported; this server reads version {FORMAT_VERSION}"
        report.add("format_version", message, "Import it into a server of the version that has exported it, or newer.")


def _invalid(report: Report) -> InvalidInput:
    problems = report.problems()
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return InvalidInput(f"{_WHAT} has {count}; nothing was imported", problems[0].hint or _HINT, problems)
