"""From what a user wrote to a manifest, and every way in which that goes wrong."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from gofer.cli.compile import JSON, MSGPACK, Manifest, compile_pipeline
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError

SDK = """\
from gofer_sdk import Pipeline, Task

Pipeline("made", "Made").tasks(Task("one", "busybox:stable").command("true")).emit()
"""


def write(path: Path, text: str, mode: int = 0o644) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def failure(path: str, timeout: float = 20.0) -> CommandError:
    with pytest.raises(CommandError) as caught:
        compile_pipeline(path, timeout=timeout)
    return caught.value


def test_a_python_file(tmp_path: Path) -> None:
    manifest = compile_pipeline(write(tmp_path / "made.py", SDK))
    assert manifest.content_type == JSON
    assert json.loads(manifest.body)["id"] == "made"


def test_the_file_is_not_imported_here(tmp_path: Path) -> None:
    before = set(sys.modules)
    compile_pipeline(write(tmp_path / "made_elsewhere.py", "import os\nos.environ['LEAK'] = 'x'\n" + SDK))
    assert "LEAK" not in os.environ
    assert "made_elsewhere" not in set(sys.modules) - before


def test_the_sdk_is_found_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An interpreter that ignores its site-packages finds only what PYTHONPATH names.
    bare = write(tmp_path / "bare-python", f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', 0o755)
    code = "import gofer_sdk.errors\nprint('{}')\n"
    monkeypatch.setattr(sys, "executable", bare)
    assert compile_pipeline(write(tmp_path / "p.py", code)).body == b"{}\n"


def test_a_folder_with_a_pipeline_runs_there(tmp_path: Path) -> None:
    write(tmp_path / "nightly" / "pipeline.py", "import os, json; print(json.dumps({'id': os.getcwd()}))")
    write(tmp_path / "nightly" / "main.py", "raise SystemExit('not this one')")
    manifest = compile_pipeline(str(tmp_path / "nightly"))
    assert json.loads(manifest.body)["id"] == str(tmp_path / "nightly")


def test_a_folder_with_nothing_says_what_it_looked_for(tmp_path: Path) -> None:
    error = failure(str(tmp_path))
    assert error.exit_code is ExitCode.USAGE
    for name in ("pipeline.py", "main.py", "go.mod", "Cargo.toml"):
        assert name in error.hint


@pytest.mark.parametrize(("name", "command"), [("go.mod", "go"), ("Cargo.toml", "cargo")])
def test_a_folder_in_another_language(name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "project" / name, "")
    write(tmp_path / "bin" / command, '#!/bin/sh\necho "{\\"id\\": \\"$*\\"}"\n', 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    manifest = compile_pipeline(str(tmp_path / "project"))
    assert json.loads(manifest.body)["id"] in ("run .", "run -q")


def test_a_language_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "go.mod", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no `go` on the PATH" in failure(str(tmp_path)).message


def test_an_executable_of_any_language(tmp_path: Path) -> None:
    path = write(tmp_path / "generate", '#!/bin/sh\necho \'{"id": "shell"}\'\n', 0o755)
    assert json.loads(compile_pipeline(path).body) == {"id": "shell"}


def test_its_remarks_are_passed_on_without_control_sequences(tmp_path: Path) -> None:
    path = write(tmp_path / "generate", "#!/bin/sh\nprintf '\\033[2Jbuilding\\n' >&2\necho '{}'\n", 0o755)
    stderr = io.StringIO()
    compile_pipeline(path, stderr=stderr)
    assert stderr.getvalue() == "building\n"


def test_messagepack(tmp_path: Path) -> None:
    body = msgspec.msgpack.encode({"id": "packed", "tasks": [{"id": "x"}] * 20})
    path = write(tmp_path / "p.py", f"import sys; sys.stdout.buffer.write({body!r})")
    assert compile_pipeline(path) == Manifest(body, MSGPACK, path)


def test_a_manifest_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.json", '{"id": "file"}')
    assert compile_pipeline(path) == Manifest(b'{"id": "file"}', JSON, path)


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": "piped"}')))
    assert compile_pipeline("-").body == b'{"id": "piped"}'


def test_a_path_that_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "-c.py", SDK)
    assert json.loads(compile_pipeline("-c.py").body)["id"] == "made"


def test_a_traceback_is_trimmed_to_the_users_frames(tmp_path: Path) -> None:
    code = "import json\n\ndef load():\n    return json.loads('{')\n\nload()\n"
    error = failure(write(tmp_path / "boom.py", code))
    assert error.exit_code is ExitCode.PROGRAM_FAILED
    assert "failed with exit code 1" in error.message
    assert "line 4, in load" in error.message
    assert "json.decoder.JSONDecodeError" in error.message
    assert "json/__init__.py" not in error.message


def test_a_mistake_with_the_sdk_points_at_the_users_line(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "p.py", SDK.replace('"one"', '"o n e"')))
    assert "line 3" in error.message
    assert "gofer_sdk/" not in error.message
    assert "o n e" in error.message


def test_a_syntax_error_is_shown(tmp_path: Path) -> None:
    assert "SyntaxError: '(' was never closed" in failure(write(tmp_path / "p.py", "x = (\n")).message


def test_a_loop_is_stopped_and_explained(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "p.py", "while True: pass"), timeout=1)
    assert "did not end within 1 s" in error.message
    assert "--timeout" in error.hint


def test_100_megabytes_are_stopped_and_explained(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "p.py", "for _ in range(100_000): print('x' * 1000)"))
    assert "printed more than" in error.message
    assert "begins with 'xxxx" in error.message


def test_garbage_is_shown_escaped(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "p.py", r"import sys; sys.stdout.buffer.write(b'\x1b[2Jhello\xff' * 50)"))
    assert r"\x1b[2Jhello\xff" in error.message
    assert "\x1b" not in error.message
    assert "stderr" in error.hint


def test_a_remark_before_the_manifest_is_explained(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "p.py", "print('hello')\n" + SDK))
    assert "begins with 'hello" in error.message


@pytest.mark.parametrize(("printed", "kind"), [("[]", "a list"), ('"x"', "text"), ("12", "a number")])
def test_json_that_is_no_object(printed: str, kind: str, tmp_path: Path) -> None:
    assert f"expected an object, got {kind}" in failure(write(tmp_path / "m.json", printed)).message


def test_deep_nesting_is_not_a_crash(tmp_path: Path) -> None:
    assert "is not a manifest" in failure(write(tmp_path / "m.json", "[" * 100_000)).message


def test_nothing_printed(tmp_path: Path) -> None:
    assert "printed nothing" in failure(write(tmp_path / "p.py", "pass")).message


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), ('{"id":', "m.json is not a manifest")])
def test_a_file_is_not_spoken_of_as_a_program(content: str, message: str, tmp_path: Path) -> None:
    error = failure(write(tmp_path / "m.json", content))
    assert message in error.message
    assert "print" not in error.message + error.hint


def test_yaml_is_told_how_to_get_in(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", "id: x")
    assert f"yq -o json {path} | gofer pipeline create -" in failure(path).hint


def test_a_manifest_file_that_is_too_long(tmp_path: Path) -> None:
    assert "longer than" in failure(write(tmp_path / "m.json", '{"id": "' + "x" * 2_000_000 + '"}')).message


def test_an_end_by_signal_is_named(tmp_path: Path) -> None:
    assert "SIGKILL" in failure(write(tmp_path / "p.py", "import os; os.kill(os.getpid(), 9)")).message


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("nope.py", "nope.json", "nope"):
        error = failure(str(tmp_path / name))
        assert error.exit_code is ExitCode.USAGE
        assert "No such file" in error.message


def test_a_file_that_is_not_executable(tmp_path: Path) -> None:
    assert "chmod +x" in failure(write(tmp_path / "generate", "#!/bin/sh\n")).hint


def test_an_executable_that_is_no_program(tmp_path: Path) -> None:
    assert "#!" in failure(write(tmp_path / "generate", "nothing", 0o755)).hint


def test_remarks_of_a_python_file_are_shown(tmp_path: Path) -> None:
    stderr = io.StringIO()
    compile_pipeline(write(tmp_path / "p.py", "import sys; print('careful', file=sys.stderr)\n" + SDK), stderr=stderr)
    assert stderr.getvalue() == "careful\n"
