"""Requests to the Docker Engine, through aiodocker.

Imported when it is first needed, not before: aiodocker takes long to load.

What aiodocker does not do right for us goes through its session: waiting (we must know that the engine waits before we
start), logs (it drops stream ids and takes a lost connection for the end) and pulling (likewise, and it refuses
credentials for images without a registry's name). Attaching has a connection of its own, see docker_wire.py.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple

import aiodocker
import aiohttp
from aiodocker.execs import Exec

from gofer.engines.scheduler.base import Credentials
from gofer.engines.scheduler.docker_address import Address, keep_alive, unavailable
from gofer.engines.scheduler.docker_errors import ApiError
from gofer.errors import EngineUnavailable

Progress = AsyncIterator[dict[str, Any]]

_CONNECT_TIMEOUT = 10.0
_NO_CONNECTION = 900
# As Go numbers them.
_MODE_FOLDER: Final = 1 << 31
_MODE_LINK: Final = 1 << 27
# The engine would compress an archive for whoever takes that, and that takes several times as long as sending it.
_PLAIN: Final = {"Accept-Encoding": "identity"}
_PATH_STAT: Final = "X-Docker-Container-Path-Stat"


class PathStat(NamedTuple):
    """What stands at a path in a container; with neither, it is a file or something special."""

    is_folder: bool
    is_link: bool


class Client:
    """One engine's API. Every method raises EngineUnavailable when it does not answer, ApiError when it refuses."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        self._connector: aiohttp.BaseConnector
        self._docker: aiodocker.Docker

    async def open(self) -> None:
        """Makes the connection pool; connects nowhere yet."""
        # By default only 100 requests may run at once, and a hundred waits would block everything else.
        if self._address.path:
            self._connector = aiohttp.UnixConnector(self._address.path, limit=0)
        else:
            tls = self._tls if self._tls is not None else True
            self._connector = aiohttp.TCPConnector(limit=0, ssl=tls, socket_factory=_kept_alive)
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_TIMEOUT)
        self._docker = aiodocker.Docker(url=self._address.url, connector=self._connector, timeout=timeout)

    async def close(self) -> None:
        """Drops every connection."""
        await self._docker.close()
        await self._connector.close()

    def speak(self, api_version: str) -> None:
        """The version of the API, as the engine has told it, that is spoken from here on."""
        self._docker.api_version = f"v{api_version}"

    async def create(self, name: str, body: Mapping[str, Any]) -> str:
        """The new container's id."""
        with self._errors():
            return (await self._docker.containers.create(body, name=name)).id

    async def start(self, container: str) -> None:
        """Start it; nothing happens if it runs."""
        with self._errors():
            await self._docker.containers.container(container).start()

    async def stop(self, container: str, seconds: int) -> None:
        """Returns when it has ended, killed after `seconds` if need be; at once if it does not run."""
        with self._errors():
            await self._docker.containers.container(container).stop(t=seconds)

    async def kill(self, container: str) -> None:
        """SIGKILL."""
        with self._errors():
            await self._docker.containers.container(container).kill(signal="SIGKILL")

    async def delete(self, container: str) -> None:
        """Remove it with its anonymous volumes, killing it if it runs."""
        with self._errors():
            await self._docker.containers.container(container).delete(force=True, v=True)

    async def inspect(self, container: str) -> dict[str, Any] | None:
        """Everything about a container, None if there is none."""
        with self._errors():
            try:
                return await self._docker.containers.container(container).show()
            except aiodocker.DockerError as error:
                if error.status != 404:
                    raise
        return None

    async def find(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Summaries of all containers that match, ended ones too."""
        params = {"all": "1", "filters": json.dumps(filters)}
        async with self._request("GET", "/containers/json", params=params) as response:
            return list(await response.json(content_type=None))

    async def image(self, reference: str) -> dict[str, Any]:
        """Everything about an image that is there."""
        with self._errors():
            return dict(await self._docker.images.inspect(reference))

    @asynccontextmanager
    async def pull(self, reference: str, credentials: Credentials | None) -> AsyncIterator[Progress]:
        """Pulls an image; inside the context its progress can be read."""
        headers = {"X-Registry-Auth": _registry_auth(reference, credentials)} if credentials else {}
        params = {"fromImage": reference}
        async with self._request("POST", "/images/create", params=params, headers=headers) as response:
            yield self._json_lines(response)

    async def wait(self, container: str, condition: str) -> asyncio.Task[dict[str, Any]]:
        """Returns once the engine waits for the container; the task's result is the engine's answer at its end."""
        response = await self._send("POST", f"/containers/{container}/wait", params={"condition": condition})
        return asyncio.create_task(self._answer(response), name=f"docker wait {container[:12]}")

    @asynccontextmanager
    async def logs(self, container: str, *, follow: bool) -> AsyncIterator[AsyncIterator[bytes]]:
        """The engine's own log from its beginning, in multiplexed frames with timestamps."""
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow))}
        async with self._request("GET", f"/containers/{container}/logs", params=params) as response:
            yield self._pieces(response)

    async def last_words(self, container: str, lines: int) -> str:
        """The end of what an ended container wrote to its standard error."""
        params = {"stderr": "1", "tail": str(lines)}
        async with self._request("GET", f"/containers/{container}/logs", params=params) as response:
            return (await response.read()).decode(errors="replace")

    async def stat(self, container: str, path: str) -> PathStat | None:
        """What is at a path of a container, without following a link there; None if nothing is."""
        try:
            response = await self._send("HEAD", f"/containers/{container}/archive", params={"path": path})
        except ApiError as error:
            if error.status == 404:
                return None
            # That answer has no text, and this has the same error with one.
            async with self.archive(container, path):
                raise
        async with response:
            mode = int(json.loads(base64.b64decode(response.headers.get(_PATH_STAT, "")))["mode"])
        return PathStat(bool(mode & _MODE_FOLDER), bool(mode & _MODE_LINK))

    async def put_archive(self, container: str, folder: str, chunks: AsyncIterator[bytes]) -> None:
        """Have a tar archive unpacked into an existing folder of a container. Raises what `chunks` raises, as it is."""
        body = _Body(chunks)
        params = {"path": folder, "noOverwriteDirNonDir": "1"}
        headers = {"Content-Type": "application/x-tar"}
        try:
            path = f"/containers/{container}/archive"
            async with self._request("PUT", path, params=params, headers=headers, data=body.pieces()) as response:
                await response.read()
        except EngineUnavailable:
            if body.failure is not None:
                raise body.failure from None
            raise

    @asynccontextmanager
    async def archive(self, container: str, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """What is at a path of a container, as a tar archive."""
        options = {"params": {"path": path}, "headers": _PLAIN}
        async with self._request("GET", f"/containers/{container}/archive", **options) as response:
            yield self._pieces(response)

    async def create_exec(self, container: str, command: list[str], *, terminal: bool) -> Exec:
        """A command to be run in a running container."""
        with self._errors():
            return await self._docker.containers.container(container).exec(command, stdin=True, tty=terminal)

    async def resize_exec(self, exec_id: str, columns: int, rows: int) -> None:
        """Its terminal's size."""
        with self._errors():
            await self._docker.containers.exec(exec_id).resize(w=columns, h=rows)

    async def inspect_exec(self, exec_id: str) -> dict[str, Any]:
        """Whether it runs, and its exit code."""
        with self._errors():
            return await self._docker.containers.exec(exec_id).inspect()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except aiodocker.DockerError as error:
            if error.status == _NO_CONNECTION:
                broke = isinstance(error.__context__, aiohttp.ServerDisconnectedError)
                raise unavailable(
                    self._address, "the connection broke" if broke else error.__context__ or error
                ) from error
            raise ApiError(error.status, error.message) from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise unavailable(self._address, "the connection broke") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise unavailable(self._address, error) from error

    async def _send(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        with self._errors():
            response = await self._docker.session.request(method, self._address.url + path, **options)
            if response.status < 400:
                return response
            async with response:
                raise ApiError(response.status, _message(await response.text(errors="replace")))

    @asynccontextmanager
    async def _request(self, method: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        response = await self._send(method, path, **options)
        try:
            with self._errors():
                yield response
        finally:
            # A response that was not read to its end may never end: its connection cannot serve others.
            if not response.content.at_eof():
                response.close()
            response.release()

    async def _answer(self, response: aiohttp.ClientResponse) -> dict[str, Any]:
        try:
            with self._errors():
                body = await response.read()
                if not body.strip():
                    raise unavailable(self._address, "it hung up")
                return dict(json.loads(body))
        finally:
            response.close()

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        with self._errors():
            async for piece in response.content.iter_any():
                yield piece

    async def _json_lines(self, response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
        with self._errors():
            async for line in response.content:
                yield json.loads(line)


class _Body:
    """What is sent. The library makes any error of its source into one of the connection, so it is kept here."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.failure: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except Exception as error:
            self.failure = error
            raise


def _message(body: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip()[:500]


def _registry_auth(reference: str, credentials: Credentials) -> str:
    host = reference.partition("/")[0]
    named = "/" in reference and ("." in host or ":" in host or host == "localhost")
    auth = {
        "username": credentials.user,
        "password": credentials.password,
        "serveraddress": host if named else "https://index.docker.io/v1/",
    }
    return base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()


def _kept_alive(info: Any) -> socket.socket:
    connection = socket.socket(*info[:3])
    keep_alive(connection)
    return connection
