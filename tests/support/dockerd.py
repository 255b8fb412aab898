"""A Docker Engine of the tests' own, beside the machine's, so that it can be stopped without disturbing anybody."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

IMAGE = "busybox:stable"


class OwnDockerd:
    """Needs root. Containers survive a stop of the engine (`live-restore`) or not, as `keeps_containers` says."""

    def __init__(self, folder: Path, *, keeps_containers: bool) -> None:
        self._folder = folder
        self._keeps = keeps_containers
        self._process: subprocess.Popen[bytes] | None = None
        self.host = f"unix://{folder}/docker.sock"

    def start(self) -> None:
        """Start the engine; returns once it answers."""
        f = self._folder
        f.mkdir(parents=True, exist_ok=True)
        (f / "daemon.json").write_text("{}")
        # Without a network of its own it would remove the bridge of the machine's engine.
        command = [
            "unshare",
            "--net",
            "dockerd",
            f"--host={self.host}",
            f"--data-root={f}/data",
            f"--exec-root={f}/exec",
        ]
        command += [f"--pidfile={f}/pid", f"--config-file={f}/daemon.json", "--bridge=none", "--iptables=false"]
        command += [f"--live-restore={str(self._keeps).lower()}"]
        with (f / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_it_answers()

    def load_image(self) -> None:
        """Copy the test image over from the machine's engine."""
        saved = subprocess.run(["docker", "save", IMAGE], check=True, capture_output=True).stdout
        self.docker("load", given=saved)

    def docker(self, *arguments: str, given: bytes | None = None) -> str:
        """A docker command against this engine; its output."""
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, check=True, capture_output=True, input=given).stdout.decode()

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)

    def close(self) -> None:
        """Remove every container and stop."""
        names = self.docker("ps", "--all", "--quiet").split()
        if names:
            self.docker("rm", "--force", *names)
        self.stop()
        # With live-restore the engine mounts its folder onto itself and leaves it so.
        subprocess.run(["umount", "--lazy", f"{self._folder}/data"], capture_output=True, check=False)

    def _wait_until_it_answers(self) -> None:
        # The engine makes its socket before it answers on it; the client's own connection is the only sign there is.
        environ = os.environ | {"DOCKER_HOST": self.host}
        for _ in range(600):
            if subprocess.run(["docker", "version"], env=environ, capture_output=True).returncode == 0:
                return
            assert self._process is not None
            try:
                self._process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError((self._folder / "dockerd.log").read_text()[-2000:])
        raise AssertionError("dockerd does not answer")
