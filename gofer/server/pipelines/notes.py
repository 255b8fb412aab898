"""What people write beside a version or a deployment, for those who read it later."""

from __future__ import annotations

from gofer.errors import InvalidInput
from gofer.server.pipelines import bounds
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.characters import check_text
from gofer.server.pipelines.rules.values import check_block


def require_notes(text: str, place: str = "notes") -> None:
    """Text of any lines, no longer than a description. Raises InvalidInput that names `place`."""
    report = Report()
    check_block(Scope(report, "", ""), place, text, bounds.MAX_DESCRIPTION)
    check_text(place, text, report)
    problems = report.problems()
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.place} {first.message}", first.hint, problems)
