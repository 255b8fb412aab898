"""A machine that systemd runs: a container of the image gofer-test-systemd, with a Docker Engine of its own."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tests.support.server import Api, bearer
from tests.support.until import PATIENCE, until
from tests.systemd import control_groups

T = TypeVar("T")

IMAGE = "gofer-test-systemd"
PORT = 8080
_NEW_NETWORK = 0x40000000
_LABEL = "gofer.test=systemd"
# systemd leaves it to who starts a container to share the mounts, without which no credential reaches a service.
_INIT = "mount --make-rshared / && exec /lib/systemd/systemd"


class Machine:
    """Boots, and is gone for good when it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.token = ""
        self._pid = 0

    def boot(self) -> None:
        """Start it, and wait until systemd has done everything that belongs to the boot."""
        remove(self.name)
        command = ["docker", "run", "--detach", "--name", self.name, "--hostname", "machine", "--label", _LABEL]
        command += ["--stop-signal", "SIGRTMIN+3"]
        command += ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]
        command += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        command += ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "--volume", "/var/lib/docker"]
        command += ["--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", IMAGE, "sh", "-c", _INIT]
        subprocess.run(command, check=True, capture_output=True)
        self._booted()
        with subprocess.Popen(["docker", "save", "busybox:stable"], stdout=subprocess.PIPE) as save:
            command = ["docker", "exec", "--interactive", self.name, "docker", "load", "--quiet"]
            subprocess.run(command, stdin=save.stdout, check=True, capture_output=True)

    def reboot(self) -> None:
        """Stop everything and boot again, from the same disk."""
        subprocess.run(["docker", "restart", "--time", "30", self.name], check=True, capture_output=True)
        self._booted()

    def close(self) -> None:
        remove(self.name)

    def ok(self, *command: str, stdin: bytes | None = None) -> str:
        """Run a command that must succeed; returns its stdout."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *command: str, stdin: bytes | None = None, user: str = "root") -> subprocess.CompletedProcess[str]:
        argv = ["docker", "exec", "--interactive", "--user", user, self.name, *command]
        done = subprocess.run(argv, input=stdin or b"", capture_output=True, check=False, timeout=300)
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    def popen(self, *command: str) -> subprocess.Popen[bytes]:
        """A command that goes on beside the test; its stdout and stderr are one."""
        argv = ["docker", "exec", self.name, *command]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def copy(self, source: Path, target: str) -> None:
        """Put a file of this machine into it."""
        self.ok(
            "sh", "-c", f"cat > {target} && chmod {source.stat().st_mode & 0o777:o} {target}", stdin=source.read_bytes()
        )

    def write(self, path: str, text: str) -> None:
        self.ok("sh", "-c", f"mkdir -p $(dirname {path}) && cat > {path}", stdin=text.encode())

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.ok("systemctl", "show", "--value", "--property", name, unit).strip()

    def journal(self, *arguments: str) -> list[dict[str, Any]]:
        """Entries of the service's journal, the oldest first."""
        self.ok("journalctl", "--sync")
        text = self.ok("journalctl", "--output", "json", "--unit", "gofer", "--no-pager", *arguments)
        return [json.loads(line) for line in text.splitlines()]

    def gofer(self, *arguments: str) -> Any:
        """A command of Gofer's that must succeed; returns the JSON document it prints."""
        return json.loads(self.ok("gofer", "--format", "json", *arguments))

    def bootstrap(self) -> None:
        """Make the root token, and keep it where root's commands find it."""
        self.token = self.gofer("service", "token", "bootstrap")["secret"]
        self.ok("sh", "-c", "umask 077 && cat > /root/.gofer.hcl", stdin=f'token = "{self.token}"\n'.encode())

    def server_process(self) -> int:
        """The number of the process that serves, as this machine's own processes see it."""
        main = self.show("gofer", "MainPID")
        children = self.ok("cat", f"/proc/{main}/task/{main}/children").split()
        assert len(children) == 1, children
        return int(children[0])

    def signal(self, name: str, process: int | str) -> None:
        """Send a signal to a process."""
        self.ok("sh", "-c", f"kill -{name} {process}")

    @property
    def api(self) -> Api:
        return MachineApi(self)

    def connect(self, port: int = PORT, timeout: float = PATIENCE) -> socket.socket:
        """A connection to its own loopback address."""
        return self.inside(lambda: socket.create_connection(("127.0.0.1", port), timeout=timeout))

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in its network; a socket made there stays of that network."""
        result: list[T] = []
        errors: list[BaseException] = []

        def go() -> None:
            try:
                with open(f"/proc/{self._pid}/ns/net") as network:  # noqa: PTH123
                    _enter(network.fileno())
                result.append(work())
            except BaseException as error:
                errors.append(error)

        # A thread of its own, as the network of this one must stay.
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return result[0]

    def _booted(self) -> None:
        inspected = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Pid}}", self.name], check=True, capture_output=True
        )
        self._pid = int(inspected.stdout)
        state = until(self._state, "systemd has booted")
        assert state == "running", self.run("systemctl", "--failed", "--no-pager").stdout

    def _state(self) -> str:
        done = self.run("systemctl", "is-system-running", "--wait")
        return done.stdout.strip() if done.stdout.strip() in ("running", "degraded") else ""


class MachineApi(Api):
    """The API of the service in a machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(f"http://localhost:{PORT}", machine.token)
        self._machine = machine

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", PORT)
        connection.sock = self._machine.connect()
        try:
            given = {"Content-Type": "application/json", **bearer(self.token), **(headers or {})}
            connection.request(method, path if path.startswith("/") else f"/api/v1/{path}", body, given)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def remove(name: str) -> None:
    """Remove a machine with all that it had, if there is one of that name."""
    asked = ["docker", "inspect", "--format", "{{.Id}}", name]
    found = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()
    if not found:
        return
    subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)
    control_groups.clear(found)


def _enter(network: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(network, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))
