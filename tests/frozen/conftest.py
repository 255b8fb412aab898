"""The one-file program, in a bare Debian and on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frozen.box import Box, box_name
from tests.frozen.place import Place
from tests.support.program import ROOT, one_file_program

USER = ["--user", "4711:4711"]
READ_ONLY = ["--read-only", "--tmpfs", "/tmp:exec,mode=1777"]


@pytest.fixture(scope="session")
def program() -> Path:
    return one_file_program()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that everybody can read."""
    folder = tmp_path_factory.mktemp("files")
    for path in (folder, *folder.parents):
        if path.owner() == folder.owner() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    return folder


@pytest.fixture(scope="session")
def images() -> None:
    subprocess.run([ROOT / ".ci" / "debian-images"], check=True)


def _boxed(name: str, program: Path, files: Path, options: list[str]) -> Iterator[Box]:
    box = Box(box_name(name), program, files, options)
    try:
        box.start()
        yield box
    finally:
        box.remove()


@pytest.fixture(scope="session")
def box(images: None, program: Path, files: Path) -> Iterator[Box]:
    """As root."""
    yield from _boxed("root", program, files, [])


@pytest.fixture(scope="session")
def user_box(images: None, program: Path, files: Path) -> Iterator[Box]:
    """As an ordinary user who has no entry in /etc/passwd, where nothing can be written but in /tmp."""
    yield from _boxed("user", program, files, [*USER, *READ_ONLY])


@pytest.fixture
def place(program: Path, tmp_path: Path) -> Place:
    """The program on this machine, with folders of its own."""
    return Place(program, tmp_path)
