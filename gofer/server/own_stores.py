"""Whether the stores of objects and secrets are those of this database."""

from __future__ import annotations

from pathlib import Path

from gofer.engines.object_store.base import ObjectStore
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError
from gofer.server.store.database import Database

_HINT = (
    "Nothing was changed. Put that database back in its place, or restore a backup: gofer service restore FILE "
    "--force. To begin anew, put what the stores have aside: secret_store.sqlite.path and the place of object_store."
)


async def require_own(database: Database, path: Path, secrets: SecretStore, objects: ObjectStore) -> None:
    """Take both stores for the server with the database at `path`. Raises ConfigError where one is another's.

    Then that database was lost, moved away, or the place of the store is wrong. Who goes on would remove what nothing
    names: all of it. Call it once both stores are open.
    """
    stores: tuple[tuple[str, SecretStore | ObjectStore], ...] = (("secret", secrets), ("object", objects))
    for what, store in stores:
        if await store.claim(database.server_id) != database.server_id:
            raise ConfigError(f"The {what} store belongs to another database than {path}", _HINT)
