"""Images: their digests, and pulling each of them once however many tasks wait for it."""

from __future__ import annotations

import asyncio
from typing import Final

from gofer.engines.scheduler.base import Credentials, OnPull, PullProgress
from gofer.engines.scheduler.docker_client import Client, Progress
from gofer.engines.scheduler.docker_errors import ApiError, pull_failed
from gofer.engines.scheduler.docker_spec import digest_of, with_tag
from gofer.errors import EngineUnavailable
from gofer.models.units import format_size

_REPORT_EVERY: Final = 2.0


class Digests:
    """Digests of images by their ids, asked for once each."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    async def of(self, image_id: str) -> str:
        """The digest in the registry; the id itself where there is none."""
        if image_id not in self._known:
            try:
                self._known[image_id] = digest_of(await self._client.image(image_id))
            except ApiError:
                # Removed by force while its container is still there.
                return image_id
        return self._known[image_id]


class _Pull:
    """One pull under way. `waiting` counts those who want it; the last to go away ends it."""

    def __init__(self, client: Client, image: str, credentials: Credentials | None) -> None:
        self._client = client
        self._image = image
        self._credentials = credentials
        self._layers: dict[str, tuple[int, int]] = {}
        self.waiting = 0
        self.task = asyncio.create_task(self._run(), name=f"docker pull {image}")

    def detail(self) -> str:
        """How far it is."""
        done = sum(layer[0] for layer in self._layers.values())
        total = sum(layer[1] for layer in self._layers.values())
        return f"{format_size(done)} of {format_size(total)}" if total else ""

    async def _run(self) -> str:
        reference = with_tag(self._image)
        try:
            async with self._client.pull(reference, self._credentials) as progress:
                await self._watch(progress)
            return digest_of(await self._client.image(reference))
        except ApiError as error:
            if error.passes:
                raise EngineUnavailable(f"the Docker Engine is not well: {error.message}") from error
            raise pull_failed(self._image, error.message) from error

    async def _watch(self, progress: Progress) -> None:
        async for step in progress:
            if "error" in step:
                raise ApiError(0, str((step.get("errorDetail") or {}).get("message") or step["error"]))
            detail = step.get("progressDetail") or {}
            if step.get("status") == "Downloading" and detail.get("total"):
                self._layers[str(step.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
            elif step.get("status") == "Download complete" and str(step.get("id")) in self._layers:
                total = self._layers[str(step["id"])][1]
                self._layers[str(step["id"])] = (total, total)


class Pulls:
    """Every pull that is under way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._running: dict[tuple[str, Credentials | None], _Pull] = {}

    async def pull(self, image: str, credentials: Credentials | None, on_pull: OnPull | None) -> str:
        """Pull the image, or join those who do; the result is its digest.

        `on_pull` is told of the beginning, now and then of the progress, and of the end. Raises StartFailed or
        EngineUnavailable. Cancelled, it ends the pull unless others wait for it.
        """
        key = (image, credentials)
        pull = self._running.get(key)
        if pull is None:
            pull = self._running[key] = _Pull(self._client, image, credentials)
            pull.task.add_done_callback(lambda task: self._ended(key, task))
        pull.waiting += 1
        try:
            return await self._follow(pull, image, on_pull)
        finally:
            pull.waiting -= 1
            if not pull.waiting and not pull.task.done():
                del self._running[key]
                pull.task.cancel()

    async def close(self) -> None:
        """End what is under way."""
        tasks = [pull.task for pull in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: tuple[str, Credentials | None], task: asyncio.Task[str]) -> None:
        if not task.cancelled():
            task.exception()  # Whoever still waits for it is told; nobody may be left.
            self._running.pop(key, None)

    async def _follow(self, pull: _Pull, image: str, on_pull: OnPull | None) -> str:
        if on_pull is None:
            return await asyncio.shield(pull.task)
        await on_pull(PullProgress(image, "", False))
        told = ""
        while not pull.task.done():
            await asyncio.wait({pull.task}, timeout=_REPORT_EVERY)
            if not pull.task.done() and pull.detail() != told:
                told = pull.detail()
                await on_pull(PullProgress(image, told, False))
        digest = await asyncio.shield(pull.task)
        await on_pull(PullProgress(image, digest, True))
        return digest
