"""Whether secrets can be used, and are under the key that they should be under."""

from __future__ import annotations

from gofer.checkup.finding import found
from gofer.config.encryption_keys import PREVIOUS
from gofer.models.encryption_keys import NO_KEY, NO_KEY_HINT
from gofer.models.system import Check
from gofer.server.services import Services

_SHOWN = 3


async def secrets(services: Services, *, deep: bool) -> Check:
    """`deep`: every value is decrypted."""
    store = services.secrets.store
    await store.check()
    if not store.encrypts:
        return found("secrets", "warning", f"{NO_KEY}.", NO_KEY_HINT)
    if deep and (damaged := await store.damaged()):
        names = ", ".join(map(str, damaged[:_SHOWN])) + (" and more" if len(damaged) > _SHOWN else "")
        message = f"These secrets do not decrypt, as they were changed in the store: {names}."
        return found("secrets", "error", message, "Put them again, or restore a backup.")
    if services.settings.secret_store.sqlite.previous_encryption_keys:
        hint = f"Run: gofer secret rotate-key. Then empty {PREVIOUS}."
        return found("secrets", "warning", "Secrets may still be encrypted with a previous key.", hint)
    return found("secrets", "ok", "Every secret decrypts." if deep else "Secrets can be used.")
