"""Every exception Gofer raises on purpose: a message that says what happened, a hint that says what to do next."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with an input.

    `place` is a path into the input, such as `tasks[2].depends_on[0].task`; `message` says what was expected and
    what came; `hint` says how to mend it.
    """

    place: str
    message: str
    hint: str = ""


class GoferError(Exception):
    """Base of all. `status` is the HTTP status the API answers with; `title` is its short, constant name."""

    status = 500
    title = "Internal error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(GoferError):
    """The input is malformed or breaks a rule; `problems` lists every fault that was found, each with its place."""

    status = 422
    title = "Invalid input"

    def __init__(self, message: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, hint)
        self.problems = list(problems)


class BadRequest(GoferError):
    """The request itself cannot be understood (syntax, encoding, an unknown field)."""

    status = 400
    title = "Bad request"


class NotAuthenticated(GoferError):
    """The request brings no token where one is needed, or one that is not (or no longer) good."""

    status = 401
    title = "Not authenticated"


class NotFound(GoferError):
    """The thing that was named does not exist."""

    status = 404
    title = "Not found"


class Replaced(NotFound):
    """It was there a moment ago, and something else is in its place now: to look again finds that."""


class Conflict(GoferError):
    """The request is well formed, but the present state of what it names forbids it."""

    status = 409
    title = "Conflict"


class Gone(GoferError):
    """It existed and is not there any more, such as a log that has expired."""

    status = 410
    title = "Gone"


class TooLarge(GoferError):
    """A body, frame or value is over its limit."""

    status = 413
    title = "Too large"


class TooManyRequests(GoferError):
    """The caller asks for more at once, or more often, than one may. `retry_after`: seconds until it may try again."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, hint: str = "", *, retry_after: int) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class Refused(GoferError):
    """The server's configuration, or the caller's token, does not allow it."""

    status = 403
    title = "Refused"


class Unavailable(GoferError):
    """Something Gofer needs does not answer now; nothing was changed and the same request may work later."""

    status = 503
    title = "Unavailable"


class StoreFull(Unavailable):
    """The disk under the database or the logs is full."""

    title = "Disk full"


class StoreBusy(Unavailable):
    """Another process holds the database's lock for longer than Gofer waits."""

    title = "Database locked"


class EngineUnavailable(Unavailable):
    """The container engine does not answer. What runs in it may well go on; ask again when it is back."""

    title = "Container engine unavailable"


class StartFailed(GoferError):
    """The engine refused to create or start one container, for good. `reason` is a `models.status.Reason` value."""

    title = "Container could not be started"

    def __init__(self, message: str, hint: str = "", *, reason: str) -> None:
        super().__init__(message, hint)
        self.reason = reason


class InvalidArchive(GoferError):
    """A backup that is damaged, broken off, not one of Gofer's, or newer than this program; or files packed as a tar
    archive that is damaged, or holds what nobody should unpack."""

    status = 422
    title = "Invalid archive"


class ConfigError(GoferError):
    """A setting is unknown, ill-typed or impossible; stops the start with one line."""

    title = "Configuration error"

    @classmethod
    def of(cls, problem: Problem) -> ConfigError:
        """The error that a problem of the configuration stands for."""
        return cls(f"{problem.place}: {problem.message}", problem.hint)


class ClientError(GoferError):
    """The server answered a request of the command line or the SDK with an error, or could not be reached.

    `problem_status` is the HTTP status (0 when no answer came); `problems` as in `InvalidInput`. `request_id` is what
    the server's own log has about the request.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        problem_status: int = 0,
        title: str = "",
        problems: Sequence[Problem] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.problem_status = problem_status
        self.problem_title = title
        self.request_id = request_id
        self.problems = list(problems)
