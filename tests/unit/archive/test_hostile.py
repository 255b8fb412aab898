"""Archives that must not be unpacked: each by hand, and each refused before anything of its own harm is done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gofer.archive.entry import Entry
from gofer.archive.tree import Limits
from gofer.errors import InvalidArchive, TooLarge
from tests.unit.archive.hostile import GNU, file, gnu_long, header, names, pax, record, unpacked

GOOD = file("good", b"data")


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "//etc/passwd", "..", "../x", "a/../../x", "a/..", "./../x", "a/./../b", "/", "/..", "a//../.."],
)
@pytest.mark.parametrize("how", ["ustar", "prefix", "pax", "gnu"])
@pytest.mark.parametrize("flag", [b"0", b"5"])
def test_names_that_lead_out(name: str, how: str, flag: bytes) -> None:
    entry = {
        "ustar": header(name, flag),
        "prefix": header(name.rpartition("/")[2] or ".", flag, prefix=(name.rpartition("/")[0] or "/..").encode()),
        "pax": pax(record("path", name)) + header("good", flag),
        "gnu": gnu_long(b"L", name.encode()) + header("good", flag, magic=GNU),
    }[how]
    if name == "/" and how != "prefix":
        # The root of what is packed: that is the folder itself.
        assert names([GOOD, entry]) == ["good"]
        return
    with pytest.raises(InvalidArchive):
        names([GOOD, entry])


def test_a_backslash_and_dots_in_a_name_are_just_that() -> None:
    odd = ["..a/b..", "...", "a\\..\\b", ".hidden", "C:\\x", "a b", "-rf"]
    assert names([file(name) for name in odd]) == ["..a", *odd]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("l", "/etc/passwd"),
        ("l", ".."),
        ("l", "../x"),
        ("d/l", "../../x"),
        ("d/l", "../x/../../y"),
        ("d/e/l", "../../../x"),
        ("l", "d/../../x"),
        ("l", "x/.."),
        ("l", ""),
        ("l", "//etc"),
        ("l", "./../x"),
    ],
)
@pytest.mark.parametrize("long", [False, True])
def test_symbolic_links_that_lead_out(name: str, target: str, long: bool) -> None:
    link = header(name, b"2", target=target)
    if long:
        link = gnu_long(b"K", target.encode()) + header(name, b"2", magic=GNU)
    with pytest.raises(InvalidArchive, match="out of the folder"):
        names([GOOD, link])


def test_symbolic_links_that_stay_within() -> None:
    links = [
        ("a", "b"),
        ("d/a", "../b"),
        ("d/e/a", "../../d/./e//b"),
        ("d/no", "to/nothing"),
        ("x", "."),
        ("d/y", ".."),
    ]
    found = unpacked([header(name, b"2", target=target) for name, target in links])
    assert {entry.name: entry.target for entry, _ in found if entry.kind == "link"} == {
        "a": "b", "d/a": "../b", "d/e/a": "../../d/e/b", "d/no": "to/nothing", "x": ".", "d/y": "..",
    }  # fmt: skip


def test_no_two_links_lead_out_together() -> None:
    """`a` leads to the root by way of `d/e`; from there `..` would lead out, though by its letters it does not."""
    with pytest.raises(InvalidArchive, match="out of the folder"):
        names([header("d/e/up", b"2", target="../.."), header("d/e/a", b"2", target="up/../x")])


@pytest.mark.parametrize("after", [file("l/x", b"through"), header("l/x", b"5"), header("l/x", b"2", target="y")])
@pytest.mark.parametrize("before", [header("l", b"2", target="d"), file("l", b"a file")])
def test_nothing_is_written_through_a_link_or_below_a_file(before: bytes, after: bytes) -> None:
    with pytest.raises(InvalidArchive, match="which is no folder"):
        names([header("d", b"5"), before, after])


@pytest.mark.parametrize(
    "entries",
    [
        [file("x"), file("x")],
        [file("x"), header("x", b"2", target="y")],
        [header("x", b"2", target="y"), file("x")],
        [header("x", b"2", target="y"), header("x", b"5")],
        [header("x", b"5"), file("x")],
        [file("x"), header("x", b"5")],
        [file("d/x"), file("d")],
        [file("x"), file("./x")],
        [file("d/x"), file("d//x")],
    ],
)
def test_a_name_that_is_there_twice(entries: Sequence[bytes]) -> None:
    with pytest.raises(InvalidArchive, match=r"twice|no folder"):
        names(entries)


def test_a_folder_may_be_said_twice_and_counts_once() -> None:
    assert names([file("d/x"), header("d/", b"5"), header("d", b"5"), file("d/y")]) == ["d", "d/x", "d/y"]


def test_names_that_differ_in_case_are_different() -> None:
    assert names([file("readme"), file("README"), header("D", b"5"), file("d")]) == ["readme", "README", "D", "d"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "nothing", "d", "l", "self", ""])
def test_hard_links_to_what_is_no_file_before_them(target: str) -> None:
    with pytest.raises(InvalidArchive):
        names([header("d", b"5"), header("l", b"2", target="d"), header("self", b"1", target=target)])


def test_a_hard_link_to_a_file_before_it() -> None:
    found = unpacked([file("d/x", b"data", mode=0o755), header("y", b"1", target="./d/x", mode=0o4777)])
    assert found[-1] == (Entry("y", "hard_link", 0, 0o755, 0, "d/x"), b"")


@pytest.mark.parametrize("flag", [b"3", b"4", b"6"])
def test_devices_and_pipes(flag: bytes) -> None:
    with pytest.raises(InvalidArchive, match="a device, a named pipe or a socket"):
        names([GOOD, header("x", flag)])


@pytest.mark.parametrize("flag", [b"7", b"S", b"V", b"M", b"D", b"N", b"A", b"I", b"X", b"q", b"\xff"])
def test_types_that_nobody_needs(flag: bytes) -> None:
    with pytest.raises(InvalidArchive, match="a type that Gofer does not know"):
        names([GOOD, header("x", flag)])


def test_what_is_unfit_may_be_left_out_but_nothing_else() -> None:
    told: list[tuple[str, str]] = []
    entries = [
        header("pipe", b"6"),
        header("out", b"2", target="/etc"),
        file("kept", b"1"),
        header("hard", b"1", target="pipe"),
        header("d/out", b"2", target="../../x"),
        file("after", b"2"),
    ]
    assert names(entries, left_out=lambda entry, why: told.append((entry.name, why))) == ["kept", "after"]
    assert [name for name, _ in told] == ["pipe", "out", "hard", "d/out"]
    assert all(why for _, why in told)
    for hostile in (
        [file("../x")],
        [file("x"), file("x")],
        [header("x", b"S")],
        [file("x" * 90), file("x" * 90 + "/y")],
    ):
        with pytest.raises(InvalidArchive):
            names(hostile, left_out=lambda entry, why: None)


def test_who_runs_as_somebody_else_is_forgotten() -> None:
    modes = [file("a", mode=0o6755), file("b", mode=0o1777), header("c", b"5", mode=0o7000), file("d", mode=0)]
    assert [entry.mode for entry, _ in unpacked(modes)] == [0o755, 0o777, 0o700, 0o400]


def test_too_many_bytes_are_noticed_before_they_come() -> None:
    lie = header("x", size=2**32)
    with pytest.raises(TooLarge, match=r"larger than 100B together"):
        names([file("a", b"x" * 60), lie], Limits(100, 10))
    with pytest.raises(TooLarge):
        names([file(f"{i}", b"x" * 30) for i in range(4)], Limits(100, 10))
    assert len(names([file(f"{i}", b"x" * 25) for i in range(4)], Limits(100, 10))) == 4


def test_too_many_entries() -> None:
    assert len(names([file(f"{i}") for i in range(10)], Limits(100, 10))) == 10
    with pytest.raises(TooLarge, match="more than 10 files and folders"):
        names([file(f"{i}") for i in range(11)], Limits(100, 10))


def test_folders_that_are_only_implied_count_too() -> None:
    with pytest.raises(TooLarge, match="more than 10 files"):
        names([file("/".join("abcdefghijk"))], Limits(100, 10))


def test_folders_within_folders_without_end() -> None:
    assert len(names([pax(record("path", "/".join("a" * 100))) + file("x")])) == 100
    with pytest.raises(InvalidArchive, match="more than 100 folders deep"):
        names([pax(record("path", "/".join("a" * 101))) + file("x")])


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128, "/".join(["x" * 200] * 21)])
def test_names_that_no_file_system_takes(name: str) -> None:
    with pytest.raises(InvalidArchive, match="too long a name"):
        names([pax(record("path", name)) + file("x")])


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"x" * 512,
        b"short",
        GOOD[:300],
        GOOD[:600],
        header("x", size=5000) + b"only this",
        header("x", checksum=b"000000\0 "),
        header("x", size=b"-0000000001\0"),
        header("x", size=b"\xff" * 12),
        header("x", size=b"00000000009\0"),
        header("x", size=b"1e5        \0"),
        header("x", mode=b"rwxr-xr\0"),
        GOOD + bytes(512) + GOOD,
        GOOD + b"\0" * 511,
        pax(record("path", "x")),
        gnu_long(b"L", b"x" * 300),
    ],
)
def test_what_is_no_whole_archive(damaged: bytes) -> None:
    with pytest.raises(InvalidArchive):
        unpacked(damaged, end=b"")


def test_only_zeros_follow_the_end() -> None:
    assert [entry.name for entry, _ in unpacked(GOOD, end=bytes(10_240))] == ["good"]
    assert [entry.name for entry, _ in unpacked(GOOD, end=bytes(512))] == ["good"]
    with pytest.raises(InvalidArchive, match="follows its end"):
        unpacked(GOOD, end=bytes(1024) + GOOD)
    with pytest.raises(InvalidArchive, match="follows its end"):
        unpacked(GOOD, end=bytes(9_000) + b"\1")


@pytest.mark.parametrize(
    "records",
    [
        b"garbage",
        b"999 path=x\n",
        b"8 path=x\n",
        b"11 path=x\n",
        b"-9 path=x\n",
        b"9 path=xy",
        b"7 path\n",
        b"6 =ab\n",
        record("path", "a") + record("path", "b"),
        record("path", "a\0b"),
        record("size", "-1"),
        record("size", "1.5"),
        record("size", "9" * 30),
        record("size", "\u0661"),
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.name", "x"),
    ],
)
def test_extended_headers_that_lie(records: bytes) -> None:
    with pytest.raises(InvalidArchive):
        names([pax(records), GOOD])


def test_an_extended_size_counts_in_place_of_the_other() -> None:
    assert unpacked(pax(record("size", "4")) + header("x", size=0) + b"data" + bytes(508))[0][1] == b"data"
    with pytest.raises(TooLarge):
        names([pax(record("size", str(2**50))) + header("x", size=4)])


def test_an_extended_header_that_never_ends() -> None:
    with pytest.raises(InvalidArchive, match="too long"):
        names([pax(record("path", "x" * 300_000)), GOOD])


def test_names_said_twice_in_different_ways() -> None:
    with pytest.raises(InvalidArchive, match="same thing"):
        names([pax(record("path", "a")), pax(record("path", "b")), GOOD])
    with pytest.raises(InvalidArchive, match="same thing"):
        names([pax(record("path", "a")), gnu_long(b"L", b"b"), GOOD])


@pytest.mark.parametrize("key", ["path", "linkpath", "size"])
def test_a_header_for_all_that_names_them_all(key: str) -> None:
    with pytest.raises(InvalidArchive, match="all entries"):
        names([pax(record(key, "1"), b"g"), GOOD])


def test_harmless_extensions_are_passed_over() -> None:
    harmless = pax(record("comment", "from git") + record("mtime", "7"), b"g")
    mine = pax(record("SCHILY.xattr.security.capability", b"\1\0\0\2") + record("mtime", "12.5") + record("uid", "0"))
    assert unpacked([harmless, mine, GOOD])[0] == (Entry("good", "file", 4, 0o644, 12), b"data")


@pytest.mark.parametrize("flag", [b"1", b"2", b"5"])
def test_what_has_no_content_has_no_size(flag: bytes) -> None:
    with pytest.raises(InvalidArchive, match="with a content"):
        names([GOOD, header("x", flag, size=512, target="good") + bytes(512)])


def test_the_prefix_of_gnu_is_no_prefix() -> None:
    assert names([header("x", magic=GNU, prefix=b"00000000000\0")]) == ["x"]


@pytest.mark.parametrize("start", [b"\x1f\x8b\x08", b"BZh91AY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"])
def test_a_compressed_archive_is_called_that(start: bytes) -> None:
    with pytest.raises(InvalidArchive, match="compressed"):
        unpacked(start + b"x" * 600)
    with pytest.raises(InvalidArchive, match="compressed"):
        unpacked(start + b"x" * 60)


def test_a_file_may_be_called_like_the_start_of_a_compressed_one() -> None:
    for name in ("BZh", "\x1f\udc8b"):
        assert names([file(name)]) == [name]


def test_messages_show_no_control_characters() -> None:
    with pytest.raises(InvalidArchive) as error:
        names([file("\x1b[2J\n../x/../..")])
    assert error.value.message.isprintable()
    assert error.value.hint
