"""Who a request comes from."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Caller(NamedTuple):
    """`local`: whoever reaches the server's own address without a token. `run`: a task with the token of its run, the
    fields say which."""

    kind: Literal["local", "run"]
    namespace: str = ""
    pipeline: str = ""
    run: int = 0
    task: str = ""

    @property
    def path(self) -> str:
        """The task as `pipeline/run/task`; empty for anybody else."""
        return f"{self.pipeline}/{self.run}/{self.task}" if self.kind == "run" else ""

    @property
    def name(self) -> str:
        """What is recorded as the author of a change, such as `task backup/12/dump`; empty where nobody is known."""
        return f"task {self.path}" if self.kind == "run" else ""


LOCAL = Caller("local")
