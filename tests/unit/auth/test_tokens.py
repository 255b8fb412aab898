from __future__ import annotations

import re
import zlib
from typing import Literal

import pytest

from gofer.server.auth.tokens import digest_of, kind_of, new_token, token_of

KEY = bytes(range(32))


def test_the_form() -> None:
    token = token_of(KEY, "uid")
    assert re.fullmatch(r"gofer_run_[0-9A-Za-z]{49}", token)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    check = 0
    for digit in token[-6:]:
        check = check * 62 + digits.index(digit)
    assert check == zlib.crc32(token[:-6].encode())


def test_one_attempt_has_one_token_and_no_other_has_it() -> None:
    assert token_of(KEY, "uid") == token_of(KEY, "uid")
    assert len({token_of(KEY, f"uid-{n}") for n in range(1000)}) == 1000
    assert token_of(KEY, "uid") != token_of(bytes(32), "uid")
    assert len(digest_of(token_of(KEY, "uid"))) == 32


@pytest.mark.parametrize(
    "change",
    [
        lambda t: "",
        lambda t: t[:-1],
        lambda t: t + "0",
        lambda t: t[:20] + ("a" if t[20] != "a" else "b") + t[21:],
        lambda t: t.replace("gofer_run_", "gofer_usr_"),
        lambda t: t[:-1] + "é",
        lambda t: t.swapcase(),
        lambda t: " " + t[1:],
    ],
)
def test_what_is_no_token(change: object) -> None:
    token = token_of(KEY, "uid")
    assert kind_of(token) == "run"
    assert kind_of(change(token)) is None  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["management", "client", "session"])
def test_new_ones(kind: Literal["management", "client", "session"]) -> None:
    token = new_token(kind)
    assert re.fullmatch(f"gofer_{kind}_[0-9A-Za-z]{{49}}", token)
    assert kind_of(token) == kind
    assert len({new_token(kind) for _ in range(1000)}) == 1000
