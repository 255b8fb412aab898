"""Nothing is missing that is only asked for late: modules of Gofer, of the SDK and of Python, and every command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from gofer.cli.app import root
from tests.frozen.place import Place
from tests.support.program import ROOT

sys.path.insert(0, str(ROOT / "packaging"))
from freeze import stdlib  # the recipe of the program, which is no installed package

IMPORTS = """
import contextlib, importlib, io, json, os, sys, warnings
warnings.simplefilter("ignore")
failed = {}
for name in json.load(sys.stdin):
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed), flush=True)
os._exit(0)
"""


def own_modules(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        if parts[-1] != "__main__" and "node_modules" not in parts:
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_of_gofer_and_the_sdk_is_there(place: Place) -> None:
    names = [*own_modules(ROOT / "gofer"), *own_modules(ROOT / "sdk" / "python" / "gofer_sdk")]
    assert len(names) > 300
    assert json.loads(place.ok("python", "-c", IMPORTS, stdin=json.dumps(names)).out) == {}


def test_every_module_of_the_standard_library_is_there(place: Place) -> None:
    """But those of the list, and those that import nowhere but on Windows."""
    version = place.ok("python", "-c", "import sys; print(*sys.version_info[:2])").out.split()
    assert version == [str(part) for part in sys.version_info[:2]], "the program is made of another Python than this"
    names = json.dumps([name for name in stdlib.modules() if not name.endswith("__main__")])
    plain = [sys.executable, "-I", "-S", "-c", IMPORTS]
    here = json.loads(subprocess.run(plain, input=names.encode(), capture_output=True, check=True).stdout)
    failed = json.loads(place.ok("python", "-c", IMPORTS, stdin=names).out)
    assert {name: failed[name] for name in failed.keys() - here.keys()} == {}


@pytest.mark.parametrize("module", ["asyncio", "unittest", "json.tool", "http.server", "zipfile", "timeit", "pdb"])
def test_modules_that_are_programs_are_found_as_such(place: Place, module: str) -> None:
    found = f"import importlib.util as u; s = u.find_spec('{module}'); s = s.submodule_search_locations is None and s "
    found += f"or u.find_spec('{module}.__main__'); print(s.loader.get_code(s.name).co_name)"
    assert place.ok("python", "-c", found).out == "<module>\n"


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


def test_every_command_says_what_it_does(place: Place) -> None:
    known = list(commands(root()))
    assert len(known) > 40
    with ThreadPoolExecutor(4) as pool:
        for words, said in zip(known, pool.map(lambda words: place.run(*words, "--help"), known), strict=True):
            assert (said.code, said.err) == (0, ""), words
            assert said.out.startswith(f"Usage: {' '.join(('gofer', *words))} "), words
    assert place.folders() == []
