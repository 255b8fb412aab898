"""Certificates for tests, made with openssl."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import NamedTuple

_KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["-newkey", "rsa:2048"]}


class Made(NamedTuple):
    """Files: a certificate and its key."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates of servers; its own is in `ca`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        extensions = ["-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE"]
        files = ["-keyout", "ca.key", "-out", "ca.pem"]
        self._openssl("req", "-x509", *_KEYS["ec"], "-nodes", "-days", "9", "-subj", "/CN=tests", *files, *extensions)

    def sign(
        self, name: str, *, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 90, key: str = "ec", more: str = ""
    ) -> Made:
        """A new certificate in `name`.crt and `name`.key. `days` 0: it has expired. `more`: extensions."""
        (self._folder / "extensions").write_text(f"subjectAltName={names}\n{more}\n")
        keys = [*_KEYS[key], "-nodes"]
        self._openssl("req", *keys, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", "request")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"]
        self._openssl("x509", "-req", "-in", "request", "-out", f"{name}.crt", *signed, "-days", str(days))
        made = time.time()
        while days == 0 and time.time() < made + 1.1:  # it ends with the second in which it was made
            time.sleep(0.1)
        return Made(self._folder / f"{name}.crt", self._folder / f"{name}.key")

    def encrypt(self, key: Path) -> Path:
        """A copy of a key that asks for a password."""
        self._openssl("pkey", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", "encrypted.key")
        return self._folder / "encrypted.key"

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)
