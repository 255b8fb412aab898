"""The program, and machines that run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def program() -> Path:
    """The one-file program to test."""
    path = Path(os.environ.get("GOFER_TEST_BINARY", ROOT / "dist" / "gofer"))
    if not path.is_file():
        pytest.fail(f"{path} does not exist: make it with `make binary`, or name one with GOFER_TEST_BINARY")
    return path


@pytest.fixture(scope="session")
def images() -> None:
    subprocess.run([ROOT / ".ci" / "debian-images"], check=True)


@pytest.fixture(scope="module")
def bare(images: None, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine without Gofer."""
    if os.geteuid() != 0:
        pytest.skip("only root may enter a machine's network")
    machine = Machine(f"gofer-test-{request.module.__name__.rpartition('_')[2]}-{os.getpid()}")
    try:
        machine.boot()
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def machine(bare: Machine, program: Path) -> Machine:
    """A machine with Gofer as a service, which is enabled and runs."""
    bare.copy(program, "/tmp/gofer")
    bare.ok("/tmp/gofer", "service", "install")
    bare.ok("systemctl", "enable", "--now", "gofer")
    bare.bootstrap()
    return bare
