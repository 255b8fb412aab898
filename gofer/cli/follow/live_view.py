"""A run in a terminal: the tasks stay at the bottom and move on, log lines scroll above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment, Segments
from rich.text import Text

from gofer.cli.follow.board import Board, Row
from gofer.cli.follow.wording import sentence, task_look
from gofer.cli.status import LOOKS, SYMBOLS, why
from gofer.cli.terminal import log_line, paint, plain
from gofer.cli.times import now, took
from gofer.models.event import Event, Kind
from gofer.models.log import Line
from gofer.models.status import TaskStatus
from gofer.models.units import format_duration

_BAR = 24
_MOST_WAITING = 4000
_DEEPEST = 6
_TOLD = frozenset({Kind.TASKRUN_RETRYING, Kind.RUN_CANCELLING, Kind.IMAGE_PULLING})
_URGENCY = {
    TaskStatus.RUNNING: 0,
    TaskStatus.STARTING: 0,
    TaskStatus.FAILED: 1,
    TaskStatus.QUEUED: 2,
    TaskStatus.WAITING: 3,
    TaskStatus.CANCELLED: 4,
    TaskStatus.SUCCESSFUL: 5,
    TaskStatus.SKIPPED: 6,
}


class LiveView:
    """Log lines are gathered and printed with the next refresh, so that a flood of them costs little."""

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, no_color=not color)
        self._live: Live | None = None
        self._board: Board | None = None
        self._waiting: list[str] = []

    def open(self, board: Board) -> None:
        """Takes the lower part of the terminal."""
        self._board = board
        self._live = Live(
            _Region(board, self._color), console=self._console, auto_refresh=False, vertical_overflow="crop"
        )
        self._live.start(refresh=True)

    def event(self, event: Event) -> None:
        """Only what the rows do not show well is printed above them."""
        assert self._board is not None
        failed = event.kind == Kind.TASKRUN_ENDED and event.data.get("status") == "failed"
        if failed or event.kind in _TOLD:
            who = f"{event.task}: " if event.task else f"run #{event.run}: "
            text = f"== {who}{sentence(self._board, event)}"
            self._add([paint(text, "red" if failed else "yellow") if self._color else text])

    def lines(self, task: str, attempt: int, lines: Sequence[Line]) -> None:
        """Each with its task before it, in the task's colour."""
        prefix = paint(f"{task} │", task_look(task)) if self._color else f"{task} │"
        self._add([f"{prefix} {log_line(line.text, colors=self._color)}" for line in lines])

    def remark(self, text: str) -> None:
        """Above the rows."""
        self._add([paint(f"== {plain(text)}", "yellow") if self._color else f"== {plain(text)}"])

    def refresh(self) -> None:
        """Print what was gathered, and the rows as they are now."""
        if self._live is None:
            return
        self._flush()
        self._live.refresh()

    def close(self) -> None:
        """The rows stay as they are now."""
        if self._live is not None:
            self._flush()
            self._live.refresh()
            self._live.stop()
            self._live = None

    def _add(self, lines: list[str]) -> None:
        self._waiting += lines
        if len(self._waiting) > _MOST_WAITING:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            # One ready-made segment: no wrapping and no markup is looked for in what a container printed.
            text = "\n".join(self._waiting)
            self._waiting = []
            self._console.print(Segments([Segment(text), Segment.line()]), end="")


class _Region:
    """The rows and the progress below them, as high as the terminal allows."""

    def __init__(self, board: Board, color: bool) -> None:
        self._board = board
        self._color = color

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = list(self._board.rows.values())
        room = max(options.size.height // 2, 3) if len(rows) + 2 > options.size.height // 2 else len(rows)
        shown = _most_urgent(rows, room)
        widest = max((_indent(row) + len(row.task.id) for row in shown), default=0)
        for row in shown:
            yield self._cut(_row_text(row, widest), options.max_width)
        if len(shown) < len(rows):
            yield self._cut(_rest(rows, shown), options.max_width)
        yield self._cut(self._progress(), options.max_width)

    def _cut(self, text: Text, width: int) -> Text:
        text.no_wrap, text.overflow = True, "ellipsis"
        text.truncate(width, overflow="ellipsis")
        return text

    def _progress(self) -> Text:
        run, total, done = self._board.run, len(self._board.rows), self._board.done
        filled = _BAR * done // total if total else _BAR
        text = Text()
        text.append(f"{SYMBOLS.get(run.status, '?')} {run.pipeline} #{run.id} ", style="bold")
        text.append("cancelling" if run.cancel_requested_at and not run.status.ended else run.status, LOOKS[run.status])
        text.append("  " + "━" * filled, style=LOOKS[run.status] if run.status.ended else "green")
        text.append("─" * (_BAR - filled), style="dim")
        text.append(f"  {done}/{total}  {took(run.started_at, run.ended_at)}")
        return text


def _row_text(row: Row, widest: int) -> Text:
    task, look = row.task, LOOKS[row.task.status]
    text = Text(" " * _indent(row))
    text.append(SYMBOLS[task.status], style=look)
    text.append(f" {task.id}".ljust(widest - _indent(row) + 2))
    text.append(f" {task.status:<10} ", style=look)
    text.append(f"{took(task.started_at, task.ended_at):>7}")
    if task.attempt > 1:
        text.append(f"  attempt {task.attempt}", style="yellow")
    if task.next_attempt_at is not None and task.status is TaskStatus.QUEUED:
        text.append(f"  next attempt in {format_duration(max(task.next_attempt_at - now(), 0))}", style="yellow")
    note = row.note or ("" if task.status is TaskStatus.SUCCESSFUL else why(task.reason, task.detail))
    if note:
        text.append(f"  {note}", style="dim")
    return text


def _indent(row: Row) -> int:
    return 2 * min(row.depth, _DEEPEST)


def _most_urgent(rows: list[Row], room: int) -> list[Row]:
    """The `room` rows that a person wants to see most, in the order of the graph."""
    if len(rows) <= room:
        return rows
    order = sorted(range(len(rows)), key=lambda i: (_URGENCY[rows[i].task.status], i))
    return [rows[i] for i in sorted(order[:room])]


def _rest(rows: list[Row], shown: list[Row]) -> Text:
    counts = Counter(row.task.status for row in rows)
    counts.subtract(row.task.status for row in shown)
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    return Text(f"  … {len(rows) - len(shown)} more: {', '.join(parts)}", style="dim")
