"""How much one caller has under way at once."""

from __future__ import annotations

from collections.abc import Callable

from gofer.errors import TooManyRequests
from gofer.server.auth.caller import Caller
from gofer.server.limits.refusals import Reason, Refusals

_RETRY_AFTER = 5


class Callers:
    """Counts what callers have under way, each by its `key`. `limit` says how many that may be, `setting` is its name;
    `what` is counted, as people call it. Who brings no token is not counted: others may be behind the same name."""

    def __init__(self, what: str, setting: str, limit: Callable[[], int], refusals: Refusals, reason: Reason) -> None:
        self._what = what
        self._setting = setting
        self._limit = limit
        self._refusals = refusals
        self._reason: Reason = reason
        self._counts: dict[str, int] = {}

    def begin(self, caller: Caller) -> str:
        """One more; returns what to call `end` with. Raises TooManyRequests."""
        if not caller.token and caller.kind != "run":
            return ""
        key, limit = caller.key, self._limit()
        count = self._counts.get(key, 0)
        if count >= limit:
            self._refusals.note(self._reason)
            hint = f"Wait for one of them to end, or have server.{self._setting} raised."
            message = f"This token has {limit} {self._what} under way, and may not have more."
            raise TooManyRequests(message, hint, retry_after=_RETRY_AFTER)
        self._counts[key] = count + 1
        return key

    def end(self, key: str) -> None:
        """One less."""
        if not key:
            return
        left = self._counts[key] - 1
        if left:
            self._counts[key] = left
        else:
            del self._counts[key]
