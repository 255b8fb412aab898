"""Frames between Gofer and a trigger, as docs/trigger-protocol.md has them: decoded, checked, encoded.

A frame is decoded in two steps: its head, which tells what it is, then the fields of its kind. What is in neither is
skipped without being built, so that a frame takes no more memory than what is wanted of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from gofer.models.ids import shown
from gofer.models.trigger import TriggerInfo
from gofer.server.triggers.contract import Fire

PROTOCOL = 1
MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Of a frame that passes on an external event."""
MAX_DEPTH = 32
MAX_VARIABLES_BYTES = 256 * 1024
MAX_NUMBER = 2**53 - 1

_LONGEST_DETAIL = 2_000
_LONGEST_MESSAGE = 16_384
_MOST_FIELDS = 100
_MOST_EVENTS = 100
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
Level = Literal["debug", "info", "warning", "error"]

T = TypeVar("T")


class NoFrame(Exception):
    """What came is no frame: the connection ends with the code 4400. `reason` is a sentence without what came."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Invalid(Exception):
    """A request whose fields are not what its kind has: answered with the error `invalid`."""


class Error(msgspec.Struct, frozen=True):
    """Why a request was not done."""

    code: str
    message: str


class _Head(msgspec.Struct, frozen=True):
    id: Number | None = None
    kind: str | None = None
    re: Number | None = None
    error: Error | None = None


class Asked(NamedTuple):
    """A request, or a notice where `id` is None. `raw` is the whole frame."""

    kind: str
    id: int | None
    raw: bytes


class Answered(NamedTuple):
    """A reply to the request `re`, or the error that it ended with."""

    re: int
    error: Error | None
    raw: bytes


class Hello(msgspec.Struct, frozen=True):
    """The fields of `hello`."""

    protocol: int
    name: str
    program: str = ""


class Log(msgspec.Struct, frozen=True):
    """The fields of `log`."""

    message: str
    level: Level = "info"


_HEADS = msgspec.msgpack.Decoder(_Head)
_MAPS = msgspec.msgpack.Decoder(dict[str, Any])
_ENCODER = msgspec.msgpack.Encoder()


def decode(data: bytes | None, limit: int) -> Asked | Answered:
    """What a message is; None for a text message. Raises NoFrame."""
    if data is None:
        raise NoFrame("A text message came: frames are binary messages.")
    if len(data) > limit:
        raise NoFrame(f"A frame of {len(data)} bytes came: it may have {limit}.")
    try:
        head = _HEADS.decode(data)
    except (ValueError, RecursionError) as error:
        raise NoFrame(f"What came is no frame: {_words(error)}.") from None
    if head.re is not None and head.kind is None:
        return Answered(head.re, head.error, data)
    if head.kind is None or head.re is not None:
        raise NoFrame("What came is no frame: it has neither a `kind` nor a `re`, or both.")
    return Asked(head.kind, head.id, data)


def encode(fields: Mapping[str, Any], **head: Any) -> bytes:
    """A frame. Raises Invalid for fields that no frame can hold, as a number of more than 64 bits."""
    try:
        return _ENCODER.encode({**fields, **head})
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Invalid(f"The fields cannot be sent: {_words(error)}.") from None


def reply(to: int, fields: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """The reply to the request of that id."""
    return encode(msgspec.structs.asdict(fields) if isinstance(fields, msgspec.Struct) else fields, re=to)


def refusal(to: int, code: str, message: str) -> bytes:
    """The error that the request of that id ends with."""
    return encode({"error": {"code": code, "message": message}}, re=to)


def answer_of(frame: Answered) -> dict[str, Any]:
    """The fields of a reply. Raises NoFrame for what nobody may send in one."""
    try:
        fields = _MAPS.decode(frame.raw)
    except (ValueError, RecursionError) as error:
        raise NoFrame(f"A reply is no frame: {_words(error)}.") from None
    fields.pop("re", None)
    _check_plain(fields)
    return fields


def hello_of(frame: Asked) -> Hello:
    """Raises Invalid."""
    return _typed(frame.raw, Hello)


def log_of(frame: Asked) -> Log:
    """A message cut to what a log takes. Raises Invalid."""
    found = _typed(frame.raw, Log)
    return msgspec.structs.replace(found, message=found.message[:_LONGEST_MESSAGE])


def fire_of(frame: Asked) -> Fire:
    """Raises Invalid, which says which field is wrong."""
    fire = _typed(frame.raw, Fire)
    if not 1 <= len(fire.event) <= 200:
        raise Invalid(f"`event` has {len(fire.event)} characters: it needs 1 to 200.")
    if fire.subscription is None and fire.outcome == "start":
        raise Invalid("`subscription` is missing: without one `outcome` must not be `start`.")
    if fire.occurred_at is not None and not 0 <= fire.occurred_at <= MAX_NUMBER:
        raise Invalid("`occurred_at` is no time: it needs milliseconds since the Unix epoch.")
    _check_variables(fire.variables)
    return msgspec.structs.replace(fire, detail=fire.detail[:_LONGEST_DETAIL])


def info_of(fields: Mapping[str, Any]) -> TriggerInfo:
    """The reply to `info`. Raises Invalid."""
    try:
        info = msgspec.convert(fields, TriggerInfo)
    except ValueError as error:
        raise Invalid(_words(error)) from None
    every = (*info.settings, *info.subscription_settings)
    if len(every) > _MOST_FIELDS or len(info.events) > _MOST_EVENTS:
        raise Invalid(f"it lists more than {_MOST_FIELDS} fields, or more than {_MOST_EVENTS} events")
    for field in every:
        if not _VARIABLE.match(field.name) or len(field.name) > 64:
            raise Invalid(f"{shown(field.name, 40)} is no name of a setting")
    info.description = info.description[:500]
    info.version = info.version[:100]
    return info


def _typed(raw: bytes, shape: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(raw, type=shape)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The fields are not those of this kind: {_words(error)}.") from None


def _check_variables(variables: Mapping[str, str]) -> None:
    size = 0
    for name, value in variables.items():
        if not _VARIABLE.match(name) or len(name) > 128:
            raise Invalid(f"`variables`: {shown(name, 40)} is no name of a variable.")
        if name.startswith("GOFER_"):
            raise Invalid(f"`variables`: {shown(name, 40)} begins with GOFER_, which is for Gofer's own.")
        if "\0" in value:
            raise Invalid(f"`variables`: the value of {shown(name, 40)} has a NUL character.")
        size += len(name.encode()) + len(value.encode())
    if size > MAX_VARIABLES_BYTES:
        raise Invalid(f"`variables` have {size} bytes together: they may have {MAX_VARIABLES_BYTES}.")


def _check_plain(value: Any) -> None:
    """Raises NoFrame for what a frame must not have. Without recursion, as the sender decides how deep it is."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                if any(type(key) is not str for key in one):
                    raise NoFrame("A reply has a map with keys that are no texts.")
                below += one.values()
            elif isinstance(one, list | tuple):
                below += one
            elif one is not None and not isinstance(one, bool | int | float | str | bytes):
                raise NoFrame("A reply has a value of a kind that frames do not have.")
        if not below:
            return
        level = below
    raise NoFrame(f"A reply has maps or lists that lie more than {MAX_DEPTH} deep.")


def _words(error: BaseException) -> str:
    """What the decoder says, without a byte of what it was given."""
    if isinstance(error, UnicodeError):
        return "a text in it is not UTF-8"
    return str(error)[:200]
