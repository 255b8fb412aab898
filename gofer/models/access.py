"""Tokens, roles and sessions, as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

TokenKind = Literal["management", "client"]

Resource = Literal[
    "namespaces",
    "pipelines",
    "deployments",
    "runs",
    "logs",
    "objects",
    "secrets",
    "global_secrets",
    "events",
    "audit",
    "attach",
    "tokens",
    "roles",
    "system",
    "backups",
    "metrics",
    "triggers",
    "common_tasks",
]
Action = Literal["read", "write", "delete", "run", "reveal"]

ANY: Literal["*"] = "*"


class Grant(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One permission of a role: these actions on these resources (`*`: all of them).

    `names` narrows it: patterns in which `*` stands for any characters, such as `nightly-*` for pipelines and all that
    is theirs, or `nightly/db_*` for keys of one pipeline. Empty: whatever the name.
    """

    resources: list[Resource | Literal["*"]]
    actions: list[Action | Literal["*"]]
    names: list[str] = []


class WantedGrant(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A permission as somebody writes it; it is looked at as a whole, so that every mistake in it is told at once.

    Fields as of Grant: `resources` such as `runs` (`*`: all of them), `actions` such as `read`, and `names`.
    """

    resources: list[str]
    actions: list[str]
    names: list[str] = []


class CreateRole(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/roles`."""

    id: str
    description: str = ""
    permissions: list[WantedGrant]


class ReplaceRole(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `PUT /api/v1/roles/{role}`: what the role is from then on. What is left out stays as it is."""

    description: str | None = None
    permissions: list[WantedGrant] | None = None


class RoleDeleted(msgspec.Struct, kw_only=True):
    """Answer of `DELETE /api/v1/roles/{role}`. `tokens`: the ids of those that had it, and have it no longer."""

    tokens: list[str]


class Role(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A named set of permissions. One of the `system` cannot be changed. Times in milliseconds since the epoch."""

    id: str
    description: str = ""
    permissions: list[Grant]
    system: bool = False
    created_at: int = 0
    created_by: str = ""
    modified_at: int = 0
    modified_by: str = ""


class Token(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of a token: never the token itself. Times in milliseconds since the epoch.

    A `management` token may do everything; a `client` has `roles` in `namespaces` (names, or patterns with `*`).
    `root`: the one that was made by bootstrap. `previous_until`: until then its text from before the rotation holds.
    """

    id: str
    kind: TokenKind
    root: bool = False
    description: str = ""
    namespaces: list[str] = []
    roles: list[str] = []
    created_at: int
    created_by: str = ""
    expires_at: int | None = None
    disabled_at: int | None = None
    rotated_at: int | None = None
    previous_until: int | None = None
    last_used_at: int | None = None
    last_used_from: str = ""


TokenState = Literal["active", "disabled", "expired"]


def state_of(token: Token, now: int) -> TokenState:
    """What it is at `now`, in milliseconds since the epoch."""
    if token.expires_at is not None and now >= token.expires_at:
        return "expired"
    return "active" if token.disabled_at is None else "disabled"


class CreateToken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/tokens`. `expires_in`: milliseconds from now; absent: it does not expire."""

    kind: TokenKind = "client"
    description: str = ""
    namespaces: list[str] = []
    roles: list[str] = []
    expires_in: int | None = None


class UpdateToken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `PATCH /api/v1/tokens/{token}`: what is left out stays as it is."""

    enabled: bool | None = None
    description: str | None = None


class RotateToken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/tokens/{token}/rotate`. `grace`: how long the present text holds on, in milliseconds."""

    grace: int = 0


class NewToken(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Answer where a token was made or rotated: its text, which is shown this once. `warnings`: what is allowed, and
    seldom meant."""

    token: Token
    secret: str
    warnings: list[str] = []

    def __repr__(self) -> str:
        return f"NewToken(token={self.token.id}, secret=…)"


class BootstrapInfo(msgspec.Struct, kw_only=True):
    """Answer of `GET /api/v1/bootstrap`. `done`: there is a root token. `code_file`: where the proof is expected that
    the caller may write to the server's folder; only a caller on the same machine is told."""

    done: bool
    code_file: str = ""


class Bootstrap(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/bootstrap`. `code`: what the code file holds. `again`: for a lost root token."""

    code: str
    again: bool = False

    def __repr__(self) -> str:
        return f"Bootstrap(code=…, again={self.again})"


class Whoami(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who asks. `kind`: `local` (development mode, no token), `management`, `client`, or `run` (a task: `name` says
    which). `permissions` are those of all its roles, in `namespaces`."""

    kind: Literal["local", "management", "client", "run"]
    name: str = ""
    token: Token | None = None
    namespaces: list[str] = []
    permissions: list[Grant] = []


class Login(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/v1/session`."""

    token: str

    def __repr__(self) -> str:
        return "Login(token=…)"


class Session(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A browser's login. `csrf`: what each of its writes has to bring in the header `X-Gofer-CSRF`.

    It ends at `expires_at`, and before that if nothing was asked for until `idle_until` (milliseconds since the epoch).
    """

    who: Whoami
    csrf: str = ""
    expires_at: int | None = None
    idle_until: int | None = None
