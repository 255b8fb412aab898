from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gofer.server.auth.key import FILE, open_key


def test_it_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    key = open_key(tmp_path)
    assert len(key) == 32
    assert open_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_one_that_is_damaged_is_replaced(tmp_path: Path, length: int) -> None:
    (tmp_path / FILE).write_bytes(bytes(length))
    (tmp_path / f"{FILE}.new").write_bytes(b"left by a crash")
    assert open_key(tmp_path) == (tmp_path / FILE).read_bytes() != bytes(32)


def test_one_that_cannot_be_kept_holds_all_the_same(tmp_path: Path) -> None:
    assert len(open_key(tmp_path / "missing")) == 32
    (tmp_path / FILE).mkdir()
    assert len(open_key(tmp_path)) == 32
