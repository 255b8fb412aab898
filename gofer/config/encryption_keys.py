"""The keys that secrets are encrypted with: where they come from, and how they are written."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gofer.config.settings import Settings
from gofer.errors import ConfigError
from gofer.models.encryption_keys import KEY_BYTES, SAMPLE_KEY, EncryptionKeys

CREDENTIAL: Final = "gofer.encryption-key"
KEY: Final = "secret_store.sqlite.encryption_key"
PREVIOUS: Final = "secret_store.sqlite.previous_encryption_keys"

MAKE_ONE: Final = "Make one with: gofer secret generate-key."
_LONGEST_FILE = 4096


def encryption_keys(settings: Settings, environ: Mapping[str, str]) -> EncryptionKeys:
    """The keys that hold: the configured one, else that of systemd's credential, else in dev mode the sample key, else
    none. Raises ConfigError, whose message begins with the setting or the file that is wrong.
    """
    store = settings.secret_store.sqlite
    previous = tuple(_checked(settings, key, PREVIOUS) for key in store.previous_encryption_keys)
    if store.encryption_key:
        return EncryptionKeys(_checked(settings, store.encryption_key, KEY), previous, KEY)
    path = credential(environ)
    if path is not None:
        return EncryptionKeys(_checked(settings, _content(path), str(path)), previous, str(path))
    if settings.dev_mode:
        return EncryptionKeys(SAMPLE_KEY, previous, "dev mode's sample")
    return EncryptionKeys(None, previous, "nowhere")


def credential(environ: Mapping[str, str]) -> Path | None:
    """The file of the credential, if systemd has passed one (systemd.exec(5), LoadCredential=). Raises ConfigError."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder.startswith("/"):
        return None
    path = Path(folder) / CREDENTIAL
    try:
        return path if path.exists() else None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be looked at: {error.strerror}", "See LoadCredential= in the unit."
        ) from error


def parse_key(text: str) -> bytes:
    """The 32 bytes of a key: exactly 32 characters of one byte each, or base64 of 32 bytes, with or without padding.

    Raises ValueError, which says what came, and never the text itself.
    """
    plain = text.encode(errors="surrogatepass")
    if len(plain) == KEY_BYTES:
        return plain
    if len(text) in (43, 44):
        try:
            decoded = base64.b64decode(text.rstrip("=") + "=", altchars=_altchars(text), validate=True)
        except (binascii.Error, ValueError):
            decoded = b""
        if len(decoded) == KEY_BYTES:
            return decoded
        raise ValueError(f"{len(text)} characters that are not base64 of 32 bytes")
    several = f", {len(plain)} bytes in UTF-8" if len(plain) != len(text) else ""
    raise ValueError(f"{len(text)} characters{several}")


def _altchars(text: str) -> bytes | None:
    return b"-_" if "-" in text or "_" in text else None


def _checked(settings: Settings, text: str, place: str) -> bytes:
    try:
        key = parse_key(text)
    except ValueError as error:
        message = f"{place}: expected exactly 32 characters of one byte each, or 32 bytes in base64, not {error}"
        raise ConfigError(message, MAKE_ONE) from None
    if key == SAMPLE_KEY and not settings.dev_mode:
        message = f"{place}: the sample key protects nothing, as everybody knows it: outside dev mode it is refused"
        raise ConfigError(message, MAKE_ONE)
    return key


def _content(path: Path) -> str:
    """The text of a credential, without the newline that an editor or `echo` has put behind it."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_FILE)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "See LoadCredential= in the unit.") from error
    return raw.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")
