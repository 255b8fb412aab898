"""What can go wrong between a trigger and Gofer."""

from __future__ import annotations


class TriggerError(Exception):
    """The root of this package's exceptions."""


class InvalidSettings(TriggerError):
    """The settings of the installation are wrong: the message is for the administrator."""


class Refused(TriggerError):
    """A subscription is not taken: the message is for the pipeline's author."""


class Unavailable(TriggerError):
    """What was asked for cannot be done now, but may be later. Any handler may raise it."""


class NotFired(TriggerError):
    """An event was not taken, for good: telling it again would not help.

    `code` is the protocol's code of the error (`invalid`, `unknown_subscription`, `failed`), or `dropped` where too
    many events waited for Gofer, or `shutdown` where the trigger is ending.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProtocolError(TriggerError):
    """What came is no frame, or not one that may come here; the message says why."""


class PeerError(TriggerError):
    """The other side answered a request with an error: `code` as the protocol has it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LinkLost(TriggerError):
    """The connection ended before the reply came."""
