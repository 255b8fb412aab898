"""The forms of a value, against what real encoders and shells make of it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_forms import SHORTEST, forms

# A value that any environment variable may have, and its lines.
printable = st.text("abcXYZ019 '\"\\$`!#~,;&|*?[](){}<>^=%/+-_.:@é€🦔", min_size=4, max_size=40)
values = (printable | st.lists(printable, min_size=2, max_size=4).map("\n".join)).filter(
    lambda value: value == value.strip() and len(value) >= SHORTEST
)
SETTINGS = settings(max_examples=150, deadline=None)
FEW = settings(max_examples=25, deadline=None)


def show(value: str, text: str) -> str:
    return Masks([value]).text(text)


@given(
    values, st.binary(max_size=7), st.binary(max_size=7), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode])
)
@SETTINGS
def test_base64_within_any_text(value: str, before: bytes, after: bytes, encode) -> None:  # type: ignore[no-untyped-def]
    data = value.encode()
    encoded = encode(before + data + after).decode()
    first, last = -(-8 * len(before) // 6), 8 * (len(before) + len(data)) // 6
    shown = show(value, encoded)
    # What has bits of the value alone is gone; at an edge a character that it shares may stay.
    assert "***" in shown
    left, right = shown.split("***")[0], shown.split("***")[-1]
    assert len(left) <= first
    assert len(right) <= len(encoded) - last


@given(values, st.sampled_from([b"", b"key: ", b"token="]), st.sampled_from([b"", b"\n", b"\r\n"]))
@SETTINGS
def test_base64_at_the_end_of_a_text_leaves_nothing(value: str, before: bytes, newline: bytes) -> None:
    encoded = base64.b64encode(before + value.encode() + newline).decode()
    first = -(-8 * len(before) // 6)
    for text in (encoded, encoded.rstrip("=")):
        assert show(value, f"<{text}>") in (f"<{encoded[:at]}***>" for at in range(first + 1))


@given(st.text("abc\n€", min_size=60, max_size=400).filter(lambda value: value.strip() == value))
@FEW
@pytest.mark.parametrize("width", [64, 76])
def test_wrapped_base64_that_begins_with_the_value(width: int, value: str) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    lines = [encoded[begin : begin + width] for begin in range(0, len(encoded), width)]
    for newline in ("\n", "\r\n"):
        shown = show(value, f"<{newline.join(lines)}>")
        assert set(shown[1:-1].split(newline)) == {"***"}, shown
    indented = show(value, "\n  ".join(["", *lines])).split()
    assert all(line == "***" or len(line) < SHORTEST for line in indented)


@given(values, st.sampled_from(["", "/", "!~*'()", ";/?:@&=+$,#!~*'()"]))
@SETTINGS
def test_urls(value: str, safe: str) -> None:
    for encode in (urllib.parse.quote, urllib.parse.quote_plus):
        encoded = encode(value, safe)
        assert show(value, f"?a={encoded}&") == "?a=***&"
        lower = "".join(part.lower() if part.startswith("%") else part for part in _escapes(encoded))
        assert show(value, f"?a={lower}&") == "?a=***&"
    form = urllib.parse.urlencode({"k": value})
    assert show(value, form) == "k=***"


def _escapes(encoded: str) -> list[str]:
    head, *rest = encoded.split("%")
    return [head, *(part for one in rest for part in ("%" + one[:2], one[2:]))]


@given(values)
@SETTINGS
def test_json_and_python(value: str) -> None:
    for encoded in (
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        json.dumps(value).replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    ):
        assert show(value, encoded) == '"***"'
    assert show(value, repr(value))[1:-1] == "***"
    assert show(value, repr(value.encode()))[2:-1] == "***"


@given(values)
@FEW
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_bash(locale: str, value: str) -> None:
    """What `printf %q`, `${v@Q}`, `declare -p` and `set -x` show."""
    bash = shutil.which("bash")
    assert bash is not None
    program = 'printf "%q\\n" "$V"; echo "${V@Q}"; declare -p V; set -x; : "$V"'
    done = subprocess.run([bash, "-c", program], env={"V": value, "LC_ALL": locale}, capture_output=True, check=True)
    for shown in (done.stdout, done.stderr):
        text = show(value, shown.decode("utf-8", "replace"))
        rest = text.replace("***", "").replace("declare -x V=", "").replace("+ :", "")
        assert set(rest) <= set("$'\"\\ \n"), (value, shown, text)


def test_lines_of_a_value_are_hidden_by_themselves_unless_they_are_short() -> None:
    value = "-----BEGIN KEY-----\r\n  MIIEvQIBADANBg\r\nabc\r\n    \r\n-----END KEY-----\r\n"
    assert show(value, "MIIEvQIBADANBg") == "***"
    assert show(value, "> -----BEGIN KEY-----") == "> ***"
    assert show(value, "abc") == "abc"
    assert show(value, "    indented") == "    indented"
    assert show(value, f"<{value}>") == "<***>"
    assert show(value, f"<{value.strip()}>") == "<***>"
    assert show(value, base64.b64encode(b"MIIEvQIBADANBg").decode()) == "***"


@pytest.mark.parametrize("value", ["", "abc", "éa", "    ", "\n\n\n\n", " \t\r\n "])
def test_what_is_too_short_or_white_space_is_not_hidden(value: str) -> None:
    assert not Masks([value])
    assert show(value, f"<{value}>") == f"<{value}>"


def test_every_form_has_the_least_length() -> None:
    assert min(map(len, forms(["abcd", "ab\ncdef\n\ng", "a" * 100 + "\nb"]))) >= SHORTEST
    assert show("éé", "éé") == "***"


def test_masks_tell_nothing_of_their_values() -> None:
    masks = Masks(["swordfish"])
    assert masks.text("a swordfish") == "a ***"
    assert "swordfish" not in repr(masks) + str(masks)
