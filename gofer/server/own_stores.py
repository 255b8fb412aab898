"""Whether the stores of objects and secrets are those of this database."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from gofer.engines.object_store.base import ObjectStore
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError
from gofer.server.store import pipelines
from gofer.server.store.database import Database

_HINT = (
    "Nothing was changed. Put that database back in its place, or restore a backup: gofer service restore FILE "
    "--force. To begin anew, put what the stores have aside: secret_store.sqlite.path and the place of object_store."
)


async def require_own(database: Database, path: Path, secrets: SecretStore, objects: ObjectStore) -> None:
    """Raises ConfigError where the database at `path` has never had a pipeline, and a store has something of one.

    Then that database was lost, moved away or is another server's. Who goes on would remove what nothing names: all of
    it. Call it once both stores are open.
    """
    if await database.read(pipelines.any_ever):
        return
    if await secrets.scopes():
        raise ConfigError(f"The database {path} is new, and the secret store has secrets of another one", _HINT)
    async with aclosing(objects.list()) as contents:  # type: ignore[type-var]
        async for _ in contents:
            raise ConfigError(f"The database {path} is new, and the object store has objects of another one", _HINT)
