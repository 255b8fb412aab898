"""Who may have a pipeline started by which trigger."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from gofer.errors import NotFound
from gofer.server.auth.caller import Caller
from gofer.server.auth.escalate import check_hears_of_runs
from gofer.server.services import Services


async def check_triggers(caller: Caller, services: Services, namespace: str, triggers: Collection[str]) -> None:
    """Whether the caller may have a pipeline of that namespace started by those. Raises Refused."""
    if caller.may_everything:
        return
    for name in triggers:
        with suppress(NotFound):  # which is told of elsewhere
            if (await services.triggers.get(name)).info.events:
                check_hears_of_runs(caller, namespace, name)
