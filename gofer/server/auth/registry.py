"""All tokens, roles and sessions in memory: asking costs nothing, and what is changed holds from that moment on.

The server is the only writer of its database, so both say the same: who changes a row changes it here too, once that is
on the disk.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from gofer.errors import NotAuthenticated
from gofer.models.access import Role, Token
from gofer.server.auth.caller import Caller
from gofer.server.auth.lives import Lives
from gofer.server.auth.rights import Rights, permitted
from gofer.server.auth.system_roles import RUN, system_roles
from gofer.server.auth.tokens import digest_of
from gofer.server.store import access
from gofer.server.store.access import StoredSession, StoredToken
from gofer.server.store.database import Database

_ASK = "Ask whoever gave you this token for a new one (gofer token rotate, gofer token create)."
_CHANGED = "What this token may do was changed."


class Registry:
    """What is known of who may do what. To be used in the event loop alone, after `load`.

    `on_use` is called with the id of a token that was used. `triggers` are the names of the triggers that run, by the
    digests of their secrets: who starts and ends them keeps it. `turn` is held by whoever changes tokens or roles,
    from the look at what there is until both the disk and the registry have the change: no role goes while it is given
    away.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}
        self._by_digest: dict[bytes, str] = {}
        self._roles: dict[str, Role] = {role.id: role for role in system_roles()}
        self._sessions: dict[bytes, StoredSession] = {}
        self._rights: dict[str, Rights] = {}
        self.lives = Lives()
        self.triggers: dict[bytes, str] = {}
        self.on_use: Callable[[str], None] = lambda _: None
        self.turn = asyncio.Lock()
        self.on_session_end: Callable[[bytes], None] = lambda digest: None

    async def load(self, database: Database) -> None:
        """Read everything from the database."""
        for role in await database.read(access.roles):
            self._roles[role.id] = role
        for stored in await database.read(access.tokens):
            self.put_token(stored)
        for session in await database.read(access.sessions):
            self.put_session(session)

    @property
    def is_empty(self) -> bool:
        """Whether there is no token at all: nobody has claimed the server."""
        return not self._tokens

    # -- who calls

    def caller_of_token(self, text: str, now: int) -> Caller:
        """Whom a management or client token stands for; `now` in milliseconds since the epoch.

        Raises NotAuthenticated where it is not good (any more). It is looked up by its digest, so how long that takes
        says nothing about how much of a guess was right.
        """
        digest = digest_of(text)
        stored = self._tokens.get(self._by_digest.get(digest, ""))
        if stored is None:
            raise NotAuthenticated("This token is not known to the server, or was deleted.", _ASK)
        self._check_text(stored, digest, now)
        return self._caller(stored.token, now)._replace(shown=digest)

    def caller_of_session(self, digest: bytes, now: int) -> Caller | None:
        """Whom a session stands for; None if there is none, or its token is not good any more."""
        session = self._sessions.get(digest)
        stored = self._tokens.get(session.token) if session is not None else None
        if stored is None:
            return None
        try:
            return self._caller(stored.token, now)._replace(session=digest.hex())
        except NotAuthenticated:
            return None

    def holds_until(self, caller: Caller, now: int) -> int | None:
        """Until when the token or session of `caller` is good, as far as can be told now; None: for good.

        Raises NotAuthenticated where it is not good any more, or may do something else than `caller` may.
        """
        stored = self._tokens.get(caller.token)
        if stored is None:
            raise NotAuthenticated("This token was deleted.", _ASK)
        if caller.session and bytes.fromhex(caller.session) not in self._sessions:
            raise NotAuthenticated("This session has ended.", "Log in again.")
        if caller.shown:
            self._check_text(stored, caller.shown, now)
        if self._caller(stored.token, now).rights != caller.rights:
            raise NotAuthenticated(_CHANGED, "Ask again.")
        old = not hmac.compare_digest(caller.shown or stored.digest, stored.digest)
        ends = (stored.token.expires_at, stored.token.previous_until if old else None)
        return min((end for end in ends if end is not None), default=None)

    @staticmethod
    def _check_text(stored: StoredToken, digest: bytes, now: int) -> None:
        in_grace = now < (stored.token.previous_until or 0)
        if not (
            hmac.compare_digest(digest, stored.digest) or (in_grace and hmac.compare_digest(digest, stored.previous))
        ):
            raise NotAuthenticated("This token was rotated, and its old text holds no longer.", _ASK)

    def of_run(self, namespace: str, pipeline: str, run: int, task: str) -> Caller:
        """A task with the token of its run."""
        return Caller("run", namespace, pipeline, run, task, rights=self.rights_of_run(namespace))

    def rights_of_run(self, namespace: str) -> Rights:
        """What the token of any run in that namespace may do."""
        return Rights((namespace,), tuple(map(permitted, self._roles[RUN].permissions)))

    def _caller(self, token: Token, now: int) -> Caller:
        if token.disabled_at is not None:
            raise NotAuthenticated("This token is disabled.", "An administrator can enable it: gofer token enable.")
        if token.expires_at is not None and now >= token.expires_at:
            raise NotAuthenticated("This token has expired.", _ASK)
        if token.kind == "management":
            return Caller("management", token=token.id)
        return Caller("client", token=token.id, rights=self.rights(token))

    # -- tokens

    def token(self, token: str) -> StoredToken | None:
        return self._tokens.get(token)

    def tokens(self) -> list[StoredToken]:
        """All, the oldest first."""
        return list(self._tokens.values())

    def note_use(self, token: str, now: int, address: str) -> None:
        """It was used at `now` from there (an IP address)."""
        stored = self._tokens.get(token)
        if stored is not None:
            stored.token.last_used_at = now
            stored.token.last_used_from = address
            self.on_use(token)

    def put_token(self, stored: StoredToken, ended: str = "") -> None:
        """It is new, or was changed. `ended` is a sentence that says why what uses it now has to end, its sessions too;
        empty: it need not."""
        known = self._tokens.get(stored.token.id)
        self._forget_digests(stored.token.id)
        self._tokens[stored.token.id] = stored
        self._by_digest[stored.digest] = stored.token.id
        if stored.previous:
            self._by_digest[stored.previous] = stored.token.id
        self._rights.pop(stored.token.id, None)
        if ended:
            self._end_sessions(stored.token.id, ended)
        if ended or (known is not None and known.digest != stored.digest):
            # Without a reason: who has shown the old text has to know that it holds for a while only.
            self.lives.end(stored.token.id, ended)

    def remove_token(self, token: str, ended: str) -> None:
        """It is gone, and its sessions with it."""
        self._forget_digests(token)
        self._tokens.pop(token, None)
        self._rights.pop(token, None)
        self._end_sessions(token, ended)
        self.lives.end(token, ended)

    def rights(self, token: Token) -> Rights:
        """What a client token may do, by its roles as they are now; a role that is gone gives nothing."""
        found = self._rights.get(token.id)
        if found is None:
            grants = [grant for role in token.roles if role in self._roles for grant in self._roles[role].permissions]
            found = self._rights[token.id] = Rights(tuple(token.namespaces), tuple(map(permitted, grants)))
        return found

    def _forget_digests(self, token: str) -> None:
        known = self._tokens.get(token)
        if known is not None:
            self._by_digest.pop(known.digest, None)
            self._by_digest.pop(known.previous, None)

    # -- roles

    def role(self, role: str) -> Role | None:
        return self._roles.get(role)

    def roles(self) -> list[Role]:
        """All, those of the system too, by id."""
        return sorted(self._roles.values(), key=lambda role: role.id)

    def put_role(self, role: Role) -> None:
        """It is new, or was changed: if it allows something else now, what the tokens that have it may do is worked out
        anew, and their streams end."""
        before = self._roles.get(role.id)
        self._roles[role.id] = role
        if before is None or before.permissions != role.permissions:
            self._renew(role.id)

    def remove_role(self, role: str) -> None:
        """It is gone; who had it has less from now on."""
        self._roles.pop(role, None)
        self._renew(role)

    def _renew(self, role: str) -> None:
        for stored in self._tokens.values():
            if role in stored.token.roles:
                self._rights.pop(stored.token.id, None)
                self.lives.end(stored.token.id, _CHANGED)

    # -- sessions

    def session(self, digest: bytes) -> StoredSession | None:
        return self._sessions.get(digest)

    def sessions(self, token: str = "") -> list[StoredSession]:
        """All, or those of a token."""
        return [one for one in self._sessions.values() if not token or one.token == token]

    def put_session(self, session: StoredSession) -> None:
        """It is new, or was seen again."""
        self._sessions[session.digest] = session

    def remove_session(self, digest: bytes, ended: str) -> None:
        """It is gone: its browser has to log in again. `ended` is a sentence that says why."""
        if self._sessions.pop(digest, None) is not None:
            self.on_session_end(digest)
        self.lives.end(digest.hex(), ended)

    def end_sessions_before(self, token: str, before: int, ended: str) -> None:
        """Those of a token that were opened before a time, in milliseconds since the epoch, are over."""
        for session in self.sessions(token):
            if session.created_at < before:
                self.remove_session(session.digest, ended)

    def _end_sessions(self, token: str, ended: str) -> None:
        for session in self.sessions(token):
            self.remove_session(session.digest, ended)

    # -- their ends

    def watch(self, caller: Caller) -> AbstractContextManager[asyncio.Future[str]]:
        """A future whose result says why the caller's token or session has ended, or may do something else now; it is
        empty where `holds_until` is to be asked again."""
        names: Iterable[str] = [name for name in (caller.token, caller.session) if name]
        return self.lives.watch(names)
