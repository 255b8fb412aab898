"""One container of the fake engine: takes its steps as far as it can, at once, and goes on when it is let."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gofer.engines.scheduler.base import Container, ContainerSpec, Exit
from gofer.engines.scheduler.fake_files import FakeFiles
from gofer.engines.scheduler.fake_output import Flood, Lines, Piece, Text
from gofer.engines.scheduler.fake_script import ENDLESS, Step
from gofer.errors import StartFailed
from gofer.models.log import Stream

_TERMINATED = 143
_KILLED = 137
_FLOOD = "all work and no play makes Jack a dull boy"


class FakeContainer:
    """`clock` gives nanoseconds since the epoch. `vanished` once it is to be forgotten."""

    def __init__(
        self, spec: ContainerSpec, steps: list[Step], image_digest: str, clock: Callable[[], int], files: FakeFiles
    ) -> None:
        self.spec = spec
        self.files = files
        self.end: Exit | None = None
        self.vanished = False
        self.output: list[Piece] = []
        self._steps = steps
        self._image_digest = image_digest
        self._clock = clock
        self._next = 0
        self._waits_for = ""
        self._deaf = False
        self._watchers: set[asyncio.Future[None]] = set()

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.end is not None or self.vanished

    def shown(self) -> Container:
        """As the engine's users see it."""
        end = self.end
        return Container(
            name=self.spec.name,
            status="running" if end is None else "exited",
            labels=self.spec.labels,
            exit_code=None if end is None else end.exit_code,
            oom_killed=end is not None and end.oom_killed,
            error="" if end is None else end.error,
            image_digest=self._image_digest,
        )

    def run(self) -> None:
        """Take steps until one does not pass, or the last was taken."""
        self._waits_for = ""
        while not self.over and not self._waits_for:
            if self._next == len(self._steps):
                self.finish(Exit(0))
                return
            step = self._steps[self._next]
            self._next += 1
            self._take(step)
        self._wake()

    def release(self) -> bool:
        """Let it through its gate; whether it stood at one."""
        if self._waits_for != "gate":
            return False
        self.run()
        return True

    def terminate(self) -> None:
        """SIGTERM."""
        if self.over or self._deaf:
            return
        if self._waits_for == "until-stopped":
            self._deaf = True
            self.run()
        else:
            self.finish(Exit(_TERMINATED))

    def kill(self) -> None:
        """SIGKILL."""
        self.finish(Exit(_KILLED))

    def finish(self, end: Exit) -> None:
        """The end, unless it has ended."""
        if self.over:
            return
        self.end = end
        self._stop_floods()
        self._wake()

    def vanish(self) -> None:
        """Gone without a word."""
        self.vanished = True
        self._stop_floods()
        self._wake()

    def print(self, data: bytes, stream: Stream = "stdout") -> None:
        """Add to its output."""
        self.output.append(Text(stream, self._clock(), data))
        self._wake()

    def changed(self) -> asyncio.Future[None]:
        """Done when it has printed something or has ended; raises what `disturb` was given."""
        future = asyncio.get_running_loop().create_future()
        self._watchers.add(future)
        future.add_done_callback(self._watchers.discard)
        return future

    def disturb(self, error: Exception) -> None:
        """Have everybody who watches it raise this."""
        for future in self._watchers:
            if not future.done():
                future.set_exception(error)
        self._watchers.clear()

    def _wake(self) -> None:
        for future in self._watchers:
            if not future.done():
                future.set_result(None)
        self._watchers.clear()

    def _stop_floods(self) -> None:
        for piece in self.output:
            if isinstance(piece, Flood):
                piece.stopped = True

    def _take(self, step: Step) -> None:
        word, arguments = step
        if word in ENDLESS:
            self._waits_for = word
            self._deaf = self._deaf or word == "deaf"
            if word in ("flood", "yes"):
                line = (arguments[0] if arguments else _FLOOD) + "\n"
                self.output.append(Flood("stdout", self._clock(), line.encode()))
        elif word == "sleep":
            self._waits_for = word
            asyncio.get_running_loop().call_later(float(arguments[0]), self._slept)
        elif word in ("exit", "die", "oom", "vanish"):
            self._end_by(step)
        elif word in ("write", "show"):
            self._use_file(step)
        else:
            self.output.append(self._piece(step))

    def _slept(self) -> None:
        if not self.over:
            self.run()

    def _use_file(self, step: Step) -> None:
        path = step.arguments[0]
        if step.word == "write":
            try:
                self.files.write(path, step.arguments[1].encode())
            except StartFailed as error:
                self._fail(error.message)
        elif (data := self.files.read(path)) is None:
            self._fail(f"there is no file {path}")
        else:
            self.output.append(Text("stdout", self._clock(), data))

    def _fail(self, message: str) -> None:
        self.output.append(Text("stderr", self._clock(), f"{message}\n".encode()))
        self.finish(Exit(1))

    def _end_by(self, step: Step) -> None:
        match step.word:
            case "exit":
                self.finish(Exit(int(step.arguments[0])))
            case "die":
                self.finish(Exit(128 + int(step.arguments[0])))
            case "oom":
                self.finish(Exit(_KILLED, oom_killed=True))
            case _:
                self.vanish()

    def _piece(self, step: Step) -> Piece:
        at, arguments = self._clock(), step.arguments
        match step.word:
            case "say":
                return Text("stdout", at, f"{arguments[0]}\n".encode())
            case "complain":
                return Text("stderr", at, f"{arguments[0]}\n".encode())
            case "bytes":
                return Text(_stream(arguments[0]), at, bytes.fromhex(arguments[1]))
            case "repeat":
                return Text(_stream(arguments[1]), at, arguments[2].encode() * int(arguments[0]))
            case "lines":
                return Lines(_stream(arguments[1]), at, int(arguments[0]), arguments[2])
            case "log":
                return Lines("stdout", at, int(arguments[0]), "line %d")
            case "variable":
                return Text("stdout", at, f"{self.spec.environment.get(arguments[0], '')}\n".encode())
            case _:
                return Text("stdout", at, f"{self.spec.working_directory or '/'}\n".encode())


def _stream(name: str) -> Stream:
    return "stderr" if name == "stderr" else "stdout"
