"""Laying the service down in a folder. On a machine with systemd: tests/systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gofer.cli.failure import CommandError
from gofer.cli.manual import manual
from gofer.cli.service.systemd.ground import Ground
from gofer.cli.service.systemd.lay_down import lay_down
from gofer.cli.service.systemd.layout import RECEIPT
from gofer.cli.service.systemd.take_away import take_away
from gofer.config.encryption_keys import parse_key
from tests.cli.conftest import Gofer

PROGRAM = Path("/opt/gofer/bin/gofer")
KEY = "etc/credstore/gofer.encryption-key"
UNIT = "usr/local/lib/systemd/system/gofer.service"


def install(root: Path, *, dry: bool = False) -> set[str]:
    ground = Ground(root, dry=dry)
    ground.check()
    lay_down(ground, PROGRAM, None)
    return {step.action for step in ground.steps}


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_is_laid_down_twice_is_the_same(tmp_path: Path) -> None:
    assert install(tmp_path, dry=True) == {"write"}
    assert list(tmp_path.iterdir()) == []
    assert install(tmp_path) == {"write"}
    first = files(tmp_path)
    assert f"ExecStart={PROGRAM} --format silent service start" in first[UNIT].decode()
    assert b"dev_mode = false" in first["etc/gofer/gofer.hcl"]
    assert install(tmp_path) == {"keep"}
    assert files(tmp_path) == first


def test_what_is_taken_away_is_only_what_was_laid_down(tmp_path: Path) -> None:
    mine = tmp_path / "usr/local/lib/systemd/system/mine.service"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    data = tmp_path / "var/lib/gofer/gofer.db"
    data.parent.mkdir(parents=True)
    data.write_text("data")
    install(tmp_path)
    (tmp_path / "usr/local/lib/tmpfiles.d/gofer.conf").write_text("changed")
    left = take_away(Ground(tmp_path, dry=False))
    assert left == [tmp_path / "etc/gofer/gofer.hcl", tmp_path / KEY, tmp_path / "var/lib/gofer"]
    assert set(files(tmp_path)) == {
        "usr/local/lib/systemd/system/mine.service",
        "usr/local/lib/tmpfiles.d/gofer.conf",
        "etc/gofer/gofer.hcl",
        KEY,
        "var/lib/gofer/gofer.db",
    }
    with pytest.raises(CommandError, match="nothing was installed"):
        take_away(Ground(tmp_path, dry=False))


def test_what_an_error_cut_short_is_known_to_the_next_call(tmp_path: Path) -> None:
    in_the_way = tmp_path / "usr/local/share/man/man1/gofer.1"
    in_the_way.mkdir(parents=True)
    with pytest.raises(CommandError, match=r"cannot write .*gofer\.1"):
        install(tmp_path)
    in_the_way.rmdir()
    assert install(tmp_path) == {"keep", "write"}
    take_away(Ground(tmp_path, dry=False))
    assert set(files(tmp_path)) == {"etc/gofer/gofer.hcl", KEY}


def test_the_encryption_key_is_made_once_for_root_alone(tmp_path: Path) -> None:
    install(tmp_path, dry=True)
    assert not (tmp_path / "etc").exists()
    install(tmp_path)
    path = tmp_path / KEY
    made = path.read_text()
    assert len(parse_key(made.removesuffix("\n"))) == 32
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    install(tmp_path)
    take_away(Ground(tmp_path, dry=False))
    install(tmp_path)
    assert path.read_text() == made
    assert KEY not in (tmp_path / RECEIPT.relative_to("/")).read_text()
    other = tmp_path / "other"
    other.mkdir()
    install(other)
    assert (other / KEY).read_text() != made


def test_a_receipt_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / RECEIPT.relative_to("/")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(CommandError, match="cannot be read") as caught:
        install(tmp_path)
    assert "Remove it" in caught.value.hint


def test_a_root_that_is_not_there(alone: Gofer) -> None:
    said = alone("service", "install", "--root", "nowhere")
    assert said.code == 5
    assert "is no folder" in said.err
    said = alone("service", "uninstall", "--root", ".")
    assert said.code == 4
    assert "nothing was installed" in said.err


def test_the_manual_page_is_sound_and_names_every_command() -> None:
    page = manual()
    assert page.startswith(".TH GOFER 1")
    for command in ("run start", "service install", "taskrun attach"):
        assert f".B {command}\n" in page
    assert page.isascii()


def test_groff_has_nothing_to_say_of_the_manual_page(tmp_path: Path) -> None:
    (tmp_path / "gofer.1").write_text(manual())
    try:
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", "-Tutf8", tmp_path / "gofer.1"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no groff")
    assert (done.returncode, done.stderr) == (0, "")
