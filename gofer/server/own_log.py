"""Gofer's own log: one line a message, on stderr, and the newest of them in memory for those who ask the API.

What Gofer says with `get_logger`, and what libraries say with the standard library's logging, comes out alike.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Literal, NamedTuple, TextIO, cast

from gofer.models.own_log import Level, OwnLogLine
from gofer.server.correlation import origin
from gofer.server.own_log_ring import Ring

# structlog's printer for consoles, not used here, would load rich: slower to load than all the rest of the log.
_RICH = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _RICH is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _RICH

Format = Literal["text", "json"]

_LEVELS: dict[str, Level] = {"debug": "debug", "info": "info", "warning": "warning", "error": "error"}
_LONGEST_VALUE = 32_768
_SECRET_NAMES = ("token", "password", "secret", "authorization", "credential")
# What uvicorn says of a websocket that was refused with an HTTP answer, as ASGI has it; and of an answer that was
# broken off, for which Gofer has told the reason.
_NO_FAULTS = frozenset(f"ASGI callable returned without completing {what}." for what in ("handshake", "response"))
_HIDDEN = "***"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+,@#%~*()[]<>;!?'&|$^{}")


def get_logger(name: str) -> Any:
    """A logger that takes `event, **fields`; import it from here, not from structlog."""
    return structlog.get_logger(name)


class OwnLog:
    """Where every line goes. `ring` holds the newest ones.

    `prefix` makes what stands before a line of a level (the journal's priorities). `mask` is applied to every text
    before anybody may see it: what knows the values of secrets sets it.
    """

    def __init__(
        self, stream: IO[str] | None = None, form: Format = "text", prefix: Callable[[Level], str] = lambda _: ""
    ) -> None:
        """`stream` None: only the ring."""
        self.ring = Ring()
        self.mask: Callable[[str], str] = lambda text: text
        self._stream = stream
        self._render = _text if form == "text" else _json
        self._prefix = prefix

    def add(self, level: str, logger: str, event: str, fields: Mapping[str, object]) -> None:
        """Write one line. Never raises: a log that cannot be written must not end what it tells of."""
        shown = {name: self._shown(name, value) for name, value in fields.items()}
        bound = origin()
        if bound.correlation_id:
            shown.setdefault("correlation_id", bound.correlation_id)
        if bound.run:
            shown.setdefault("run", bound.run)
        at = time.time_ns() // 1_000_000
        line = self.ring.add(at, _LEVELS.get(level, "error"), logger, _encodable(self.mask(event)), shown)
        if self._stream is not None:
            try:
                self._stream.write(self._prefix(line.level) + self._render(line) + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                return

    def _shown(self, name: str, value: object) -> str:
        if any(word in name.lower() for word in _SECRET_NAMES):
            return _HIDDEN
        if isinstance(value, bool):
            return str(value).lower()
        return _encodable(self.mask(str(value)))[:_LONGEST_VALUE]


def set_up(level: str, form: Format = "text", prefix: Callable[[Level], str] = lambda _: "") -> OwnLog:
    """Called once by the process that serves. `level`: debug, info, warning or error. `prefix` as for OwnLog.

    What else Python writes to stderr from now on, the traces of crashes above all, passes `mask` too.
    """
    log = OwnLog(sys.stderr, form, prefix)
    sys.stderr = cast(TextIO, _MaskedStream(sys.stderr, log))
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(_Handler(log))
    logging.captureWarnings(True)

    def write(speaker: _Speaker, method: str, event: structlog.typing.EventDict) -> str:
        fields = dict(structlog.processors.format_exc_info(None, method, event))
        log.add(method, speaker.name, str(fields.pop("event", "")), fields)
        raise structlog.DropEvent

    structlog.configure(processors=[write], logger_factory=_Speaker)
    set_level(level)
    return log


def set_level(level: str) -> None:
    """Say as much as `level` says, from now on. Libraries say less: the traffic of theirs is nobody's news."""
    number = logging.getLevelName(level.upper())
    logging.getLogger().setLevel(max(number, logging.WARNING) if number > logging.DEBUG else logging.INFO)
    logging.getLogger("gofer").setLevel(number)
    # Not cached on first use, so that every logger there is hears of it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number), cache_logger_on_first_use=False)


def says_debug() -> bool:
    """Whether lines of level debug are written: for those who would have to make many of them."""
    return logging.getLogger("gofer").isEnabledFor(logging.DEBUG)


class _MaskedStream:
    """Writes to another stream what the mask of the log leaves. A trace comes in pieces, none of which cuts a value."""

    def __init__(self, stream: IO[str], log: OwnLog) -> None:
        self._stream = stream
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._stream.write(self._log.mask(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))


class _Speaker(NamedTuple):
    """What structlog wraps; the line is written before it would be asked to."""

    name: str = "gofer"


def _is_cancelled(record: logging.LogRecord) -> bool:
    """Whether it shows where a request was when the server had to stop: how many there were is told already."""
    return record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)


class _Handler(logging.Handler):
    """Takes what libraries log."""

    def __init__(self, log: OwnLog) -> None:
        super().__init__()
        self._log = log
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg in _NO_FAULTS or _is_cancelled(record):
            return
        fields: dict[str, object] = {}
        if record.exc_info:
            fields["exception"] = self._formatter.formatException(record.exc_info)
        try:
            event = record.getMessage()
        except Exception:
            event = str(record.msg)
        level = "error" if record.levelno >= logging.ERROR else logging.getLevelName(record.levelno).lower()
        self._log.add(level, record.name, event, fields)


def _encodable(text: str) -> str:
    """The name of a file may hold bytes that are no text; Python keeps them as halves of characters."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _text(line: OwnLogLine) -> str:
    """logfmt: `name=value`, values in quotes where they need them."""
    head = {"timestamp": _time(line.at), "level": line.level, "event": line.event, "logger": line.logger}
    return " ".join(f"{name}={_value(value)}" for name, value in {**head, **line.fields}.items())


def _value(text: str) -> str:
    if text and _PLAIN.issuperset(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    # A terminal obeys what it is sent: nothing of that leaves here.
    return quoted if quoted.isprintable() else json.dumps(text).replace("\x7f", "\\u007f")


def _json(line: OwnLogLine) -> str:
    head = {"timestamp": _time(line.at), "level": line.level, "event": line.event, "logger": line.logger}
    # The head stands first, and a field of the same name does not replace it.
    return json.dumps({**head, **line.fields, **head}, ensure_ascii=True)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
