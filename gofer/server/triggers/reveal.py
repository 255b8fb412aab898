"""A subscription's settings as its trigger is told them: with the values of secrets in place of references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gofer.engines.secret_store.base import DamagedSecret
from gofer.errors import Conflict, GoferError
from gofer.models.ids import shown
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_cache import MaskCache
from gofer.server.pipelines.interpolation import Reference
from gofer.server.pipelines.subscription_settings import interpolated, secrets_of
from gofer.server.secrets.secrets import Secrets
from gofer.server.triggers.hide import ToldSecrets, with_beginnings

_NO_MASKS = Masks(())


class Unrevealed(GoferError):
    """A secret that the settings name does not exist, or not for this pipeline, or does not decrypt."""

    status = 422
    title = "Secret not found"


class Settings(NamedTuple):
    """`masks` hide the secrets in what the trigger has to say."""

    values: dict[str, Any]
    masks: Masks


class Revealer:
    """Looks secrets up for who tells them; from then on `told` hides them."""

    def __init__(self, secrets: Secrets, told: ToldSecrets) -> None:
        self._secrets = secrets
        self._told = told
        self._masks = MaskCache()

    async def settings(self, namespace: str, pipeline: str, settings: Mapping[str, Any]) -> Settings:
        """Raises Unrevealed, naming all keys that there is nothing for, or Unavailable."""
        found: dict[Reference, str] = {}
        missing: list[Unrevealed] = []
        for one in secrets_of(settings):
            try:
                found[one] = await self._one(namespace, pipeline, one)
            except Unrevealed as error:
                missing.append(error)
        if missing:
            raise Unrevealed("; ".join(one.message for one in missing), " ".join(one.hint for one in missing))
        values = interpolated(settings, lambda kind, key: found[Reference(kind, key)])
        hidden = with_beginnings(found.values())
        masks = await self._masks.of(hidden, keep=False) if found else _NO_MASKS
        self._told.add(hidden, masks)
        return Settings(values, masks)

    async def settle(self) -> None:
        """To be called when much was looked up: what hides it is made quicker."""
        await self._told.settle()

    async def _one(self, namespace: str, pipeline: str, wanted: Reference) -> str:
        try:
            value = await self._secrets.resolve(namespace, pipeline, wanted.kind, wanted.key)
        except (Conflict, DamagedSecret) as error:
            raise Unrevealed(f"{wanted}: {error.message}", error.hint) from error
        if value is not None:
            return value
        if wanted.kind == "secret":
            where = f"--pipeline {pipeline} --namespace {namespace}"
            raise Unrevealed(
                f"{wanted}: the pipeline {shown(pipeline)} has no such secret",
                f"Set it with: gofer secret put {wanted.key} {where}.",
            )
        raise Unrevealed(
            f"{wanted}: there is no such global secret that the namespace {shown(namespace)} may use",
            f"Set it with: gofer secret put {wanted.key} --global --namespaces {namespace}.",
        )
