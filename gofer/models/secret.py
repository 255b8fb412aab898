"""Secrets, as the API shows them: all but the value, which only `reveal` gives."""

from __future__ import annotations

import msgspec


class Secret(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of a secret. `namespace` and `pipeline` are those of a pipeline's own; a global one has neither,
    but the `namespaces` whose pipelines may use it (`*`: all). Times in milliseconds since the epoch.
    """

    key: str
    namespace: str = ""
    pipeline: str = ""
    namespaces: list[str] = []
    created_at: int
    modified_at: int
    created_by: str = ""
    modified_by: str = ""


class _Value(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A value, which must not get into a log by way of a `repr`."""

    value: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(value=…)"


class PutSecret(_Value, kw_only=True):
    """Body of `PUT …/secrets/{key}` of a pipeline."""


class PutGlobalSecret(_Value, kw_only=True):
    """Body of `PUT /api/v1/secrets/{key}`. `namespaces` absent: those that it has, or for a new one an error."""

    namespaces: list[str] | None = None


class SecretSet(msgspec.Struct, kw_only=True):
    """Answer of both. `created`: there was none of that name before. `warnings`: what the value is not safe from."""

    secret: Secret
    created: bool
    warnings: list[str] = []


class Revealed(_Value, kw_only=True):
    """Answer of `POST …/secrets/{key}/reveal`."""


class Rotation(msgspec.Struct, kw_only=True):
    """Answer of `POST /api/v1/system/secrets/rotate-key`.

    `rotated` values were encrypted anew, of `total`, retired ones included; `damaged` ones do not decrypt.
    """

    rotated: int
    total: int
    damaged: int
