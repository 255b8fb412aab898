"""The contract of a secret store: it keeps the values of secrets, encrypted at rest, by their full names.

Order of calls: `open` once, then everything else in any order and concurrently, `close` at the end.

A value that was replaced or deleted is *retired*, and kept until `forget`: a run that got it may still print it, and
its log must not show it, even after the server was restarted in between.

After a sudden end at any moment every secret has its old value or its new one. What was answered is on disk.

Errors: `Unavailable` (and its kinds) when the store cannot work now; nothing was changed. `Conflict` from every method
but `open`, `close` and `check` when no key is configured, with how to set one. `DamagedSecret` for a value that does
not decrypt. No error, log line or `repr` ever has a value or a key in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gofer.errors import GoferError


class DamagedSecret(GoferError):
    """What is kept does not decrypt: it was changed, or moved to another name."""

    title = "Damaged secret"


class SecretName(NamedTuple):
    """A secret's full name. A global one has neither namespace nor pipeline, which are ids and so never empty."""

    key: str
    namespace: str = ""
    pipeline: str = ""

    @property
    def is_global(self) -> bool:
        """Whether it belongs to no pipeline."""
        return not self.pipeline

    def __str__(self) -> str:
        return f"global/{self.key}" if self.is_global else f"{self.namespace}/{self.pipeline}/{self.key}"


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
    """Of a rotation: values encrypted with the current key, and all there are, retired ones too."""

    done: int
    total: int


class SecretStore(Protocol):
    """See the module's text for order, concurrency and errors."""

    @property
    def name(self) -> str:
        """The name in the registry, such as `sqlite`."""

    async def open(self) -> None:
        """Prepare. Raises ConfigError for a place that cannot be used, and for a key that is not that of the values."""

    async def close(self) -> None:
        """Free everything that lives in this process, keys as well."""

    async def check(self) -> None:
        """A quick sign of life. Raises Unavailable."""

    async def put(self, name: SecretName, value: str, namespaces: Sequence[str], at: int, by: str) -> Entry:
        """Set the value; the one before it is retired. `at` in milliseconds; `by`: who."""

    async def get(self, name: SecretName) -> str | None:
        """The value; None if there is no such secret. Raises DamagedSecret."""

    async def entry(self, name: SecretName) -> Entry | None:
        """What is known of it."""

    async def list(self, namespace: str, pipeline: str, after: str, limit: int) -> Sequence[Entry]:
        """The secrets of one pipeline, or the global ones where both are empty, by key, from behind `after` on."""

    async def delete(self, name: SecretName, at: int) -> bool:
        """Delete it; its value is retired. Whether there was one."""

    async def owners(self) -> Sequence[tuple[str, str]]:
        """Namespace and pipeline of every pipeline that has a secret here, retired ones too."""

    async def drop(self, namespace: str, pipeline: str) -> None:
        """A pipeline is no more: remove all its secrets, retired values too. Idempotent."""

    async def since(self, name: SecretName, at: int) -> Sequence[str]:
        """Every value that the secret has, or had at `at` or later: what may still be printed by who got it since."""

    async def forget(self, before: int) -> None:
        """Remove the values that were retired before this time: nobody can print them any more."""

    async def rotate(self) -> Progress:
        """Encrypt some values that are not under the current key anew, in one short transaction; how far it is.

        The caller goes on until `done` is `total`. Values can be used all the while; a sudden end loses nothing.
        """
