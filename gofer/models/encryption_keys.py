"""The keys that a store encrypts with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KEY_BYTES = 32
SAMPLE_KEY = b"changeme" * 4
"""That of dev mode; everybody knows it."""
NO_KEY = "No encryption key is configured, so that there can be no secrets"
NO_KEY_HINT = (
    "Make one with `gofer secret generate-key`, and set secret_store.sqlite.encryption_key to it, or the variable "
    "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY, or the systemd credential gofer.encryption-key."
)


@dataclass(frozen=True, repr=False)
class EncryptionKeys:
    """`current` encrypts; None: none is configured. `previous` ones only decrypt. Each has 32 bytes.

    `source` says where the current one comes from, for people; it tells nothing of it.
    """

    current: bytes | None = None
    previous: tuple[bytes, ...] = ()
    source: str = ""

    def __iter__(self) -> Iterator[bytes]:
        """All of them, the current one first."""
        if self.current is not None:
            yield self.current
        yield from self.previous

    def __repr__(self) -> str:
        return f"EncryptionKeys(source={self.source!r}, …)"
