"""Collects problems with their places."""

from __future__ import annotations

import re

from gofer.errors import Problem
from gofer.models.ids import shown

# More would help nobody, and a small body could ask for a huge answer.
MAX_PROBLEMS = 1_000

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}\Z")


class Report:
    """Everything that is wrong with one input; counts on silently after `MAX_PROBLEMS`."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._further = 0

    @property
    def clean(self) -> bool:
        return not self._problems

    def add(self, place: str, message: str, hint: str = "") -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(place=place, message=message, hint=hint))
        else:
            self._further += 1

    def problems(self) -> list[Problem]:
        """What was added, in that order; the last one tells how many more there are where they are too many."""
        if not self._further:
            return list(self._problems)
        more = Problem(place="", message=f"{self._further} further problems are not shown", hint="Mend these first.")
        return [*self._problems, more]


class Scope:
    """A part of the input: its place, and its name for people, with which every message begins."""

    def __init__(self, report: Report, place: str, subject: str) -> None:
        self._report = report
        self._place = place
        self._subject = subject

    def add(self, inner: str, message: str, hint: str = "") -> None:
        """`inner` is the path from the part on, such as `.image` or `.depends_on[2]`."""
        self._report.add(self._place + inner, f"{self._subject}: {message}" if self._subject else message, hint)


def at_key(key: str) -> str:
    """The step of a place into an object: `.key`, or `["key"]` for one that is no plain word."""
    return f".{key}" if _PLAIN_KEY.match(key) else f"[{shown(key, 40)}]"
