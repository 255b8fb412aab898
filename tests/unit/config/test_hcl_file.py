from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.config.hcl_file import Entry, Value, parse, read_file

FILE = """\
# A comment. // Another. /* A third. */
dev_mode = false
log_level = "info" // at the end of a line

/* over
   lines */
server {
  host: "localhost:8080"
  "max_body_bytes" = 1024,
}
scheduler = {
  engine = "docker"
  docker { prune = true }
  docker { start_concurrency = 3 }
}
allowed_mounts = ["/a", # with a comment
  "/b",]
allowed_networks = []
server.shutdown_timeout = "5s"
empty {}
text = <<END
first
second
END
last = -1.5
"""


def test_everything_comes_with_its_line() -> None:
    document = parse(FILE, "f")
    assert document.problems == []
    assert document.entries == [
        Entry("dev_mode", False, 2),
        Entry("log_level", "info", 3),
        Entry("server", None, 7),
        Entry("server.host", "localhost:8080", 8),
        Entry("server.max_body_bytes", 1024, 9),
        Entry("scheduler", None, 11),
        Entry("scheduler.engine", "docker", 12),
        Entry("scheduler.docker", None, 13),
        Entry("scheduler.docker.prune", True, 13),
        Entry("scheduler.docker", None, 14),
        Entry("scheduler.docker.start_concurrency", 3, 14),
        Entry("allowed_mounts", ["/a", "/b"], 16),
        Entry("allowed_networks", [], 18),
        Entry("server.shutdown_timeout", "5s", 19),
        Entry("empty", None, 20),
        Entry("text", "first\nsecond", 21),
        Entry("last", -1.5, 25),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('x = "a \\"b\\" \\\\ c"', 'a "b" \\ c'),
        ('x = "${not.replaced}"', "${not.replaced}"),
        ('x = "ü"', "ü"),
        ("x = [true, 1, 2.5]", [True, 1, 2.5]),
        ("x = 0x10", 16),
        ("", None),
        ("# only a comment", None),
    ],
)
def test_values(text: str, value: Value | None) -> None:
    assert [entry.value for entry in parse(text, "f").entries] == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a = 1\nserver {\n  host = "x"\n', 'line 2: the block "server" is never closed'),
        ("a {\n b {\n", 'line 2: the block "a.b" is never closed'),
        ("a = [1,\n2", "line 1: the list that begins here is never closed"),
        ("a = [", "line 1: the list that begins here is never closed"),
        ("a = [1 2]", 'line 1: expected "," or "]", came a number'),
        ("a = [[1]]", "line 1: a list cannot stand in a list"),
        ("\n\na = info", "line 3: text must stand in quotes"),
        ("a =\n", "line 1: expected a value, came end of file"),
        ("a = }", 'line 1: expected a value, came "}"'),
        ("a\nb", 'line 2: expected "=" or "{" after "a", came a word'),
        ('trigger "cron" { }', 'line 1: expected "=" or "{" after "trigger", came a text'),
        ("a = 1\n}", 'line 2: expected the name of a setting, came "}"'),
        ("= 1", 'line 1: expected the name of a setting, came "="'),
        ('a = 1\nb = "x', "line 2: the text that begins here is never closed"),
        ('a {\n  b = "x\n}\n', "line 2: the text that begins here is never closed"),
        ("a = 1\n\n@", "line 3: Illegal character '@'"),
        ("a = <<END\nx\n", "EOF before closing heredoc"),
        ("a {" * 50, "blocks are nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    (problem,) = parse(text, "gofer.hcl").problems
    assert problem.place.startswith("gofer.hcl line ")
    assert message in f"{problem.place}: {problem.message}"
    assert problem.hint


def test_a_text_without_quotes_does_not_hide_what_comes_after_it() -> None:
    document = parse("a = info\nb = [x, 1]\nc = 1\nd { e = some thing }\nf = [y z]\ng = 2\nh = }\ni = 1", "f")
    assert document.entries == [Entry("c", 1, 3), Entry("d", None, 4), Entry("g", 2, 6)]
    assert [problem.place for problem in document.problems] == [f"f line {line}" for line in (1, 2, 4, 5, 7)]


@pytest.mark.parametrize(
    "text", ["key = hunter2 horse", "key = hunter2 = horse", "key = [hunter2 horse]\n", "key = hunter2 7"]
)
def test_a_text_without_quotes_is_not_shown_as_it_may_be_a_secret(text: str) -> None:
    (problem,) = parse(text, "f").problems
    assert not any(word in str(problem) for word in ("hunter", "horse", "7"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.hcl"
    assert _only_problem(missing) == (str(missing), "this configuration file cannot be read: No such file or directory")
    assert _only_problem(tmp_path) == (str(tmp_path), "this configuration file cannot be read: Is a directory")


def test_the_mark_of_other_systems_editors(tmp_path: Path) -> None:
    (tmp_path / "f.hcl").write_bytes(b'\xef\xbb\xbfhost = "a"\r\n')
    document = read_file(tmp_path / "f.hcl")
    assert (document.problems, [entry.value for entry in document.entries]) == ([], ["a"])


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "f.hcl").write_bytes(b'a = 1\nb = "\xff"\n')
    assert _only_problem(tmp_path / "f.hcl") == (f"{tmp_path}/f.hcl line 2", "this is not UTF-8 text")
    (tmp_path / "big.hcl").write_bytes(b"#" * 1_100_000)
    big = f"{tmp_path}/big.hcl"
    assert _only_problem(Path(big)) == (big, "this configuration file is larger than 1 MiB")


def _only_problem(path: Path) -> tuple[str, str]:
    document = read_file(path)
    assert document.entries == []
    assert not document.whole
    (problem,) = document.problems
    return problem.place, problem.message


def test_hcl_is_imported_only_for_a_file() -> None:
    script = (
        "import sys, gofer.config.client as c, gofer.config.load as l;"
        "c.load_client_settings(None, {}, {}); l.load(None, {}, {}, default_path=l.Path('/nonexistent'));"
        "print(any(name == 'hcl' or name.startswith('hcl.') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


TOKENS = [
    "a",
    "server",
    '"x"',
    "1",
    "true",
    "=",
    ":",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\n",
    "#c",
    "/",
    "<",
    "<<E\n",
    "E\n",
    "-",
    "(",
    "\\",
    '"',
    ".",
]


@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=20).map(" ".join))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    document = parse(text, "f")
    for problem in document.problems:
        assert re.fullmatch(r"f line \d+", problem.place)
        assert problem.message.isprintable()
        assert problem.message
    assert all(1 <= entry.line <= text.count("\n") + 1 for entry in document.entries)


@pytest.mark.parametrize(
    "text",
    [
        'key = "abc" "HIDDEN"',
        'key = "abc"HIDDEN"x"',
        'key = "abc"HIDDEN=',
        'key "HIDDEN"',
        "key HIDDEN",
        "key = 12HIDDEN",
        "key = 12HIDDEN=\nother = 1",
        "key = 12HIDDEN==\nother = 1",
        'keys = ["a" "HIDDEN"]',
        'keys = ["a"HIDDEN]',
        "key = HIDDEN",
        "key = +HIDDEN/",
        "key = 'HIDDEN'",
        'key = "HIDDEN',
        "key = 1 HIDDEN",
    ],
)
def test_nothing_of_a_value_is_shown(text: str) -> None:
    """It may be a key that somebody has not put into quotes, or that has one in it."""
    document = parse(text, "f")
    assert document.problems
    assert "HIDDEN" not in repr(document.problems)
    assert all("HIDDEN" not in entry.key for entry in document.entries)
