"""What a command of the process engine finds around it, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gofer.engines.scheduler.base import Bind, Credentials
from gofer.errors import InvalidInput, StartFailed
from gofer.models.status import Reason
from tests.unit.engines.conftest import Processes, spec

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as somebody else")


async def test_it_sees_its_own_variables_and_nothing_of_gofers(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFER_SECRET", "do not show")
    await processes.reopen()
    name = await processes.start("exec env", environment={"A": "1", "B": "é =\n'\""})
    shown = dict(
        line.split("=", 1) for line in (await processes.output(name))["stdout"].decode().split("\n") if "=" in line
    )
    shown.pop("_", None)
    assert shown.pop("PWD") == shown["HOME"] == str(processes.scratch(name))
    assert shown == {"A": "1", "B": "é =", "PATH": os.environ["PATH"], "HOME": shown["HOME"]}


async def test_the_shim_shows_nothing_of_gofers_either(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFER_SECRET", "do not show")
    await processes.reopen()
    assert "do not show" not in await processes.run("tr '\\0' '\\n' </proc/$PPID/environ")


async def test_home_and_path_may_be_its_own(processes: Processes) -> None:
    program = processes.scratch("x").parent / "hello-there"
    program.write_text("#!/bin/sh\necho found in $PATH with $HOME\n")
    program.chmod(0o755)
    own = {"HOME": "/elsewhere", "PATH": f"{program.parent}:/bin"}
    assert (
        await processes.run("", command=["hello-there"], environment=own) == f"found in {own['PATH']} with /elsewhere\n"
    )


async def test_input_is_empty_and_no_descriptor_leaks(processes: Processes) -> None:
    assert await processes.run("cat; ls /proc/self/fd | wc -l") == "4\n"


async def test_signals_are_as_a_command_expects_them(processes: Processes) -> None:
    status = await processes.run("grep -E 'Sig(Blk|Ign)' /proc/self/status")
    # Only 1 to 31: the C library keeps two others to itself.
    assert [int(line.split()[1], 16) & 0x7FFFFFFF for line in status.splitlines()] == [0, 0]


@pytest.mark.parametrize(
    ("wanted", "expected"), [(None, "."), (".", "."), ("a", "a"), ("a/b//c/", "a/b/c"), ("a/../b", "b")]
)
async def test_a_relative_folder_is_made_in_the_scratch_folder(
    processes: Processes, wanted: str | None, expected: str
) -> None:
    name = await processes.start("pwd", working_directory=wanted)
    folder = (await processes.output(name))["stdout"].decode().strip()
    assert folder == os.path.normpath(processes.scratch(name) / expected)


async def test_an_absolute_folder_is_taken_as_it_is(processes: Processes, tmp_path: Path) -> None:
    assert await processes.run("pwd", working_directory=str(tmp_path)) == f"{tmp_path}\n"


async def test_entrypoint_and_command_are_one_after_the_other(processes: Processes) -> None:
    assert await processes.run("", entrypoint=["echo", "a"], command=["b", "c d"]) == "a b c d\n"


async def test_what_only_matters_to_images_is_ignored(processes: Processes) -> None:
    given = {"image": "no/such:image", "pull": "always", "credentials": Credentials(user="u", password="p"), "cpu": 0.1}
    assert await processes.run("echo ran", network="host", **given) == "ran\n"


async def test_memory_is_limited(processes: Processes) -> None:
    name = await processes.start("head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null", memory=20_000_000)
    assert b"memory exhausted" in (await processes.output(name))["stderr"]
    end = await processes.scheduler.wait(name)
    assert end is not None
    assert end.exit_code != 0


@as_root
@pytest.mark.parametrize(
    ("user", "expected"), [("nobody", "65534 65534"), ("65534:12345", "65534 12345"), ("54321", "54321 54321")]
)
async def test_it_runs_as_the_user_it_was_given(user: str, expected: str) -> None:
    # Not below pytest's own folder, which belongs to root alone.
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        processes = Processes(Path(folder) / "engine")
        await processes.scheduler.open()
        name = await processes.start("echo $(id -u) $(id -g); touch mine", user=user, working_directory="w")
        assert await processes.output(name) == {"stdout": f"{expected}\n".encode(), "stderr": b""}
        await processes.scheduler.remove(name)
        await processes.scheduler.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"command": None}, "no command"),
        ({"command": [""]}, "no command"),
        ({"command": ["no-such-program"]}, "No such file"),
        ({"command": ["/no/such/program"]}, "No such file"),
        ({"command": ["/etc/passwd"]}, "Permission denied"),
        ({"command": ["/"]}, "Permission denied"),
        ({"command": ["echo", "a\0b"]}, "characters"),
        ({"environment": {"A": "a\0b"}}, "characters"),
        ({"environment": {"A=B": "c"}}, "characters"),
        ({"command": ["echo", "x" * 200_000]}, "too long"),
        ({"working_directory": "/no/such/folder"}, "working directory"),
        ({"working_directory": "../other"}, "leads out"),
        ({"working_directory": "a/../../other"}, "leads out"),
        ({"user": "no-such-user"}, "no user"),
        ({"user": "root:no-such-group"}, "no group"),
        ({"network": "none"}, "network"),
        ({"mounts": [Bind(source="/tmp", target="/mnt")]}, "mounts nothing"),
        ({"privileged": True}, "privileges"),
    ],
)
async def test_what_cannot_be_given_is_refused_and_leaves_nothing(
    processes: Processes, changes: dict[str, Any], said: str
) -> None:
    wanted = spec("true", **changes)
    with pytest.raises(StartFailed) as error:
        await processes.scheduler.start(wanted)
    assert error.value.reason == Reason.START_FAILED
    assert said in f"{error.value.message} {error.value.hint}"
    assert error.value.hint
    assert await processes.scheduler.inspect(wanted.name) is None
    assert await processes.scheduler.list({}) == []
    assert list(processes.scratch("x").parent.iterdir()) == []


async def test_a_script_without_a_first_line_is_explained(processes: Processes, tmp_path: Path) -> None:
    program = tmp_path / "script"
    program.write_text("echo hello\n")
    program.chmod(0o755)
    with pytest.raises(StartFailed) as error:
        await processes.start("", command=[str(program)])
    assert "#!/bin/sh" in error.value.hint


async def test_a_refused_start_may_be_made_again(processes: Processes, tmp_path: Path) -> None:
    program = tmp_path / "later"
    wanted = spec("", command=[str(program)])
    with pytest.raises(StartFailed):
        await processes.scheduler.start(wanted)
    program.symlink_to("/bin/true")
    await processes.scheduler.start(wanted)
    end = await processes.scheduler.wait(wanted.name)
    assert end is not None
    assert end.exit_code == 0


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "-a", "é", "a\nb", "x" * 300])
async def test_a_name_that_no_file_may_have_is_refused(processes: Processes, name: str) -> None:
    with pytest.raises(InvalidInput):
        await processes.scheduler.start(spec("true", name=name))
    with pytest.raises(InvalidInput):
        await processes.scheduler.inspect(name)
