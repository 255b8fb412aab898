"""`python pipeline.py` prints the manifest, importing the file prints nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gofer_sdk import Pipeline, Task

SOURCE = """
import sys
from gofer_sdk import Pipeline, Task

pipeline = Pipeline("p", "Größe").tasks(Task("a", "busybox:stable").command("echo", "µ"))

if __name__ == "__main__":
    print("a remark", file=sys.stderr)
    pipeline.emit()
"""
EXPECTED = Pipeline("p", "Größe").tasks(Task("a", "busybox:stable").command("echo", "µ")).manifest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nightly.py"
    path.write_text(SOURCE)
    return path


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, check=False, env={**os.environ, **environment}
    )


def test_json_by_default(file: Path) -> None:
    done = run(file)
    assert done.returncode == 0
    assert json.loads(done.stdout) == EXPECTED
    assert done.stdout.startswith(b'{\n  "id": "p",\n')
    assert done.stderr == b"a remark\n"


def test_utf_8_whatever_the_locale(file: Path) -> None:
    done = run(file, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert json.loads(done.stdout.decode("utf-8")) == EXPECTED


def test_msgpack_with_the_flag_and_other_arguments_are_ignored(file: Path) -> None:
    assert msgspec.msgpack.decode(run(file, "shop", "--msgpack").stdout) == EXPECTED
    assert json.loads(run(file, "shop", "--other").stdout) == EXPECTED


def test_json_on_a_terminal_and_no_msgpack(file: Path) -> None:
    for arguments, expected in (([], b'"schema_version": 1'), (["--msgpack"], b"Leave out --msgpack")):
        ours, theirs = pty.openpty()
        with subprocess.Popen([sys.executable, file, *arguments], stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            got = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                got += piece
            os.close(ours)
        assert expected in got
        assert process.returncode == (1 if arguments else 0)


def test_importing_prints_nothing(file: Path) -> None:
    code = "import nightly; assert nightly.pipeline.task_ids == ('a',)"
    done = run("-c", code, PYTHONPATH=os.pathsep.join([str(file.parent), *filter(None, sys.path)]))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_second_pipeline_in_one_program_is_refused(file: Path) -> None:
    file.write_text(SOURCE + "    Pipeline('q').tasks(Task('a', 'busybox:stable')).emit()\n")
    done = run(file)
    assert done.returncode == 1
    assert json.loads(done.stdout) == EXPECTED
    assert b'has printed the pipeline "p" already' in done.stderr
    assert b"Put each pipeline into a file of its own" in done.stderr


def test_an_unsound_pipeline_prints_nothing(file: Path) -> None:
    file.write_text(SOURCE.replace('.command("echo", "µ")', '.depends_on("b")'))
    done = run(file)
    assert done.returncode == 1
    assert done.stdout == b""
    assert b'Task "a" depends on "b", which is not a task' in done.stderr


def test_a_replaced_standard_output(file: Path) -> None:
    body = "    import io, contextlib\n    with contextlib.redirect_stdout(io.StringIO()) as out:\n        "
    file.write_text(SOURCE.replace("    pipeline.emit()", f"{body}pipeline.emit()\n    print(len(out.getvalue()))"))
    expected = len(Pipeline("p", "Größe").tasks(Task("a", "busybox:stable").command("echo", "µ")).to_json())
    assert int(run(file).stdout) == expected
    assert b"redirect it" in run(file, "--msgpack").stderr


def test_the_package_is_light() -> None:
    code = (
        "import sys, gofer_sdk; "
        "heavy = {'msgpack', 'gofer', 'msgspec', 'asyncio', 'ast', 'difflib', 'subprocess', 'urllib.parse'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = run("-c", code)
    assert done.stdout == b"[]\n", done.stderr
