"""What a plan looks like to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gofer.cli.apply.plan import Plan, Step
from gofer.cli.changes import Changes
from gofer.cli.terminal import paint, plain

if TYPE_CHECKING:
    from gofer.cli.output import Output

_LOOKS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}


def lines(output: Output, plan: Plan) -> Iterator[str]:
    """What is to be done, with what changes; then what stays."""
    for step in plan.to_do:
        sign, look = _LOOKS[step.action]
        line = f"{sign} {step.action} {step.pipeline}{_more(step)}"
        yield paint(line, look, "bold") if output.color else line
        if step.action == "update":
            yield from (f"    {line}" for line in Changes(step.changes, color=output.color).lines())
    same = [step.pipeline for step in plan.steps if step.action == "unchanged"]
    if same:
        yield f"= unchanged: {', '.join(same)}"
    extra = [step.pipeline for step in plan.steps if step.action == "extra"]
    if extra:
        yield f"? not in the folder: {', '.join(extra)} (--prune deletes)"
    yield summary(plan)


def summary(plan: Plan) -> str:
    """How many of each."""
    counts = [(sum(step.action == action for step in plan.to_do), action) for action in _LOOKS]
    parts = [f"{count} to {action}" for count, action in counts if count]
    others = len(plan.steps) - len(plan.to_do)
    stay = {0: "", 1: "; 1 stays as it is"}.get(others, f"; {others} stay as they are")
    return f"Plan: {', '.join(parts) or 'nothing to do'}{stay}."


def _more(step: Step) -> str:
    if step.action == "delete":
        return f" with its {step.runs} run{'' if step.runs == 1 else 's'}, objects, secrets and logs"
    after = f", now version {step.from_version}" if step.action == "update" and step.from_version else ""
    return f" ({plain(step.path)}{after})"
