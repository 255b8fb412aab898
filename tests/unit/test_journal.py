"""Lines for journald."""

from __future__ import annotations

import os
import socket

from gofer.journal import is_journal, marked


def test_a_stream_is_the_journal_if_its_inode_is_named() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("w") as stream:
        found = os.fstat(ours.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(stream, {})
        assert not is_journal(None, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})


def test_every_line_has_its_level() -> None:
    assert marked("error: one\n  two", "error") == "<3>error: one\n<3>  two"
    assert marked("fine", "info") == "<6>fine"
    assert marked("a level that nobody knows is shown rather than hidden", "fatal").startswith("<3>")
