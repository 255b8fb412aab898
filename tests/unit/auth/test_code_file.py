"""Which files prove that somebody may write to the server's folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gofer.cli.failure import CommandError
from gofer.cli.service.code_file import CodeFile
from gofer.cli.service.listener import check_listener
from gofer.errors import Refused
from gofer.models.bootstrap_code import CODE_FILE
from gofer.server.auth.bootstrap import take

CODE = "c" * 43


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / CODE_FILE


def lay(file: Path, text: str = CODE, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


def test_a_code_is_good_once(file: Path) -> None:
    lay(file)
    take(file, CODE)
    assert not file.exists()
    with pytest.raises(Refused):
        take(file, CODE)


def test_what_the_command_line_writes_the_server_takes(file: Path) -> None:
    with CodeFile(str(file)) as code:
        assert file.stat().st_mode & 0o777 == 0o600
        take(file, code)
        assert not file.exists()
    with CodeFile(str(file)) as other:
        assert other != code
    assert not file.exists()


@pytest.mark.parametrize("code", ["", "d" * 43, CODE[:-1], CODE + "c", "é" * 43, CODE + "\n"])
def test_another_code(file: Path, code: str) -> None:
    lay(file)
    with pytest.raises(Refused):
        take(file, code)
    assert file.exists()


@pytest.mark.parametrize("text", ["", "\n", "short", "c" * 42, "c c" * 20, "c" * 2000])
def test_a_file_without_a_code_proves_nothing(file: Path, text: str) -> None:
    """Such as one that somebody has touched: whoever sends an empty code must not get in."""
    lay(file, text)
    with pytest.raises(Refused):
        take(file, text)


def _link(file: Path) -> None:
    other = file.with_name("other")
    lay(other)
    file.symlink_to(other)


def _second_name(file: Path) -> None:
    other = file.with_name("other")
    lay(other)
    os.link(other, file)


def _readable(file: Path) -> None:
    lay(file, mode=0o640)


def _writable(file: Path) -> None:
    lay(file, mode=0o602)


@pytest.mark.parametrize("make", [_link, _second_name, _readable, _writable, os.mkfifo, os.mkdir])
def test_no_other_kind_of_file(file: Path, make: Callable[[Path], None]) -> None:
    make(file)
    with pytest.raises(Refused):
        take(file, CODE)
    assert os.path.lexists(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_nobody_elses(file: Path) -> None:
    lay(file)
    os.chown(file, 4711, 4711)
    with pytest.raises(Refused, match="another user"):
        take(file, CODE)
    os.chown(file.parent, 4711, 4711)
    take(file, CODE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_writes_it_for_the_owner_of_the_folder(file: Path) -> None:
    os.chown(file.parent, 4711, 4712)
    with CodeFile(str(file)):
        assert (file.stat().st_uid, file.stat().st_gid) == (4711, 4712)
    lay(file, "left behind")
    os.chown(file, 4711, 4712)
    with CodeFile(str(file)) as code:
        take(file, code)


def test_what_a_killed_call_has_left_is_replaced(file: Path) -> None:
    lay(file, "old")
    with CodeFile(str(file)) as code:
        assert file.read_text() == code


def test_what_it_has_not_made_stays(file: Path) -> None:
    target = file.with_name("precious")
    target.write_text("precious")
    file.symlink_to(target)
    with pytest.raises(CommandError, match="not of this command's making"), CodeFile(str(file)):
        pass
    assert target.read_text() == "precious"
    assert file.is_symlink()


@pytest.mark.parametrize("place", ["/etc/passwd", "bootstrap.code", "/etc/cron.d/x", ""])
def test_a_server_cannot_have_another_file_written(place: str) -> None:
    with pytest.raises(CommandError, match="no place for the proof"), CodeFile(place):
        pass


def test_the_code_is_shown_to_gofer_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        check_listener(port, tmp_path)
        check_listener(port, tmp_path / "nowhere")
    check_listener(port, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_code_is_not_shown_to_another_user(tmp_path: Path, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    os.seteuid(4711)  # a socket belongs to who makes it
    try:
        listener = socket.create_server((host, 0), family=family)
    finally:
        os.seteuid(0)
    with listener:
        port = listener.getsockname()[1]
        with pytest.raises(CommandError, match="a program of the user 4711"):
            check_listener(port, tmp_path)
        (tmp_path / "gofer.db").touch()
        os.chown(tmp_path / "gofer.db", 4711, 4711)
        check_listener(port, tmp_path)
        (tmp_path / "gofer.db").unlink()
        os.chown(tmp_path, 4711, 4711)
        check_listener(port, tmp_path)


def test_a_folder_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as refused, CodeFile(str(tmp_path / "elsewhere" / CODE_FILE)):
        pass
    assert "not on this machine" in refused.value.message
    assert "docker exec" in refused.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_nobody_but_root_and_gofers_user(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            with CodeFile(str(folder / CODE_FILE)):
                os.write(writing, b"it was written")
        except CommandError as error:
            os.write(writing, f"{error.message}\n{error.hint}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    assert "cannot be written: Permission denied" in said
    assert "Run it as root or as the user that Gofer runs as" in said
    assert list(folder.iterdir()) == []
