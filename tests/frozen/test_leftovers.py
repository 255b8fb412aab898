"""What a killed Gofer has left of its folder goes at the next `service start`; nothing else does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gofer.frozen.process import MARK
from tests.frozen.box import Box
from tests.frozen.place import FrozenServer, Place

LONG_AGO = 1_000_000_000.0


@contextmanager
def waiting(place: Place) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A program that waits, and the folder that it uses."""
    before = set(place.folders())
    with place.popen("python", "-c", "import time; print('there', flush=True); time.sleep(1000)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        (folder,) = set(place.folders()) - before
        try:
            yield process, folder
        finally:
            process.kill()


def started(place: Place) -> None:
    """`service start` and its end."""
    server = FrozenServer(place)
    server.start()
    assert server.stop() == 0, server.log_text()


def test_what_a_killed_one_left_is_removed(place: Place) -> None:
    with waiting(place) as (process, folder):
        process.kill()
        process.wait()
    assert place.is_still()
    assert (folder / "base_library.zip").is_file()
    started(place)
    assert folder.is_dir(), "it may be one that only begins"
    os.utime(folder, (LONG_AGO, LONG_AGO))
    started(place)
    assert place.folders() == []


def test_what_is_in_use_stays(place: Place) -> None:
    with waiting(place) as (_process, folder):
        os.utime(folder, (LONG_AGO, LONG_AGO))
        started(place)
        assert (folder / "base_library.zip").is_file()


def test_what_another_program_made_stays(place: Place) -> None:
    foreign = place.temporary / "_MEIforeign"
    foreign.mkdir()
    (foreign / "library.so").touch()
    file = place.temporary / "_MEIfile"
    file.touch()
    elsewhere = place.home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / MARK).touch()
    link = place.temporary / "_MEIlink"
    link.symlink_to(elsewhere)
    for path in (foreign, file, elsewhere):
        os.utime(path, (LONG_AGO, LONG_AGO))
    os.utime(link, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    started(place)
    assert (foreign / "library.so").exists()
    assert file.exists()
    assert link.is_symlink()
    assert (elsewhere / MARK).exists()


def test_what_another_user_made_stays(box: Box) -> None:
    made = ["/tmp/_MEIowned", "/tmp/_MEIother"]
    for path in made:
        box.sh(f"mkdir {path} && touch {path}/{MARK} && touch --date 2001-01-01 {path}")
    box.sh(f"chown -R 4711 {made[1]}")
    with box.serving("--engine", "process", "--storage", "/var/tmp/leftovers"):
        assert box.sh("ls -d /tmp/_MEIo*") == f"{made[1]}\n"
    box.sh(f"rm -r {made[1]}")
