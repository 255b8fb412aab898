from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from gofer.config.certificate import read_certificate
from gofer.errors import ConfigError
from tests.support.certificates import Authority, Made

DAY = 86_400


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_what_it_says_of_itself(key: str, authority: Authority) -> None:
    before = int(time.time())
    found = read_certificate(*authority.sign(f"good-{key}", key=key, days=30))
    assert found.names == ("localhost", "127.0.0.1")
    assert before <= found.not_before <= time.time()
    assert found.not_after == found.not_before + 30 * DAY
    assert found.fingerprint != read_certificate(*authority.sign("another")).fingerprint
    assert found.doubts("localhost", time.time()) == []


def test_a_file_that_goes_while_it_is_read(authority: Authority, tmp_path: Path) -> None:
    """As when another one is put there in two steps, and the reload comes between them."""
    cert, key = authority.sign("going")
    fleeting = tmp_path / "cert.pem"
    os.mkfifo(fleeting)

    def write_once() -> None:
        with fleeting.open("wb") as pipe:
            pipe.write(cert.read_bytes())
            fleeting.unlink()

    writer = threading.Thread(target=write_once)
    writer.start()
    with pytest.raises(ConfigError, match=r"cert\.pem cannot be read: No such file"):
        read_certificate(fleeting, key)
    writer.join()


def test_doubts(authority: Authority) -> None:
    found = read_certificate(*authority.sign("doubtful", names="DNS:gofer.example.org,DNS:*.lan", days=30))
    now = time.time()
    assert found.doubts("gofer.example.org", now) == found.doubts("a.lan", now) == []
    for host in ("localhost", "a.b.lan", "lan"):
        assert found.doubts(host, now) == [f'the certificate is not for "{host}", only for gofer.example.org, *.lan']
    assert "not valid before" in found.doubts("a.lan", now - DAY)[0]
    assert "expires soon" in found.doubts("a.lan", now + 20 * DAY)[0]
    assert "has expired" in found.doubts("a.lan", now + 31 * DAY)[0]


def test_an_expired_one_can_be_read(authority: Authority) -> None:
    found = read_certificate(*authority.sign("expired", days=0))
    assert "has expired" in found.doubts("localhost", time.time())[0]


def refusal(cert: Path, key: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_certificate(cert, key)
    assert caught.value.hint
    return caught.value.message


def test_what_cannot_be_served(authority: Authority, tmp_path: Path) -> None:
    made, other = authority.sign("one"), authority.sign("two")
    rsa = authority.sign("three", key="rsa")
    junk = tmp_path / "junk"
    junk.write_text("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n")
    for key in (other.key, rsa.key):
        assert refusal(made.cert, key) == (
            f"server.tls_key_path: the key in {key} does not belong to the certificate in {made.cert}"
        )
    assert "none cannot be read: No such file" in refusal(tmp_path / "none", made.key)
    assert refusal(made.cert, tmp_path).endswith("cannot be read: Is a directory")
    assert refusal(made.key, made.cert).startswith("server.tls_cert_path: there is no certificate in")
    assert refusal(made.cert, made.cert).startswith("server.tls_key_path: there is no private key in")
    assert refusal(junk, made.key).startswith("server.tls_cert_path: ")
    assert refusal(made.cert, authority.encrypt(made.key)).endswith("is encrypted")
    client = authority.sign("client", more="extendedKeyUsage=clientAuth")
    assert "no client will accept the certificate" in refusal(*client)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_may_not_be_read(authority: Authority) -> None:
    made = authority.sign("closed")
    made.key.chmod(0)
    assert refusal(*made).endswith("cannot be read: Permission denied")


def test_a_chain_is_served_whole(authority: Authority, tmp_path: Path) -> None:
    made = authority.sign("chained")
    chain = tmp_path / "chain.pem"
    chain.write_text(made.cert.read_text() + authority.ca.read_text())
    assert read_certificate(chain, made.key).fingerprint == read_certificate(*made).fingerprint
    backwards = tmp_path / "backwards.pem"
    backwards.write_text(authority.ca.read_text() + made.cert.read_text())
    assert "does not belong" in refusal(*Made(backwards, made.key))
