"""The contract of a secret store: it keeps the values of secrets, encrypted at rest, by their full names.

Order of calls: `open` once, then `claim`, then everything else in any order and concurrently, `close` at the end.

A value that was replaced or deleted is *retired*, and kept until `forget`: a run that got it may still print it, and
its log must not show it, even after the server was restarted in between.

After a sudden end at any moment every secret has its old value or its new one. What was answered is on disk. A call
that is cancelled is carried out or not.

Errors: `Unavailable` (and its kinds) when the store cannot work now; nothing was changed. `Conflict` from `put`, `get`,
`since`, `rotate` and `damaged` when no key is configured, with how to set one. `DamagedSecret` for a value that does
not decrypt. No error, log line or `repr` ever has a value or a key in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gofer.errors import GoferError
from gofer.models.encryption_keys import EncryptionKeys


class DamagedSecret(GoferError):
    """What is kept does not decrypt: it was changed, or moved to another name."""

    title = "Damaged secret"


class Scope(NamedTuple):
    """Whose secrets: those of a pipeline, or, without one, the global ones. Ids are never empty.

    `pipeline_key` is a number that no two pipelines ever have: one that is made later under the same ids has another,
    and so never sees what its predecessor kept.
    """

    namespace: str = ""
    pipeline: str = ""
    pipeline_key: int = 0


GLOBAL = Scope()


class SecretName(NamedTuple):
    """A secret's full name."""

    key: str
    scope: Scope = GLOBAL

    @property
    def is_global(self) -> bool:
        """Whether it belongs to no pipeline."""
        return not self.scope.pipeline

    def __str__(self) -> str:
        return f"global/{self.key}" if self.is_global else f"{self.scope.namespace}/{self.scope.pipeline}/{self.key}"


class Entry(NamedTuple):
    """What is known of a secret, without its value. Times in milliseconds since the epoch.

    `namespaces`: the ids of those whose pipelines may use a global secret, or `*` for all; empty for a pipeline's own.
    `created_by` and `modified_by` say who.
    """

    name: SecretName
    namespaces: tuple[str, ...]
    created_at: int
    modified_at: int
    created_by: str
    modified_by: str


class Progress(NamedTuple):
    """Of a rotation: values encrypted anew by this call; with the current key by now; all there are, retired ones too.

    A value that does not decrypt is never `done`.
    """

    rotated: int
    done: int
    total: int


class SecretStore(Protocol):
    """See the module's text for order, concurrency and errors."""

    @property
    def name(self) -> str:
        """The name in the registry, such as `sqlite`."""

    @property
    def encrypts(self) -> bool:
        """Whether values can be put and read: false while no key is configured."""

    async def open(self) -> None:
        """Prepare. Raises ConfigError for a place that cannot be used, and for keys that are not those of the values:
        that of each value must be among them."""

    async def close(self) -> None:
        """Free everything that lives in this process, keys as well. Idempotent."""

    async def check(self) -> None:
        """A quick sign of life. Raises Unavailable."""

    async def claim(self, server_id: str) -> str:
        """Take the store for that server, if nobody has: whose it is then. Called after `open`, before all else.

        `server_id`: letters and digits. A store belongs to one database for good: whose names decide what stays.
        """

    async def use(self, keys: EncryptionKeys) -> None:
        """From now on these keys hold. Raises ConfigError as `open`; then those before go on to hold.

        A store that does not encrypt with keys of Gofer's configuration does nothing.
        """

    async def put(
        self, name: SecretName, value: str, namespaces: Sequence[str] | None, at: int, by: str
    ) -> tuple[Entry, bool]:
        """Set the value; the one before it is retired. Also whether it is a new secret. `at` in ms; `by`: who.

        `namespaces` None: those that it has. Raises NotFound for that if there is no such secret.
        """

    async def get(self, name: SecretName) -> str | None:
        """The value; None if there is no such secret. Raises DamagedSecret."""

    async def entry(self, name: SecretName) -> Entry | None:
        """What is known of it."""

    async def list(self, scope: Scope, after: str, limit: int) -> Sequence[Entry]:
        """At most `limit` secrets of a scope by key, from behind the key `after` on."""

    async def delete(self, name: SecretName, at: int) -> bool:
        """Delete it; its value is retired. Whether there was one."""

    async def scopes(self) -> Sequence[Scope]:
        """Every pipeline that has a secret here, retired ones too."""

    async def drop(self, scope: Scope) -> None:
        """A pipeline is no more: remove all its secrets, retired values too. Idempotent."""

    async def since(self, name: SecretName, at: int) -> Sequence[str]:
        """Every value that the secret has, or had at `at` or later: what may still be printed by who got it since.

        Raises DamagedSecret.
        """

    async def forget(self, before: int) -> int:
        """Remove the values that were retired before this time: nobody can print them any more. How many are left."""

    async def rotate(self) -> Progress:
        """Encrypt some values that are not under the current key anew, in one short transaction; how far it is.

        The caller goes on until `rotated` is 0. Values can be used all the while; a sudden end loses nothing. When
        nothing is left to do, what was encrypted with other keys is nowhere in the store's files any more.
        """

    async def damaged(self) -> Sequence[SecretName]:
        """The names of all values that do not decrypt, retired ones too. Looks at everything."""
