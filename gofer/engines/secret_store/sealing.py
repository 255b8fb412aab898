"""How values are encrypted: AES-256-GCM, with a fresh nonce each time and the secret's full name as associated data, to
which belong the namespaces that may use a global one: who writes to the file cannot give a secret to another.

Neither the key that encrypts nor the key's id is the configured key itself: both are derived from it with HKDF-SHA256
(RFC 5869), each with an info text of its own, so that the id, which is stored in clear, tells nothing of the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gofer.engines.secret_store.base import DamagedSecret, SecretName
from gofer.errors import Conflict, Unavailable
from gofer.models.encryption_keys import NO_KEY, NO_KEY_HINT, EncryptionKeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
ID_BYTES = 8

_ID_INFO = b"gofer secret store 1: id of the key"
_KEY_INFO = b"gofer secret store 1: AES-256-GCM"
_NAME_FORM = b"gofer secret 1"


class Sealed(NamedTuple):
    """An encrypted value. `ciphertext` ends with the 16 bytes of the tag."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


class Seals:
    """Encrypts with the current key, decrypts with any."""

    def __init__(self, keys: EncryptionKeys) -> None:
        self._keys = {key_id(key): key for key in keys}
        self.current = key_id(keys.current) if keys.current is not None else ""
        self.ids = frozenset(self._keys)

    def require(self) -> None:
        """Raises Conflict where there is no key."""
        if not self.current:
            raise Conflict(NO_KEY, NO_KEY_HINT)

    def seal(self, name: SecretName, namespaces: Sequence[str], value: str) -> Sealed:
        """Encrypt for that name and those namespaces. Raises Conflict where there is no key."""
        self.require()
        nonce = os.urandom(NONCE_BYTES)
        cipher = _cipher(self._keys[self.current])
        return Sealed(self.current, nonce, cipher.encrypt(nonce, value.encode(), associated(name, namespaces)))

    def open(self, name: SecretName, namespaces: Sequence[str], sealed: Sealed) -> str:
        """Decrypt. Raises DamagedSecret, or Conflict where there is no key."""
        self.require()
        key = self._keys.get(sealed.key_id)
        if key is None or len(sealed.nonce) != NONCE_BYTES:
            raise _damaged(name)
        cipher = _cipher(key)
        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, associated(name, namespaces)).decode()
        except InvalidTag:
            raise _damaged(name) from None

    def __repr__(self) -> str:
        return f"Seals(current={self.current!r})"


def key_id(key: bytes) -> str:
    """What a key is called where it must not be shown: 16 hex digits."""
    return derive(key, _ID_INFO)[:ID_BYTES].hex()


def derive(key: bytes, info: bytes) -> bytes:
    """32 bytes by HKDF-SHA256 with an empty salt: extract, and the first block of expand (RFC 5869, sections 2.2, 2.3).

    Written out, as the id of a key is needed at each start, and loading `cryptography` for it would take longer than
    all else that a store does then.
    """
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def associated(name: SecretName, namespaces: Sequence[str] = ()) -> bytes:
    """A full name and namespaces as bytes, with the length in front of each part, so that no two have the same."""
    scope = name.scope
    parts = [_NAME_FORM, scope.namespace.encode(), scope.pipeline.encode(), str(scope.pipeline_key).encode()]
    return b"".join(
        len(part).to_bytes(4, "big") + part for part in (*parts, name.key.encode(), *map(str.encode, namespaces))
    )


def _damaged(name: SecretName) -> DamagedSecret:
    return DamagedSecret(
        f"The secret {name} does not decrypt: it was changed in the store, or its value belongs to another name",
        "Put it again, or restore a backup. If nobody changed the file by hand, suspect the disk.",
    )


def _cipher(key: bytes) -> AESGCM:
    """Raises Unavailable where the library cannot be loaded: the one-file program unpacks it only now."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except Exception as error:
        hint = getattr(error, "hint", "Start Gofer again; if that does not help, install it anew.")
        raise Unavailable(f"What encrypts secrets cannot be loaded: {error}", hint) from error
    return AESGCM(derive(key, _KEY_INFO))
