"""Asking triggers before anything is stored: would they take these subscriptions?"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from gofer.errors import GoferError, InvalidInput, Problem
from gofer.models.ids import shown
from gofer.server.pipelines.subscriptions import Asked
from gofer.server.store import subscriptions
from gofer.server.store.database import Database
from gofer.server.triggers.contract import Session, Sessions, TriggerRefused
from gofer.server.triggers.reveal import Revealer, Unrevealed

_AT_ONCE = 16
_LONGEST = 1_000
_REFUSALS = ("refused", "invalid", "invalid_settings")


class _Answer(NamedTuple):
    problem: Problem | None = None
    warnings: Sequence[str] = ()


class Checker:
    """Asks those that are connected."""

    def __init__(self, database: Database, sessions: Sessions, revealer: Revealer) -> None:
        self._database = database
        self._sessions = sessions
        self._revealer = revealer

    async def check(self, namespace: str, pipeline: str, asked: Sequence[Asked]) -> list[str]:
        """See `pipelines.subscriptions.Asking`."""
        names = {one.subscription.trigger for one in asked}

        def look(connection: sqlite3.Connection) -> dict[str, bool | None]:
            return {name: subscriptions.is_enabled(connection, name) for name in names}

        enabled = await self._database.read(look)
        window = asyncio.Semaphore(_AT_ONCE)

        async def one_by_one(one: Asked) -> _Answer:
            async with window:
                return await self._ask(namespace, pipeline, one, enabled[one.subscription.trigger])

        answers = await asyncio.gather(*map(one_by_one, asked))
        problems = [answer.problem for answer in answers if answer.problem is not None]
        if problems:
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            raise InvalidInput(f"The subscriptions have {count}, say their triggers", problems[0].hint, problems)
        return [warning for answer in answers for warning in answer.warnings]

    async def _ask(self, namespace: str, pipeline: str, one: Asked, enabled: bool | None) -> _Answer:
        label, trigger = one.subscription.label, one.subscription.trigger
        subject = f"subscription {shown(label)}"
        if enabled is None:
            message = f"{subject}: the trigger {shown(trigger)} is not installed"
            hint = (
                f"See what is there with: gofer trigger list. An administrator installs it: "
                f"gofer trigger install {trigger} IMAGE (or builtin:NAME)."
            )
            return _Answer(Problem(place=f"{one.place}.trigger".removeprefix("."), message=message, hint=hint))
        session = self._sessions.find(trigger)
        if not enabled or session is None:
            why = "is not connected now" if enabled else "is disabled"
            return _Answer(warnings=[f"{subject}: the trigger {shown(trigger)} {why}; it is told when it comes back."])
        try:
            settings, masks = await self._revealer.settings(namespace, pipeline, one.subscription.settings)
        except Unrevealed as error:
            told = f"{subject}: {error.message}, so it does nothing yet. {error.hint}"
            return _Answer(warnings=[told])
        except GoferError as error:
            return _Answer(warnings=[f"{subject}: could not be checked: {error.message}"])
        fields = {"namespace": namespace, "pipeline": pipeline, "label": label, "settings": settings}
        try:
            return _Answer(warnings=[f"{subject}: {masks.text(text)}" for text in await _asked(session, fields)])
        except TriggerRefused as error:
            if error.code not in _REFUSALS:
                return _Answer(warnings=[f"{subject}: could not be checked: {masks.text(error.message)}"])
            hint = f"So says the trigger {shown(trigger)}; its page tells what it takes."
            place = f"{one.place}.settings".removeprefix(".")
            return _Answer(Problem(place=place, message=f"{subject}: {masks.text(error.message)}", hint=hint))
        except GoferError as error:
            return _Answer(warnings=[f"{subject}: could not be checked: {error.message}"])


async def _asked(session: Session, fields: dict[str, Any]) -> list[str]:
    """Its warnings. Raises TriggerRefused or TriggerAway."""
    try:
        return warnings_of(await session.request("check", fields))
    except TriggerRefused as error:
        if error.code == "unknown_kind":
            return []  # it takes all
        raise


def warnings_of(reply: dict[str, Any]) -> list[str]:
    """What a trigger has to say of a subscription that it takes."""
    found = reply.get("warnings")
    return [str(one)[:_LONGEST] for one in found[:20]] if isinstance(found, list) else []
