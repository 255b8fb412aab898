"""Who a request comes from."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gofer.server.auth.rights import EVERYTHING, Name, Rights, Sight


class Caller(NamedTuple):
    """`anonymous`: nobody has said who they are. `unclaimed`: likewise, and nobody could, as no token was made yet.
    `local`: in development mode, whoever brings no token. `management` and `client`: the token `token`. `run`: a task
    with the token of its run, `namespace` to `task` say which. `trigger`: a trigger that dials in, and which.

    `rights` is None for those who may do everything. `session`: the digest of a browser's session, in hexadecimal.
    `shown`: the digest of the token's text that was shown, as a rotated token has two for a while.
    """

    kind: Literal["anonymous", "unclaimed", "local", "management", "client", "run", "trigger"]
    namespace: str = ""
    pipeline: str = ""
    run: int = 0
    task: str = ""
    trigger: str = ""
    token: str = ""
    rights: Rights | None = None
    session: str = ""
    shown: bytes = b""

    @property
    def path(self) -> str:
        """The task as `pipeline/run/task`; empty for anybody else."""
        return f"{self.pipeline}/{self.run}/{self.task}" if self.kind == "run" else ""

    @property
    def name(self) -> str:
        """What is recorded as the author of a change, such as `task backup/12/dump` or `token tok-4f7k2m9qx1`; empty
        where nobody is known."""
        if self.token:
            return f"token {self.token}"
        if self.trigger:
            return f"trigger {self.trigger}"
        return f"task {self.path}" if self.kind == "run" else ""

    @property
    def key(self) -> str:
        """One for each whose requests are counted together."""
        if self.token:
            return self.token
        if self.trigger:
            return f"trigger {self.trigger}"
        return f"run {self.namespace}/{self.pipeline}/{self.run}" if self.kind == "run" else self.kind

    @property
    def scope(self) -> str:
        """Whose Idempotency-Keys are whose. No namespace has a space in it, so none is taken for a token."""
        return self.namespace if self.kind == "run" else self.name

    @property
    def may_everything(self) -> bool:
        return self.kind in ("local", "management")

    def may(self, permission: str, namespace: str | None, name: Name = ()) -> bool:
        """Whether it is allowed. `namespace` None: it concerns the whole server."""
        return self.may_everything or (self.rights is not None and self.rights.allows(permission, namespace, name))

    def sight(self, permission: str) -> Sight:
        """What of lists over several namespaces or pipelines may be seen with this permission."""
        if self.may_everything:
            return EVERYTHING
        return Sight(()) if self.rights is None else self.rights.sight(permission)


LOCAL = Caller("local")
ANONYMOUS = Caller("anonymous")
UNCLAIMED = Caller("unclaimed")
