"""Where the program unpacks itself: other folders, full ones, and those that no program may be run from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.frozen.box import FILES, IMAGE, Said
from tests.frozen.place import FrozenServer, Place
from tests.support.program import ROOT
from tests.support.until import until

TROUBLE = ROOT / "docs" / "troubleshooting.md"


def once(program: Path, files: Path, *options: str, script: str) -> Said:
    """A script in a container that is gone afterwards."""
    command = ["docker", "run", "--rm", "--network", "none", "--label", "gofer.test=frozen", *options]
    command += ["--volume", f"{program}:/usr/local/bin/gofer:ro", "--volume", f"{files}:{FILES}:ro"]
    done = subprocess.run([*command, IMAGE, "sh", "-c", script], capture_output=True, check=False, timeout=100)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_what_is_unpacked_goes_where_tmpdir_says(place: Place) -> None:
    said = place.ok("python", "-c", "import os, sqlite3; print(sqlite3.__file__); print(os.environ['TMPDIR'])")
    library, folder = said.out.splitlines()
    assert library.startswith(f"{place.temporary}/_MEI")
    assert folder == str(place.temporary)
    assert place.folders() == []


@pytest.mark.usefixtures("images")
def test_a_read_only_disk_needs_only_a_folder_for_temporary_files(program: Path, files: Path) -> None:
    options = ["--read-only", "--tmpfs", "/tmp:exec", "--user", "4711"]
    said = once(program, files, *options, script="gofer --version && gofer python -c 'import ssl' && ls -A /tmp")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("gofer ")
    assert said.out.count("\n") == 1


@pytest.mark.usefixtures("images")
def test_a_process_id_makes_no_name_that_is_taken(program: Path, files: Path) -> None:
    options = [
        "--cap-add",
        "SYS_ADMIN",
        "--security-opt",
        "seccomp=unconfined",
        "--security-opt",
        "apparmor=unconfined",
    ]
    # Python is then process 11, and `python3.11` a folder of its library. Docker's /proc/sys can only be read.
    number = "umount /proc/sys; echo 9 >/proc/sys/kernel/ns_last_pid"
    script = f"{number}; gofer python -c 'import os; print(os.getpid())'"
    assert once(program, files, *options, script=script) == (0, "11\n", "")


# What the bootloader and the loader of shared libraries say, before a line of Gofer's has run: docs/troubleshooting.md
# lists these words, so that whoever meets them finds what to do.
@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--tmpfs", "/tmp:noexec"], 127, "failed to map segment from shared object"),
        (["--read-only"], 255, "Could not create temporary directory!"),
        (["--tmpfs", "/tmp:exec,size=1m"], 255, "No space left on device"),
    ],
    ids=["noexec", "read-only", "full"],
)
def test_what_is_said_before_python_begins_is_explained(
    program: Path, files: Path, options: list[str], code: int, words: str
) -> None:
    said = once(program, files, *options, script="gofer pipeline list")
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert words in TROUBLE.read_text()


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    "options",
    [["--tmpfs", "/tmp:noexec", "--tmpfs", "/elsewhere:exec"], ["--read-only", "--tmpfs", "/elsewhere:exec"]],
    ids=["noexec", "read-only"],
)
def test_another_folder_mends_it(program: Path, files: Path, options: list[str]) -> None:
    said = once(program, files, *options, "--env", "TMPDIR=/elsewhere", script="gofer python -c 'import ssl; print(1)'")
    assert said == (0, "1\n", "")


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("size", [8, 10, 14])
def test_a_folder_that_fills_up_is_an_error_and_no_crash(program: Path, files: Path, size: int) -> None:
    start = "timeout 30 gofer service start --engine process --host localhost:0 --storage /var/tmp/gofer; echo $?"
    said = once(program, files, "--tmpfs", f"/tmp:exec,size={size}m", script=f"{start}; ls -A /tmp")
    assert said.out == "74\n"
    error, hint = said.err.splitlines()
    assert error.startswith("error: cannot unpack /tmp/_MEI")
    assert error.endswith("No space left on device")
    assert "TMPDIR" in hint


@pytest.mark.usefixtures("images")
def test_as_much_room_as_the_documentation_says_is_enough(program: Path, files: Path) -> None:
    """25 MB for a server, 16 for each of its two triggers, 10 for a command beside it."""
    script = """
        gofer service start --engine docker --host localhost:8080 --storage /var/tmp/gofer >/var/tmp/out 2>&1 &
        until gofer --format json service info; do kill -0 $! || exit 1; done
        until [ $(gofer trigger list | grep -c healthy) = 2 ]; do kill -0 $! || exit 1; done >&2
        kill $! && wait $!
    """
    options = ["--tmpfs", "/tmp:exec,size=67m", "--volume", "/var/run/docker.sock:/var/run/docker.sock"]
    said = once(program, files, *options, script=script)
    assert said.code == 0, said
    assert said.json["engine"]["name"] == "docker"
    assert "a command needs 10 MB there, a server 25 MB and 16 MB more for each built-in trigger" in TROUBLE.read_text()


@pytest.mark.usefixtures("images")
def test_what_the_bootloader_leaves_of_itself_on_a_full_disk_is_known_as_gofers(program: Path, files: Path) -> None:
    said = once(program, files, "--tmpfs", "/tmp:exec,size=1m", script="gofer --version; ls -A /tmp/_MEI*")
    assert "gofer.mark" in said.out.split()


@pytest.mark.usefixtures("images")
def test_who_clears_old_files_away_leaves_alone_what_is_in_use(program: Path, files: Path) -> None:
    """As systemd-tmpfiles does after ten days, or thirty: here after none."""
    script = """
        mkdir /var/tmp/old && touch /var/tmp/old/file
        gofer python -c 'import json, sys; print("there", flush=True); sys.stdin.read(); import ssl; print("ssl")' \\
            </var/tmp/wait >/var/tmp/said &
        exec 3>/var/tmp/wait
        until grep -q there /var/tmp/said; do :; done
        echo 'd /var/tmp 1777 root root 0' >/var/tmp.conf
        systemd-tmpfiles --clean /var/tmp.conf
        ls -d /var/tmp/old /var/tmp/_MEI*/base_library.zip
        exec 3>&-
        wait
    """
    command = ["docker", "run", "--rm", "--network", "none", "--label", "gofer.test=frozen", "--env", "TMPDIR=/var/tmp"]
    command += ["--volume", f"{program}:/usr/local/bin/gofer:ro", "gofer-test-systemd"]
    done = subprocess.run(
        [*command, "bash", "-c", f"mkfifo /var/tmp/wait\n{script}"], capture_output=True, check=False, timeout=100
    )
    assert b"/var/tmp/_MEI" in done.stdout, done
    assert b"/var/tmp/old" not in done.stdout


def test_a_server_whose_folder_was_cleared_unpacks_anew(place: Place) -> None:
    server = FrozenServer(place)
    api = server.start()
    try:
        (folder,) = place.folders()
        gone = sorted(folder.rglob("*.so"))
        for path in gone:
            path.unlink()
        assert api.raw("GET", "/docs/")[0] == 200
        assert api.raw("GET", "/api/docs")[0] == 200
        api.register({"id": "p", "tasks": [{"id": "t", "image": "i", "script": "echo there"}]})
        assert api.ended("p", api.start("p"))["status"] == "successful"
    finally:
        assert server.stop() == 0, server.log_text()
    assert until(lambda: not place.folders(), "the folder is removed")
