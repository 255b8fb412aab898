"""`gofer pipeline store …` and `gofer run store …` against a real server."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer, Register, Said
from tests.cli.terminal import in_terminal
from tests.support.server import Api, ServerProcess
from tests.support.until import until

MIB = 1024 * 1024


class Store:
    """The objects of one pipeline or run, by the command line."""

    def __init__(self, gofer: Gofer, noun: str, owner: list[str]) -> None:
        self.gofer = gofer
        self.noun = noun
        self.owner = owner

    def words(self, verb: str, *rest: str) -> list[str]:
        return [self.noun, "store", verb, *self.owner, *rest]

    def __call__(self, verb: str, *rest: str, stdin: bytes = b"") -> Said:
        return self.gofer(*self.words(verb, *rest), stdin=stdin)

    def ok(self, verb: str, *rest: str, stdin: bytes = b"") -> Said:
        return self.gofer.ok(*self.words(verb, *rest), stdin=stdin)

    def bytes(self, key: str) -> bytes:
        """What `get` prints."""
        command = [*GOFER, *self.words("get", key)]
        return subprocess.run(command, env=self.gofer.environ, capture_output=True, check=True).stdout

    def keys(self) -> list[str]:
        return [item["key"] for item in self.ok("list", "--format", "json").json["items"]]


@pytest.fixture
def pipeline(register: Register) -> str:
    return register({"id": "x", "command": ["true"]})


@pytest.fixture(params=["pipeline", "run"])
def store(request: pytest.FixtureRequest, gofer: Gofer, pipeline: str, server: Api) -> Store:
    if request.param == "pipeline":
        return Store(gofer, "pipeline", [pipeline])
    return Store(gofer, "run", [pipeline, str(server.start(pipeline))])


@pytest.fixture
def of_pipeline(gofer: Gofer, pipeline: str) -> Store:
    return Store(gofer, "pipeline", [pipeline])


def test_values_files_and_stdin_come_back_as_they_were(store: Store) -> None:
    home = store.gofer.home
    random = os.urandom(3 * MIB + 7)
    (home / "data.bin").write_bytes(random)
    (home / "empty").write_bytes(b"")
    values = ["word=grün=e Ü", "nothing=", "at=@@home", "lone=@@", "file=@data.bin", "none=@empty", "in=-"]
    said = store.ok("put", *values, stdin=b"a\0b\n")
    assert said.err == ""
    assert len(said.out.splitlines()) == 7
    assert store.bytes("word") == "grün=e Ü".encode()
    assert store.bytes("nothing") == store.bytes("none") == b""
    assert (store.bytes("at"), store.bytes("lone")) == (b"@home", b"@")
    assert store.bytes("in") == b"a\0b\n"
    assert hashlib.sha256(store.bytes("file")).digest() == hashlib.sha256(random).digest()
    store.ok("get", "file", "--output", "back.bin")
    assert (home / "back.bin").read_bytes() == random
    assert store.keys() == sorted(["word", "nothing", "at", "lone", "file", "none", "in"])
    store.ok("put", "one", stdin=b"1")
    assert store.bytes("one") == b"1"


def test_stdin_may_be_a_pipe_or_a_file_read_from_where_it_stands(of_pipeline: Store) -> None:
    (of_pipeline.gofer.home / "lines").write_text("first\nsecond\n")
    script = " ".join(GOFER) + f" pipeline store put {of_pipeline.owner[0]}"
    shell = f"{{ read -r line; {script} rest; }} < lines && (echo a; echo b) | {script} piped=-"
    subprocess.run(["bash", "-c", shell], env=of_pipeline.gofer.environ, cwd=of_pipeline.gofer.home, check=True)
    assert of_pipeline.bytes("piped") == b"a\nb\n"
    assert of_pipeline.bytes("rest") == b"second\n"


def test_what_is_no_utf8_stays_as_it_is(of_pipeline: Store) -> None:
    command = [*GOFER, *of_pipeline.words("put")]
    subprocess.run([*map(os.fsencode, command), b"k=\xff\xfe"], env=of_pipeline.gofer.environ, check=True)
    assert of_pipeline.bytes("k") == b"\xff\xfe"


def test_the_type_is_guessed_or_given(of_pipeline: Store) -> None:
    for name in ("a.json", "b.tar.gz", "c", "d.unknown-thing"):
        (of_pipeline.gofer.home / name).write_bytes(b"x")
    of_pipeline.ok("put", "a=@a.json", "b=@b.tar.gz", "c=@c", "d=@d.unknown-thing", "e=ü", "f=-")
    of_pipeline.ok("put", "g=1,2", "--content-type", "text/csv; header=absent")
    items = of_pipeline.ok("list", "--format", "json").json["items"]
    assert {item["key"]: item["content_type"] for item in items} == {
        "a": "application/json",
        "b": "application/gzip",
        "c": "application/octet-stream",
        "d": "application/octet-stream",
        "e": "text/plain; charset=utf-8",
        "f": "application/octet-stream",
        "g": "text/csv; header=absent",
    }
    for wrong in ("", "text/ü", "a\nb"):
        said = of_pipeline("put", "h=1", "--content-type", wrong)
        assert (said.code, "text/csv" in said.err) == (2, True)


def test_nothing_is_overwritten_unasked(store: Store) -> None:
    store.ok("put", "k=old")
    said = store("put", "k=newer")
    assert said.code == 5
    assert 'has another object "k" already: 3B, text/plain; charset=utf-8, put ' in said.err
    assert "Give --force to overwrite it" in said.err
    assert store.bytes("k") == b"old"
    assert "unchanged" in store.ok("put", "k=old").out
    assert "overwritten" in store.ok("put", "k=newer", "--force").out
    assert store.bytes("k") == b"newer"
    said = store("put", "k", stdin=b"x" * 3 * MIB)
    assert (said.code, "--force" in said.err) == (5, True)


def test_what_was_put_before_an_error_is_told(store: Store) -> None:
    store.ok("put", "b=there")
    said = store("put", "a=1", "b=2", "c=3")
    assert (said.code, "object a of " in said.out, "object c" in said.out) == (5, True, False)
    told = store("put", "d=1", "b=2", "--format", "json")
    assert [item["key"] for item in told.json["items"]] == ["d"]
    assert store.keys() == ["a", "b", "d"]


def test_list_and_delete(store: Store) -> None:
    assert "No objects yet. Put one: gofer " in store.ok("list").err
    store.ok("put", "a=12345", "b=1", "c=1")
    lines = store.ok("list").out.splitlines()
    assert lines[0].split()[:4] == ["KEY", "SIZE", "TYPE", "PUT"]
    assert lines[1].startswith("a    5B    text/plain; charset=utf-8  ")
    assert "There is more" in store.ok("list", "--limit", "2").err
    assert store.ok("delete", "a", "b", "--format", "json").json == {"deleted": ["a", "b"]}
    said = store("delete", "c", "a")
    assert (said.code, said.out.count("deleted"), "hint: " in said.err) == (4, 1, True)
    assert store.keys() == []


def test_what_is_printed_as_json(store: Store) -> None:
    [item] = store.ok("put", "k=v", "--format", "json").json["items"]
    digest = hashlib.sha256(b"v").hexdigest()
    assert (item["key"], item["size"], item["sha256"], item["created"]) == ("k", 1, digest, True)
    assert store.ok("put", "k=w", "--force", "--format", "json").json["items"][0]["created"] is False
    told = store.ok("get", "k", "-o", "out", "--format", "json").json
    assert (told["file"], told["key"], told["size"]) == ("out", "k", 1)
    for form in ("json", "silent"):
        assert store.ok("get", "k", "--format", form).out == "w"
    said = store.ok("put", "k=x", "--force", "--format", "silent")
    assert (said.out, said.err) == ("", "")


def test_what_is_not_there(store: Store, pipeline: str) -> None:
    gofer = store.gofer
    for verb, arguments in (("get", ["no"]), ("delete", ["no"]), ("get", ["no", "-o", "out"])):
        said = store(verb, *arguments)
        assert (said.code, '"no"' in said.err, "hint: " in said.err) == (4, True, True), said
    others = [["pipeline", "store"], ["nowhere"]], [["run", "store"], [pipeline, "999"]], [["run", "store"], ["x", "1"]]
    (gofer.home / "big").write_bytes(b"x" * 8 * MIB)
    for noun, owner in others:
        for verb, rest in (("put", ["k=v"]), ("put", ["k=@big"]), ("get", ["k"]), ("list", []), ("delete", ["k"])):
            said = gofer(*noun, verb, *owner, *rest)
            assert said.code == 4, said
            assert "Traceback" not in said.err
    assert [path.name for path in gofer.home.iterdir()] == ["big"]


def test_the_latest_run(gofer: Gofer, pipeline: str, server: Api) -> None:
    said = gofer("run", "store", "put", pipeline, "latest", "k=v")
    assert (said.code, "has no runs yet" in said.err) == (4, True)
    run = server.start(pipeline)
    gofer.ok("run", "store", "put", pipeline, "latest", "k=v")
    assert gofer.ok("run", "store", "get", pipeline, str(run), "k").out == "v"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["=v"], "is not a key"),
        (["a b=v"], "is not a key"),
        (["../x=v"], "is not a key"),
        (["k=@missing"], "missing cannot be read: No such file"),
        (["k=@."], ". is a folder"),
        (["k=@"], "the name of a file"),
        (["k=1", "k=2"], "was given twice"),
        (["k=-", "l"], "only one of the objects can come from stdin"),
        ([], "Missing argument"),
    ],
)
def test_a_wrong_line_does_nothing(words: list[str], fault: str, of_pipeline: Store) -> None:
    said = of_pipeline("put", "good=1", *words) if words else of_pipeline("put")
    assert said.code == 2
    assert fault in said.err
    assert "hint: " in said.err
    assert of_pipeline.keys() == []


def test_into_a_file(of_pipeline: Store) -> None:
    home = of_pipeline.gofer.home
    of_pipeline.ok("put", "k=new")
    (home / "out").write_text("mine")
    said = of_pipeline("get", "k", "--output", "out")
    assert (said.code, "--force" in said.err, (home / "out").read_text()) == (2, True, "mine")
    of_pipeline.ok("get", "k", "--output", "out", "--force")
    assert (home / "out").read_text() == "new"
    assert of_pipeline("get", "k", "--output", ".").code == 2
    assert of_pipeline("get", "k", "--output", "nowhere/out").code == 74
    assert of_pipeline.ok("get", "k", "--output", "-").out == "new"
    assert of_pipeline.ok("get", "k", "--output", "/dev/stdout", "--force").out == "new"
    assert Path("/dev/stdout").is_symlink()
    assert [path.name for path in home.iterdir()] == ["out"]


def test_a_terminal_gets_text_only(of_pipeline: Store) -> None:
    gofer = of_pipeline.gofer
    of_pipeline.ok("put", "text=grün\n\tund ☂")
    of_pipeline.ok("put", "bell=-", stdin=b"a\x1b]0;title\x07b")
    of_pipeline.ok("put", "bytes=-", stdin=b"\xff\xfe")
    of_pipeline.ok("put", "cut=-", stdin="ü".encode()[:1])

    def shown(*arguments: str) -> tuple[int, bytes]:
        with in_terminal([*GOFER, *of_pipeline.words("get", *arguments)], gofer.environ, gofer.home) as terminal:
            return terminal.wait(), terminal.seen

    assert shown("text") == (0, "grün\r\n\tund ☂\r\n".encode())
    for key in ("bell", "bytes", "cut"):
        code, seen = shown(key)
        assert (code, b"is not text" in seen, b"--output -" in seen, b"\x1b]0" in seen) == (2, True, True, False)
    assert shown("bytes", "--output", "-") == (0, b"\xff\xfe")
    assert shown("bytes", "--force") == (0, b"\xff\xfe")


def test_a_value_that_is_typed(of_pipeline: Store) -> None:
    gofer = of_pipeline.gofer
    with in_terminal([*GOFER, *of_pipeline.words("put", "k")], gofer.environ, gofer.home) as terminal:
        terminal.until(b"Ctrl-D at the beginning of a line ends it")
        terminal.type(b"typed\n\x04")
        assert terminal.wait() == 0
    assert of_pipeline.bytes("k") == b"typed\n"


def test_a_bar_for_what_is_large(of_pipeline: Store) -> None:
    gofer = of_pipeline.gofer
    (gofer.home / "large").write_bytes(os.urandom(2_500_000))
    (gofer.home / "small").write_bytes(os.urandom(900_000))

    def seen(words: list[str]) -> str:
        with in_terminal(words, gofer.environ, gofer.home) as terminal:
            assert terminal.wait() == 0, terminal.seen
            return terminal.seen.decode()

    put = [*GOFER, *of_pipeline.words("put")]
    text = seen([*put, "large=@large"])
    assert "/2.5 MB" in text
    assert "MB/s" in text or "?" in text
    assert "object large of pipeline" in text
    assert " MB" not in seen([*put, "small=@small"]).replace("900.0kB", "")
    assert "/2.5 MB" in seen([*GOFER, *of_pipeline.words("get", "large", "-o", "back")])
    shell = " ".join(GOFER) + f" {' '.join(of_pipeline.words('put', 'piped'))}"
    assert " MB" in seen(["bash", "-c", f"cat large | {shell}"])
    quiet = seen([*put, "large=@large", "--format", "json"])
    assert "MB/s" not in quiet


def peak(gofer: Gofer, *words: str) -> int:
    """The most memory that a command has had, in bytes."""
    script = "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], check=True)\n"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)"
    command = [sys.executable, "-c", script, *GOFER, *words]
    done = subprocess.run(command, env=gofer.environ, cwd=gofer.home, capture_output=True, check=True)
    return int(done.stderr.split()[-1])


def test_memory_does_not_grow_with_the_object(of_pipeline: Store) -> None:
    gofer, size = of_pipeline.gofer, 64 * MIB
    (gofer.home / "small").write_bytes(b"x")
    with (gofer.home / "huge").open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    least = peak(gofer, *of_pipeline.words("put", "small=@small"))
    most = peak(gofer, *of_pipeline.words("put", "huge=@huge"))
    assert most < least + 16 * MIB
    assert peak(gofer, *of_pipeline.words("get", "huge", "-o", "back")) < least + 16 * MIB
    compare = ["cmp", "huge", "back"]
    assert subprocess.run(compare, cwd=gofer.home, check=False).returncode == 0


@pytest.fixture
def endless(gofer: Gofer) -> Iterator[Path]:
    """A named pipe, into which a thread of its own writes for as long as somebody reads."""
    path = gofer.home / "endless"
    os.mkfifo(path)
    writer = subprocess.Popen(["sh", "-c", "exec cat /dev/zero > endless"], cwd=gofer.home)
    yield path
    writer.kill()
    writer.wait()


def test_ctrl_c_half_way_leaves_nothing(of_pipeline: Store, endless: Path) -> None:
    gofer = of_pipeline.gofer
    with in_terminal([*GOFER, *of_pipeline.words("put", "k=@endless")], gofer.environ, gofer.home) as terminal:
        terminal.until(b" MB")
        terminal.type(b"\x03")
        assert terminal.wait() == 130
        assert b"Traceback" not in terminal.seen
    assert of_pipeline.keys() == []
    said = of_pipeline("get", "k")
    assert said.code == 4


def test_a_full_disk_where_it_is_written(of_pipeline: Store) -> None:
    folder = of_pipeline.gofer.home / "small-disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    try:
        of_pipeline.ok("put", "k", stdin=os.urandom(3 * MIB))
        said = of_pipeline("get", "k", "--output", "small-disk/out")
        assert said.code == 74
        assert "small-disk/out.part: No space left on device" in said.err
        assert "Nothing was kept." in said.err
        assert list(folder.iterdir()) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_at_the_server(tmp_path: Path) -> None:
    """It answers while the file is still sent: that answer is shown, and not that the connection broke."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], check=True)
    process = ServerProcess(folder, "process")
    try:
        api = process.start()
        api.register({"id": "p", "tasks": [{"id": "x", "image": "i", "command": ["true"]}]})
        store = Store(Gofer(tmp_path, api.address), "pipeline", ["p"])
        (tmp_path / "big").write_bytes(os.urandom(64 * MIB))
        for way, stdin in (("k=@big", b""), ("k=-", (tmp_path / "big").read_bytes())):
            said = store("put", way, stdin=stdin)
            assert (said.code, "full" in said.err, "hint: " in said.err) == (7, True, True), said
        assert store.keys() == []
        until(lambda: store("put", "k=small").code == 0, "the room of what was refused is given back")
    finally:
        process.stop()
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("way", ["put", "get"])
def test_the_server_is_killed_half_way(way: str, tmp_path: Path, endless: Path) -> None:
    process = ServerProcess(tmp_path / "server", "process")
    api = process.start()
    try:
        api.register({"id": "p", "tasks": [{"id": "x", "image": "i", "command": ["true"]}]})
        gofer = Gofer(tmp_path, api.address)
        store = Store(gofer, "pipeline", ["p"])
        if way == "put":
            child = gofer.popen(*store.words("put", "k=@endless"))
            until(lambda: _has_grown(tmp_path / "server" / "data"), "the upload arrives")
        else:
            (tmp_path / "big").write_bytes(bytes(32 * MIB))
            store.ok("put", "k=@big")
            child = gofer.popen(*store.words("get", "k", "--output", "/dev/stdout"))
            assert child.stdout is not None
            assert len(child.stdout.read(MIB)) == MIB
        process.kill()
        _, complaint = child.communicate(timeout=60)
        assert child.returncode == 3
        assert b"hint: " in complaint
        assert b"Traceback" not in complaint
        api = process.start()
        found = Gofer(tmp_path, api.address).ok("pipeline", "store", "list", "p", "--format", "json").json["items"]
        assert [item["key"] for item in found] == ([] if way == "put" else ["k"])
    finally:
        process.stop()


def _has_grown(data: Path) -> bool:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) > 8 * MIB


def test_sigterm_is_told_by_the_exit_code(of_pipeline: Store, endless: Path) -> None:
    with of_pipeline.gofer.popen(*of_pipeline.words("put", "k=@endless")) as process:
        until(lambda: _reads(process.pid), "it reads")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 143
    assert of_pipeline.keys() == []


def _reads(pid: int) -> bool:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if link.readlink().name == "endless":
                return True
    return False


def test_keys_are_completed(of_pipeline: Store) -> None:
    of_pipeline.ok("put", "alpha=1", "beta=2")
    line = f"gofer pipeline store get {of_pipeline.owner[0]} al"
    environ = {"_GOFER_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "5"}
    said = of_pipeline.gofer(environ=environ)
    assert said.out == "plain,alpha\n"
