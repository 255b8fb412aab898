"""Whether the triggers do what they are there for."""

from __future__ import annotations

from gofer.checkup.finding import Level, found
from gofer.models.system import Check
from gofer.server.services import Services
from gofer.server.triggers.keeper import Keeper

_SHOWN = 3


async def triggers(services: Services) -> Check:
    """Those that are enabled, and do not run."""
    every = list(services.triggers.supervisor)
    ill = [one for one in every if one.state in ("failed", "waiting") or one.is_late]
    if not ill:
        count = "No trigger is enabled." if not every else f"{len(every)} triggers are enabled, and all run."
        return found("triggers", "ok", "1 trigger is enabled, and runs." if len(every) == 1 else count)
    names = "; ".join(_told(one) for one in ill[:_SHOWN]) + (
        f"; and {len(ill) - _SHOWN} more" if len(ill) > _SHOWN else ""
    )
    hint = ill[0].hint or f"See why: gofer trigger get {ill[0].name}, gofer trigger logs {ill[0].name}."
    # What has failed is started by nobody.
    level: Level = "error" if any(one.state == "failed" for one in ill) else "warning"
    return found("triggers", level, f"Nothing starts by {names}.", hint)


def _told(keeper: Keeper) -> str:
    return f"{keeper.name} ({keeper.state}: {keeper.detail or 'it has not dialled in'})"
