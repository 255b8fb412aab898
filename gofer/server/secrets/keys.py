"""The encryption keys of a server that runs: those of its start, and those that a reload brings."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gofer.config.encryption_keys import encryption_keys
from gofer.config.settings import Settings
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError


async def renew_keys(store: SecretStore, settings: Settings, new: Settings, environ: Mapping[str, str]) -> None:
    """Let the keys hold that `new` says. `settings` are those that hold now: some change with a restart only.

    Raises ConfigError if these are not the keys of the values there are; then nothing was changed.
    """
    keys = encryption_keys(msgspec.structs.replace(settings, secret_store=new.secret_store), environ)
    try:
        await store.use(keys)
    except ConfigError as error:
        raise ConfigError(f"secret_store: {error.message}", error.hint) from error
