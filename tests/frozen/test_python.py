"""Pipelines in Python on a machine that has none, and with an interpreter of the user's own where one is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frozen.box import FILES, Box, Said
from tests.frozen.place import Place
from tests.support.server import Api

PIPELINE = """
from gofer_sdk import Pipeline, Task
{before}
pipeline = Pipeline("mine").tasks(Task("t", "busybox:stable").command("echo", {words}))
if __name__ == "__main__":
    pipeline.emit()
"""


@pytest.fixture
def folder(files: Path) -> Iterator[Path]:
    """A new folder that the box sees as well."""
    made = files / "pipelines"
    made.mkdir(exist_ok=True)
    yield made
    for path in made.iterdir():
        path.unlink()


def write(folder: Path, name: str, text: str) -> str:
    """Returns where the box finds it."""
    (folder / name).write_text(text)
    return f"{FILES}/{folder.name}/{name}"


def pipeline(words: str, before: str = "") -> str:
    return PIPELINE.format(before=before, words=words)


@pytest.fixture(scope="module")
def api(box: Box) -> Iterator[Api]:
    """A server in the box, which the other box and this machine reach as well."""
    with box.serving("--engine", "process", "--storage", "/var/tmp/python") as address:
        yield Api(address)


def words_of(api: Api, created: Said) -> list[str]:
    """What the task prints of the pipeline that a command has created."""
    assert created.code == 0, created
    version = api.get(f"namespaces/default/pipelines/mine/versions/{created.json['version']}")
    words = version["manifest"]["tasks"][0]["command"]
    assert isinstance(words, list)
    return words[1:]


def create(box: Box | Place, api: Api, path: str, *options: str, **environ: str) -> Said:
    run = box.gofer if isinstance(box, Box) else box.run
    given = {"GOFER_CLI_HOST": api.address, **environ}
    return run("--format", "json", "pipeline", "create", path, *options, environ=given)


def test_a_module_beside_it_is_found(box: Box, api: Api, folder: Path) -> None:
    write(folder, "beside.py", "WORD = 'from beside'")
    path = write(folder, "mine.py", pipeline("beside.WORD", "import beside"))
    assert words_of(api, create(box, api, path)) == ["from beside"]


USES = {
    "sqlite3": "import sqlite3; word = str(sqlite3.connect(':memory:').execute('select 6*7').fetchone()[0])",
    "ssl": "import ssl; ssl.create_default_context(); word = str(42) if ssl.HAS_TLSv1_3 else ''",
    "asyncio": """
