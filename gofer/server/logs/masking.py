"""What a writer of a masked log needs beside the rest: a masker for each stream, and the log's side file."""

from __future__ import annotations

from pathlib import Path

from gofer.engines.scheduler.base import Position
from gofer.server.logs import mask_steps
from gofer.server.logs.mask import HIDDEN, Masks, Step, StreamMasker
from gofer.server.logs.mask_steps import Entry
from gofer.server.logs.record import STDERR, STDOUT, Mark

_BOTH = (STDOUT, STDERR)
_REPEAT_AFTER = 1024


def needs_masking(log: Path) -> bool:
    """Whether something was hidden in this log before, so that its bytes are not those of the source. Blocks."""
    return log.with_suffix(mask_steps.SUFFIX).exists()


class Masking:
    """Of one open log file; `end` is where that ends. The constructor reads the side file. Raises OSError."""

    def __init__(self, log: Path, masks: Masks, end: Mark) -> None:
        self._path = log.with_suffix(mask_steps.SUFFIX)
        ends = (end.stdout_bytes, end.stderr_bytes)
        steps = mask_steps.last_steps(self._path, ends)
        self._maskers = [StreamMasker(masks, step, out) for step, out in zip(steps, ends, strict=True)]
        # Steps that places in the log may still be told by: the last one that is passed, and all behind it.
        self._steps = [[step] for step in steps]
        self._unsaved: list[Entry] = []
        self._since = [0, 0]
        if self._path.exists():
            # Entries whose records were lost stand in the file: these, behind them, count.
            self._unsaved = [Entry(stream, steps[stream]) for stream in _BOTH]

    def protect(self, masks: Masks) -> None:
        """From now on hide these."""
        for masker in self._maskers:
            masker.masks = masks

    def feed(self, stream: int, data: bytes) -> bytes:
        """What may be written of the stream, now that `data` came."""
        masker = self._maskers[stream]
        out = masker.feed(data)
        if masker.steps:
            self._collect(stream)
        return out

    def flush(self, stream: int) -> bytes:
        """What may be written of the stream, now that it has ended."""
        out = self._maskers[stream].flush()
        self._collect(stream)
        return out

    def restart(self) -> None:
        """What was held back will come again: `position` says from where."""
        for masker in self._maskers:
            masker.restart()

    def position(self, mark: Mark) -> Position:
        """What of each stream of the source need not come again when the log ends at `mark`."""
        return Position(self._source(STDOUT, mark.stdout_bytes), self._source(STDERR, mark.stderr_bytes))

    def save(self, mark: Mark) -> None:
        """Call before anything up to `mark` is written. Raises OSError; then call again."""
        if not self._unsaved:
            return
        mask_steps.append(self._path, self._unsaved)
        self._unsaved = []
        for stream, out in zip(_BOTH, (mark.stdout_bytes, mark.stderr_bytes), strict=True):
            steps = self._steps[stream]
            passed = sum(step.out <= out for step in steps)
            del steps[: max(0, passed - 1)]

    def _source(self, stream: int, out: int) -> int:
        masker = self._maskers[stream]
        if out == masker.out:
            return masker.source
        last = Step()
        for step in self._steps[stream]:
            if step.out > out:
                return min(last.source + out - last.out, last.source + step.out - len(HIDDEN) - last.out)
            last = step
        return last.source + out - last.out

    def _collect(self, stream: int) -> None:
        masker = self._maskers[stream]
        taken, masker.steps = masker.steps, []
        for step in taken:
            self._add(stream, step)
            self._since[1 - stream] += 1
            if self._since[1 - stream] >= _REPEAT_AFTER:
                # So that who looks for the last of each stream need not read far.
                self._add(1 - stream, self._steps[1 - stream][-1])

    def _add(self, stream: int, step: Step) -> None:
        self._since[stream] = 0
        steps = self._steps[stream]
        if steps[-1].out == step.out:
            steps[-1] = step
        else:
            steps.append(step)
        entry = Entry(stream, step)
        if self._unsaved and self._unsaved[-1].stream == stream and self._unsaved[-1].step.out == step.out:
            self._unsaved[-1] = entry
        else:
            self._unsaved.append(entry)
