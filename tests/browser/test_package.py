"""The wheel holds the console and serves it; a Gofer without it says so."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gofer.server.site.console import ARCHIVE
from tests.browser.tab import ROOT
from tests.support.console import check_console
from tests.support.server import Api, ServerProcess

_LOCK = ROOT / "gofer" / "ui" / "console" / "package-lock.json"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The wheel of this checkout, as installing it would unpack it."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _start(unpacked: Path, home: Path) -> tuple[ServerProcess, Api]:
    # Before anything else on the path, this checkout too.
    begin = f"import sys; sys.path.insert(0, {str(unpacked)!r}); from gofer.__main__ import main; sys.exit(main())"
    server = ServerProcess(home, "process", program=(sys.executable, "-c", begin))
    return server, server.start()


def test_the_wheel_serves_the_console_and_without_it_says_so(unpacked: Path, tmp_path: Path) -> None:
    packed = unpacked / "gofer" / "server" / "console.zip"
    assert hashlib.sha256(packed.read_bytes()).digest() == hashlib.sha256(ARCHIVE.read_bytes()).digest()
    assert not (unpacked / "gofer" / "ui" / "console").exists(), "the console's source is no part of a wheel"
    server, api = _start(unpacked, tmp_path / "with")
    check_console(api, packed)
    assert server.stop() == 0, server.log_text()
    packed.unlink()
    server, api = _start(unpacked, tmp_path / "without")
    status, page = api.raw("GET", "/ui/n/default")
    assert (status, b"No console here" in page, b"make ui" in page) == (404, True, True)
    assert api.raw("GET", "/ui/licences.md")[0] == 404
    assert server.stop() == 0, server.log_text()


def test_every_library_in_the_console_comes_with_its_licence() -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        parts = re.split(r"^## ", archive.read("licences.md").decode(), flags=re.MULTILINE)[1:]
    found = {part.partition(" - ")[0]: part for part in parts}
    wanted = json.loads((ROOT / "gofer/ui/console/package.json").read_text())["dependencies"]
    assert {"svelte", *wanted} <= found.keys()
    for name, text in found.items():
        assert "Copyright" in text, f"{name} without its licence"


def test_the_locked_packages_name_no_host_but_are_checked_by_their_hashes() -> None:
    packages = json.loads(_LOCK.read_text())["packages"]
    assert len(packages) > 100
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name
