"""Masking done the slow and obvious way, to compare with."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from gofer.server.logs.mask_forms import forms

HIDDEN = b"***"

alphabets = st.sampled_from(["ab", "a", "ab\n", "aé\n", 'a"\\/\n', "$'` +é€🦔", "0123456789abcdefXYZ+/=", "a\r\n~"])
texts = alphabets.flatmap(lambda letters: st.text(letters, min_size=4, max_size=30)) | st.text(min_size=4, max_size=12)


@st.composite
def secrets(draw: st.DrawFn) -> list[str]:
    """Values some of which overlap, or begin as others do."""
    values = draw(st.lists(texts, min_size=1, max_size=4))
    for value in list(values):
        if draw(st.booleans()):
            values.append(value[: draw(st.integers(4, max(4, len(value))))])
        if draw(st.booleans()):
            values.append(value[len(value) // 2 :] + draw(texts))
    return values


def transformed(value: str) -> list[bytes]:
    """How programs may show a value: made by others' encoders, not by Gofer's list of forms."""
    data = value.encode()
    shown = [data, data.hex().encode(), shlex.quote(value).encode()]
    shown += [one.encode() for one in (quote(value), quote(value, safe=""), quote_plus(value), quote(value).lower())]
    shown += [one.encode() for one in (json.dumps(value), json.dumps(value, ensure_ascii=False))]
    shown += [encode(data) for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes)]
    shown += [encode(b"key: " + data[:0] + data) for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    return shown


@st.composite
def outputs(draw: st.DrawFn, values: list[str]) -> bytes:
    """What a program may print that has these secrets: forms of them, whole or cut, between other bytes."""
    known = sorted(forms(values))
    pieces = st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"a", b"b", b"\n", b"a\n", b"**", b"plain text, "]),
        *([st.sampled_from(known), st.sampled_from(known).map(lambda form: form[: len(form) - 1])] if known else []),
        st.sampled_from(values).flatmap(lambda value: st.sampled_from(transformed(value))),
    )
    return b"".join(draw(st.lists(pieces, max_size=14)))


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data in pieces."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


def hidden(values: Iterable[str], data: bytes) -> list[bool]:
    """For each byte of data whether it belongs to an occurrence of a form."""
    marks = [False] * len(data)
    for form in forms(values):
        place = data.find(form)
        while place >= 0:
            marks[place : place + len(form)] = [True] * len(form)
            place = data.find(form, place + 1)
    return marks


def masked(values: Iterable[str], data: bytes) -> bytes:
    """`data` with `***` for each stretch of hidden bytes."""
    return replaced(data, hidden(values, data))


def replaced(data: bytes, marks: list[bool]) -> bytes:
    """`data` with `***` for each stretch of marked bytes."""
    out, before = bytearray(), False
    for byte, mark in zip(data, marks, strict=True):
        if not mark:
            out.append(byte)
        elif not before:
            out += HIDDEN
        before = mark
    return bytes(out)
