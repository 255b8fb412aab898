"""How values are encrypted."""

from __future__ import annotations

import itertools

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gofer.engines.secret_store.base import DamagedSecret, Scope, SecretName
from gofer.engines.secret_store.sealing import NONCE_BYTES, Seals, associated, derive, key_id
from gofer.models.encryption_keys import EncryptionKeys

KEY = b"k" * 32
NAME = SecretName("key", Scope("default", "p", 1))


def test_derivation_is_hkdf() -> None:
    for key, info in ((KEY, b"one"), (bytes(32), b""), (bytes(range(32)), b"x" * 100)):
        assert derive(key, info) == HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(key)


def test_derivation_is_that_of_the_standard() -> None:
    """RFC 5869, appendix A.3: no salt, no info; the first 32 bytes."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, b"").hex() == expected


def test_the_id_of_a_key_is_always_the_same_and_no_part_of_it() -> None:
    assert key_id(KEY) == key_id(KEY)
    assert len(key_id(KEY)) == 16
    assert key_id(KEY) != key_id(b"K" + KEY[1:])
    assert not KEY.hex().count(key_id(KEY))


def test_the_same_value_never_looks_the_same() -> None:
    seals = Seals(EncryptionKeys(KEY))
    sealed = [seals.seal(NAME, (), "value") for _ in range(100)]
    assert len({one.nonce for one in sealed}) == len({one.ciphertext for one in sealed}) == 100
    assert {len(one.nonce) for one in sealed} == {NONCE_BYTES}
    assert {seals.open(NAME, (), one) for one in sealed} == {"value"}


def test_what_was_changed_or_moved_does_not_decrypt() -> None:
    seals = Seals(EncryptionKeys(KEY))
    sealed = seals.seal(NAME, (), "the value")
    for position in range(len(sealed.ciphertext)):
        changed = bytearray(sealed.ciphertext)
        changed[position] ^= 1
        with pytest.raises(DamagedSecret) as caught:
            seals.open(NAME, (), sealed._replace(ciphertext=bytes(changed)))
        assert str(NAME) in caught.value.message
    for wrong in (
        sealed._replace(nonce=bytes(NONCE_BYTES)),
        sealed._replace(nonce=b""),
        sealed._replace(ciphertext=b""),
        sealed._replace(ciphertext=sealed.ciphertext[:-1]),
        sealed._replace(key_id="another"),
    ):
        with pytest.raises(DamagedSecret):
            seals.open(NAME, (), wrong)
    for name in (SecretName("kez", NAME.scope), SecretName("key"), SecretName("key", Scope("default", "p", 2))):
        with pytest.raises(DamagedSecret):
            seals.open(name, (), sealed)


def test_a_global_value_is_for_its_namespaces_alone() -> None:
    seals = Seals(EncryptionKeys(KEY))
    name = SecretName("key")
    sealed = seals.seal(name, ("team-a", "team-b"), "the value")
    assert seals.open(name, ("team-a", "team-b"), sealed) == "the value"
    for namespaces in ((), ("*",), ("team-a",), ("team-a", "team-c"), ("team-ateam-b",)):
        with pytest.raises(DamagedSecret):
            seals.open(name, namespaces, sealed)


def test_no_two_names_are_encoded_alike() -> None:
    parts = ("a", "b", "ab", "a-b", "1")
    names = [
        SecretName(key, Scope(namespace, pipeline, number))
        for key, namespace, pipeline, number in itertools.product(parts, ("", *parts), ("", *parts), (0, 1, 11))
    ]
    assert len({associated(name) for name in names}) == len(names)


def test_nothing_shows_a_key() -> None:
    assert "kkkk" not in repr(Seals(EncryptionKeys(KEY)))