import asyncio
async def answer():
    process = await asyncio.create_subprocess_exec("echo", "42", stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode().strip()
word = asyncio.run(answer())
""",
    "subprocess": """
import subprocess, sys
code = "import gofer_sdk, sys; print(42 if sys.argv[1:] == ['a b', '-c'] else sys.argv)"
word = subprocess.check_output([sys.executable, "-c", code, "a b", "-c"], text=True).strip()
""",
    "threads": """
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor() as pool:
    word = str(sum(pool.map(int, ["40", "2"])))
""",
    "locale": "import decimal, locale; locale.setlocale(locale.LC_ALL, 'C'); word = f'{decimal.Decimal(42)}'",
    "the encoding": "import sys; word = '42' if sys.stdout.encoding == 'utf-8' and len('ä') == 1 else ''",
    "exit": "import builtins; word = '42' if builtins.exit and builtins.quit and builtins.help else ''",
}


@pytest.mark.parametrize("before", USES.values(), ids=USES.keys())
def test_the_standard_library_works(user_box: Box, api: Api, folder: Path, before: str) -> None:
    assert words_of(api, create(user_box, api, write(folder, "mine.py", pipeline("word", before)))) == ["42"]


SPAWNS = """
import multiprocessing
from gofer_sdk import Pipeline, Task

def twice(number):
    return number * 2

if __name__ == "__main__":
    multiprocessing.set_start_method("{method}")
    with multiprocessing.Pool(2) as pool:
        words = [str(number) for number in pool.map(twice, [20, 21])]
    Pipeline("mine").tasks(Task("t", "busybox:stable").command("echo", *words)).emit()
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_multiprocessing_works(box: Box, api: Api, folder: Path, method: str) -> None:
    path = write(folder, "mine.py", SPAWNS.format(method=method))
    assert words_of(api, create(box, api, path)) == ["40", "42"]


def test_a_traceback_shows_the_frames_of_the_user_alone(box: Box, folder: Path) -> None:
    write(folder, "beside.py", "def wrong():\n    return 1 / 0\n")
    path = write(folder, "mine.py", "import beside\n\nbeside.wrong()\n")
    said = box.gofer("pipeline", "create", path)
    assert said.code == 8
    assert 'mine.py", line 3, in <module>' in said.err
    assert 'beside.py", line 2, in wrong' in said.err
    assert "ZeroDivisionError: division by zero" in said.err
    assert said.err.count('File "') == 2
    direct = box.gofer("python", path)
    assert (direct.code, direct.err.count('File "')) == (1, 2)


def test_a_mistake_in_the_use_of_the_sdk_points_at_the_line(box: Box, folder: Path) -> None:
    path = write(folder, "mine.py", "from gofer_sdk import Task\n\nTask('not an id!', 'busybox:stable')\n")
    said = box.gofer("pipeline", "create", path)
    assert said.code == 8
    assert 'mine.py", line 3' in said.err
    assert said.err.count('File "') == 1


def test_a_syntax_error_is_shown(box: Box, folder: Path) -> None:
    said = box.gofer("pipeline", "create", write(folder, "mine.py", "def f(:\n"))
    assert said.code == 8
    assert "SyntaxError" in said.err
    assert 'mine.py", line 1' in said.err


PYTHON = [
    (["-c", "print(6 * 7)"], "", (0, "42\n", "")),
    (["-m", "json.tool", "--compact"], '{"a": 1}', (0, '{"a":1}\n', "")),
    (["-"], "import sys; print(sys.argv)", (0, "['-']\n", "")),
    (["-", "a", "-b"], "import sys; print(sys.argv[1:])", (0, "['a', '-b']\n", "")),
    ([], "print(__name__)", (0, "__main__\n", "")),
    (["-c", "import sys; print(sys.argv)", "-m", "x"], "", (0, "['-c', '-m', 'x']\n", "")),
    (["-c", "raise SystemExit('a text')"], "", (1, "", "a text\n")),
    (["-c", "raise SystemExit(7)"], "", (7, "", "")),
    (["-c", "exit(3)"], "", (3, "", "")),
    (["-c", "raise SystemExit"], "", (0, "", "")),
    (["-B", "-u", "-X", "dev", "-Werror", "-c", "print(1)"], "", (0, "1\n", "")),
    (["-c", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"], "", (130, "", "")),
    (["-c", "print('ä€')"], "", (0, "ä€\n", "")),
]


@pytest.mark.parametrize(("arguments", "stdin", "expected"), PYTHON, ids=[" ".join(one[0])[:30] for one in PYTHON])
def test_it_is_called_as_python_is(
    place: Place, arguments: list[str], stdin: str, expected: tuple[int, str, str]
) -> None:
    assert place.run("python", *arguments, stdin=stdin, environ={"LC_ALL": "C"}) == expected
    assert place.folders() == []


def test_what_it_cannot_run_is_said(place: Place) -> None:
    missing = place.run("python", "-m", "nosuch")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err.endswith(": No module named nosuch\n")
    assert "Traceback" not in missing.err
    file = place.run("python", "nosuch.py")
    assert (file.code, file.err) == (2, "error: cannot read nosuch.py: No such file or directory\n")
    assert place.run("python", "--nosuch").code == 2


def test_a_pipeline_finds_the_environment_as_it_was(place: Place, api: Api) -> None:
    """And so does what it starts."""
    seen = place.home / "seen.json"
    lines = f"import os, subprocess\nsubprocess.run('env -0 > {seen}', shell=True, check=True)"
    path = place.write("mine.py", pipeline("'x'", lines))
    given = {"LD_LIBRARY_PATH": "/users/own", "MINE": "1", "PYTHONPATH": "/users/modules"}
    for extra in ({}, given):
        assert words_of(api, create(place, api, str(path), **extra)) == ["x"]
        found = dict(entry.split("=", 1) for entry in seen.read_text().split("\0") if entry)
        assert {name: found.get(name) for name in extra if name != "PYTHONPATH"} == {
            name: value for name, value in extra.items() if name != "PYTHONPATH"
        }
        own = [name for name in found if name.startswith(("_PYI", "_MEI", "_GOFER")) or name.endswith("_ORIG")]
        assert own == []
        assert found.get("LD_LIBRARY_PATH") == extra.get("LD_LIBRARY_PATH")
    assert found["PYTHONPATH"].startswith("/users/modules:")


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of this machine's Python, without the SDK, with a library that only it has."""
    folder = tmp_path_factory.mktemp("venv")
    base = Path(sys.base_prefix) / "bin" / "python3"
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    (library,) = folder.glob("lib/python*/site-packages")
    (library / "only_here.py").write_text("WORD = 'only here'")
    return folder


@pytest.mark.parametrize("name", ["", "bin/python", "bin/python3"])
def test_an_interpreter_of_the_users_own(place: Place, api: Api, venv: Path, name: str) -> None:
    path = str(place.write("mine.py", pipeline("only_here.WORD", "import only_here")))
    without = create(place, api, path)
    assert without.code == 8
    assert "No module named 'only_here'" in without.err
    assert words_of(api, create(place, api, path, "--python", str(venv / name))) == ["only here"]
    assert words_of(api, create(place, api, path, GOFER_CLI_PYTHON=str(venv / name))) == ["only here"]
    assert place.folders() == []
    assert not list(place.home.rglob("__pycache__"))


def test_an_interpreter_that_is_none(place: Place) -> None:
    path = place.write("mine.py", pipeline("'x'"))
    for wrong in ("/nowhere/python", str(place.home), "no-such-python"):
        said = place.run("pipeline", "create", str(path), "--python", wrong)
        assert said.code == 2
        assert said.err.startswith(f"error: there is no Python to run at {wrong}")
        assert "hint: " in said.err
