"""Builds images where no registry answers: on a Debian's Python, with wheels that were fetched outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pip

ROOT = Path(__file__).parents[2]
BASE = "gofer-test-base"
TAG = "test"
# What Python the base has, and the newest glibc.
_PYTHON, _GLIBC = "311", range(17, 37)


def base(folder: Path) -> None:
    """Make the image `BASE`: gofer-test-python with pip, and in /wheels what the triggers stand on."""
    subprocess.run([ROOT / ".ci" / "debian-images"], check=True)
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in _GLIBC] + ["manylinux2014_x86_64"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--python-version", "3.11", "--implementation", "cp"]
    command += ["--abi", f"cp{_PYTHON}", "--abi", "abi3", "--dest", str(folder / "wheels")]
    command += [word for platform in platforms for word in ("--platform", platform)]
    subprocess.run([*command, "--requirement", ROOT / "requirements/triggers.txt"], check=True)
    shutil.copytree(Path(pip.__file__).parent, folder / "pip", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "Dockerfile").write_text(
        "FROM gofer-test-python\nCOPY pip/ /usr/lib/python3/dist-packages/pip/\nCOPY wheels/ /wheels/\n"
    )
    subprocess.run(["docker", "build", "--quiet", "--tag", BASE, folder], check=True, capture_output=True)


def build(*images: str) -> subprocess.CompletedProcess[str]:
    """Build images such as `trigger/cron`, with the script that everybody uses; their names come back on stdout."""
    environment = {"PYTHON_BASE": BASE, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "TAG": TAG}
    return subprocess.run(
        [ROOT / "packaging/images/build", *images],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def remove(*images: str) -> None:
    """Remove images that `build` has made."""
    names = [f"gofer-{image.replace('/', '-')}:{TAG}" for image in images]
    subprocess.run(["docker", "image", "rm", "--force", *names], capture_output=True, check=False)


def run(image: str, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """What a container of it says, without a network."""
    command = ["docker", "run", "--rm", "--network", "none", *options, f"gofer-{image.replace('/', '-')}:{TAG}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60)
