"""A Docker Engine of the tests' own, to be killed and restarted without disturbing the one that everybody uses."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gofer.engines.scheduler.docker import DockerScheduler
from gofer.engines.scheduler.docker_spec import DockerOptions
from gofer.errors import EngineUnavailable
from tests.conformance.conftest import IMAGE

_PATIENCE = 30.0


class SecondEngine:
    """`live_restore`: containers survive a restart of the engine, as they do in Docker's configuration of that name."""

    def __init__(self, folder: Path, *, live_restore: bool) -> None:
        self._folder = folder
        self._live_restore = live_restore
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """For `DOCKER_HOST` or `scheduler.docker.host`."""
        return f"unix://{self._folder}/docker.sock"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        folder = self._folder
        arguments = [
            "--host", self.address, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
            "--pidfile", f"{folder}/pid", "--bridge", "none", "--iptables=false", "--ip-forward=false",
        ]  # fmt: skip
        if self._live_restore:
            arguments.append("--live-restore")
        with (folder / "log").open("ab") as log:
            # Without a network of its own it would remove the bridge of the machine's engine.
            self._process = await asyncio.create_subprocess_exec(
                "unshare",
                "--net",
                "dockerd",
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self._answers(self._process)

    async def stop(self) -> None:
        """Have it end in its own way. Without `live_restore` it ends its containers first."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """It dies. Containers go on, whatever the configuration: it is the next start that ends them."""
        await self._end(signal.SIGKILL)
        # Its containerd died with it. Where nobody reaps orphans the engine would take the corpse for a living one.
        (self._folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """It neither answers nor hangs up, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """End it with everything that it runs, and remove what it kept."""
        try:
            if self._process is None:
                await self.start()
            self.thaw()
            await self.run("docker ps -aq | xargs -r docker rm -f -v")
            await self.stop()
        finally:
            for pid in _processes_of(self._folder):
                os.kill(pid, signal.SIGKILL)
            for mount in _mounts_below(self._folder):
                subprocess.run(["umount", "--lazy", mount], check=False)
            shutil.rmtree(self._folder, ignore_errors=True)

    async def run(self, script: str) -> str:
        """The output of a shell script whose `docker` talks to this engine."""
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", script, env={**os.environ, "DOCKER_HOST": self.address}, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output
        return output.decode()

    async def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        await self._process.wait()
        self._process = None

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        scheduler = DockerScheduler(DockerOptions(host=self.address))
        await scheduler.open()
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    try:
                        await scheduler.check()
                        return
                    except EngineUnavailable:
                        assert process.returncode is None, (self._folder / "log").read_text()
                        await asyncio.sleep(0.05)
        finally:
            await scheduler.close()


def _processes_of(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and f"{folder}/".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def _mounts_below(folder: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True)


@asynccontextmanager
async def second_engine(*, live_restore: bool) -> AsyncIterator[SecondEngine]:
    """A running one that has the image of the tests. Skips the test where this user cannot start one."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("starting a Docker Engine needs root and dockerd")
    # A short path: the engine's sockets are below it.
    engine = SecondEngine(Path(tempfile.mkdtemp(prefix="gofer-engine-")), live_restore=live_restore)
    await engine.start()
    try:
        image = await asyncio.create_subprocess_shell(
            f"docker save {IMAGE} | docker --host {engine.address} load -q", stdout=subprocess.DEVNULL
        )
        assert await image.wait() == 0
        yield engine
    finally:
        await engine.close()
