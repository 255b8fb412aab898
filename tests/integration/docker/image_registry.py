"""A small image registry of the tests' own, as much of its protocol as an engine needs to pull one image."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tarfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiodocker
from aiohttp import web

from tests.conformance.conftest import IMAGE

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
REPOSITORY = "gofer/test"


class Registry:
    """Serves `image`. `open` lets layers through; `login` is `(user, password)` where one is asked for."""

    def __init__(self, layer: bytes, login: tuple[str, str] | None) -> None:
        self._login = login
        self._blobs: dict[str, bytes] = {}
        packed = gzip.compress(layer, 1)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        body = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._add("application/vnd.docker.container.image.v1+json", body),
            "layers": [self._add("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)],
        }
        self._manifest = json.dumps(manifest).encode()
        self._layer = _digest(packed)
        self.digest = _digest(self._manifest)
        self.requests: Counter[str] = Counter()
        self.asked_for_layer = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.host = ""

    @property
    def image(self) -> str:
        return f"{self.host}/{REPOSITORY}:1"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self._login is not None and not self._welcome(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="test"'})
        kind, _, name = request.path.removeprefix(f"/v2/{REPOSITORY}/").partition("/")
        if request.path == "/v2/":
            return web.json_response({})
        if kind == "manifests" and name in ("1", self.digest):
            self.requests["manifest"] += request.method == "GET"
            headers = {"Docker-Content-Digest": self.digest}
            return web.Response(body=self._manifest, content_type=_MANIFEST, headers=headers)
        if kind == "blobs" and name in self._blobs:
            if name == self._layer:
                self.requests["layer"] += 1
                self.asked_for_layer.set()
                await self.open.wait()
            return web.Response(body=self._blobs[name])
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}, status=404)

    def _add(self, media_type: str, blob: bytes) -> dict[str, Any]:
        self._blobs[_digest(blob)] = blob
        return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}

    def _welcome(self, request: web.Request) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(token).decode() == ":".join(self._login or ())


@asynccontextmanager
async def registry(docker: aiodocker.Docker, *, login: tuple[str, str] | None = None) -> AsyncIterator[Registry]:
    """A running registry with an image that the engine has not; the engine forgets it afterwards."""
    served = Registry(await _layer(docker), login)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        served.open.set()
        await runner.cleanup()
        for image in await docker.images.list():
            if any(tag.startswith(f"{served.host}/") for tag in image["RepoTags"] or ()):
                await docker.images.delete(image["Id"], force=True)


async def _layer(docker: aiodocker.Docker) -> bytes:
    """The one layer of the tests' image and a file that makes it another."""
    saved = io.BytesIO()
    async with docker.images.export_image(IMAGE) as content:
        while piece := await content.read(1 << 20):
            saved.write(piece)
    with tarfile.open(fileobj=io.BytesIO(saved.getvalue())) as image:
        listing = image.extractfile("manifest.json")
        assert listing is not None
        member = image.extractfile(json.load(listing)[0]["Layers"][0])
        assert member is not None
        layer = io.BytesIO(member.read())
    with tarfile.open(fileobj=layer, mode="a") as tar:
        unique = uuid.uuid4().bytes
        info = tarfile.TarInfo("unique")
        info.size = len(unique)
        tar.addfile(info, io.BytesIO(unique))
    return layer.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
