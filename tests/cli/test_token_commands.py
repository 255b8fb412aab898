"""`gofer token …`, `gofer service token bootstrap`, and where the command line takes its token from."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer
from tests.cli.small_server import Answer, Request, problem, small_server
from tests.support.server import Api, ServerProcess

IN_PRODUCTION = {
    "GOFER_DEV_MODE": "false",
    "GOFER_ALLOW_PROCESS_ENGINE": "true",
    "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY": "k" * 32,
}
TEXT = re.compile(r"gofer_(management|client)_[0-9A-Za-z]{49}\n")
BOOTSTRAP = ("service", "token", "bootstrap")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process", IN_PRODUCTION)
    process.start()
    yield process
    assert process.stop() == 0, process.log_text()


@pytest.fixture
def nobody(production: ServerProcess, tmp_path: Path) -> Gofer:
    return Gofer(tmp_path, production.api.address)


@pytest.fixture
def gofer(nobody: Gofer) -> Gofer:
    """With a root token of its own."""
    nobody.environ["GOFER_CLI_TOKEN"] = nobody.ok(*BOOTSTRAP, "--again").out.strip()
    return nobody


def test_the_first_call(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "server", "process", IN_PRODUCTION)
    try:
        nobody = Gofer(tmp_path, process.start().address)
        refused = nobody("pipeline", "list")
        assert refused.code == 5
        assert "gofer service token bootstrap" in refused.err
        made = nobody.ok(*BOOTSTRAP)
        assert TEXT.fullmatch(made.out)
        assert "export GOFER_CLI_TOKEN" in made.err
        assert made.out.strip() not in made.err
        assert nobody("pipeline", "list").code == 5
        again = nobody(*BOOTSTRAP)
        assert (again.code, again.out) == (5, "")
        assert "gofer service token bootstrap --again" in again.err
        assert not (process.home / "data" / "bootstrap.code").exists()
        other = nobody.ok(*BOOTSTRAP, "--again", "--format", "json").json
        assert other["token"]["root"] is True
        assert nobody("pipeline", "list", environ={"GOFER_CLI_TOKEN": made.out}).code == 5
        assert nobody("pipeline", "list", environ={"GOFER_CLI_TOKEN": other["secret"]}).code == 0
        # One that is lost and still set is no hindrance.
        assert nobody(*BOOTSTRAP, "--again", environ={"GOFER_CLI_TOKEN": made.out}).code == 0
    finally:
        assert process.stop() == 0, process.log_text()


def test_the_life_of_a_token(gofer: Gofer) -> None:
    made = gofer.ok("token", "create", "--role", "viewer", "--namespace", "default", "--description", "for tests")
    assert TEXT.fullmatch(made.out)
    token = made.err.split()[1].rstrip(":")
    assert re.fullmatch(r"tok-[a-z2-7]{10}", token)
    client = {"GOFER_CLI_TOKEN": made.out}
    listed = gofer.ok("token", "list", "--all")
    assert next(line for line in listed.out.splitlines() if token in line).split()[:5] == [
        token, "client", "active", "viewer", "default",
    ]  # fmt: skip
    assert gofer("run", "list", environ=client).code == 0
    assert gofer("token", "list", environ=client).code == 5
    assert gofer.ok("token", "disable", token).out == f"token {token} disabled\n"
    refused = gofer("run", "list", environ=client)
    assert (refused.code, "This token is disabled." in refused.err) == (5, True)
    assert "(the token is that of GOFER_CLI_TOKEN)" in refused.err
    gofer.ok("token", "enable", token)
    gofer.ok("token", "describe", token, "for other tests")
    assert "description  for other tests" in gofer.ok("token", "get", token).out
    rotated = gofer.ok("token", "rotate", token)
    assert "The old text is dead." in rotated.err
    assert gofer("run", "list", environ=client).code == 5
    assert gofer("run", "list", environ={"GOFER_CLI_TOKEN": rotated.out}).code == 0
    longer = gofer.ok("token", "rotate", token, "--grace", "1h", "--format", "json").json
    assert longer["token"]["previous_until"] - longer["token"]["rotated_at"] == 3_600_000
    for text in (rotated.out, longer["secret"]):
        assert gofer("run", "list", environ={"GOFER_CLI_TOKEN": text}).code == 0
    assert gofer.ok("token", "delete", token, "--format", "json").json == {"deleted": token}
    assert gofer("token", "get", token).code == 4


def test_what_is_shown_has_no_text(gofer: Gofer) -> None:
    made = gofer.ok("token", "create", "--kind", "management", "--expires", "1h", "--format", "json").json
    assert made["token"]["expires_at"] - made["token"]["created_at"] == 3_600_000
    text = made["secret"]
    for arguments in (["list"], ["list", "--format", "json"], ["get", made["token"]["id"]], ["whoami"]):
        said = gofer("token", *arguments, environ={"GOFER_CLI_TOKEN": text})
        assert said.code == 0
        assert text not in said.out + said.err
    gofer.ok("token", "delete", made["token"]["id"])


def test_whoami(gofer: Gofer) -> None:
    assert "everything" in gofer.ok("token", "whoami").out
    assert gofer.ok("token", "whoami", "--format", "json").json["token"]["root"] is True


def test_whoami_where_nobody_needs_a_token(server: Api, tmp_path: Path) -> None:
    said = Gofer(tmp_path, server.address).ok("token", "whoami").out
    assert "development mode" in said


def test_all_that_is_wrong_at_once(gofer: Gofer) -> None:
    said = gofer("token", "create", "--role", "nope", "--role", "run", "--namespace", "a/b", "--description", "\x1b[1m")
    assert said.code == 5
    for place in ("roles[0]", "roles[1]", "namespaces[0]", "description"):
        assert f"  {place}: " in said.err
    assert "\x1b" not in said.err
    assert gofer("token", "create", "--role", "viewer", "--namespace", "*", "--expires", "soon").code == 2


def test_a_namespace_may_stand_before_the_command(gofer: Gofer) -> None:
    made = gofer.ok("--namespace", "team-a", "token", "create", "--role", "viewer", "--format", "json").json
    assert made["token"]["namespaces"] == ["team-a"]
    said = gofer.ok("token", "create", "--role", "viewer", "--namespace", "team-a")
    assert 'warning: There is no namespace "team-a" yet.' in said.err


def test_silence_would_lose_it(gofer: Gofer) -> None:
    before = len(gofer.ok("token", "list", "--all", "--format", "json").json["items"])
    for arguments in (["create", "--role", "viewer", "--namespace", "*"], ["rotate", "tok-aaaaaaaaaa"]):
        said = gofer("token", *arguments, "--format", "silent")
        assert (said.code, "would lose the token" in said.err) == (2, True)
    assert gofer(*BOOTSTRAP, "--again", "--format", "silent").code == 2
    assert len(gofer.ok("token", "list", "--all", "--format", "json").json["items"]) == before


def test_a_text_that_cannot_be_written(gofer: Gofer) -> None:
    def run(redirection: str, *arguments: str) -> tuple[int, str]:
        command = shlex.join([*GOFER, *arguments]) + redirection
        shell = ["sh", "-c", command]
        done = subprocess.run(shell, env=gofer.environ, cwd=gofer.home, stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr

    create = ("token", "create", "--role", "viewer", "--namespace", "*", "--description", "unseen")
    code, said = run(" > /dev/full", *create)
    assert (code, "No space left" in said) == (74, True)
    again = re.search(r"gofer (token rotate tok-\w{10})\n", said)
    assert again is not None
    assert TEXT.fullmatch(gofer.ok(*again[1].split()).out)
    code, said = run(" >&-", *create)
    assert (code, "stdout is closed" in said) == (2, True)
    assert gofer.ok("token", "list", "--all").out.count("unseen") == 1
    code, said = run(" > /dev/full", *BOOTSTRAP, "--again")
    assert (code, "gofer service token bootstrap --again" in said) == (74, True)


def test_a_text_where_an_id_belongs_is_not_repeated(gofer: Gofer) -> None:
    text = gofer.environ["GOFER_CLI_TOKEN"]
    for command in ("get", "delete", "rotate", "disable"):
        said = gofer("token", command, text)
        assert said.code == 2
        assert text not in said.err


def test_a_file(gofer: Gofer, nobody: Gofer) -> None:
    text = gofer.environ.pop("GOFER_CLI_TOKEN")
    file = nobody.home / "token"
    file.write_text(text + "\n")
    file.chmod(0o600)
    for arguments in (["--token-file", "token"], ["--token-file", str(file)]):
        said = nobody("token", "whoami", *arguments)
        assert (said.code, said.err) == (0, "")
    assert nobody("token", "whoami", "--token-file", "-", stdin=text.encode()).code == 0
    assert nobody("token", "whoami", "--token-file", "-", stdin=b"\xef\xbb\xbf" + text.encode() + b"\r\n").code == 0
    assert nobody("token", "whoami", environ={"GOFER_CLI_TOKEN_FILE": "~/token"}).code == 0
    (nobody.home / ".gofer.hcl").write_text('token_file = "~/token"\n')
    assert nobody("token", "whoami").code == 0
    file.chmod(0o644)
    said = nobody("token", "whoami")
    assert (said.code, "chmod 600" in said.err) == (0, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_the_stronger_place_wins(gofer: Gofer) -> None:
    text = gofer.environ["GOFER_CLI_TOKEN"]
    good, bad = gofer.home / "good", gofer.home / "bad"
    for file, content in ((good, text), (bad, "gofer_client_" + "0" * 49)):
        file.write_text(content)
        file.chmod(0o600)
    gofer.environ["GOFER_CLI_TOKEN"] = bad.read_text()
    assert gofer("token", "whoami").code == 5
    assert gofer("token", "whoami", "--token-file", "good").code == 0
    gofer.environ["GOFER_CLI_TOKEN"] = text
    assert gofer("token", "whoami", "--token-file", "bad").code == 5
    (gofer.home / ".gofer.hcl").write_text('token_file = "~/bad"\n')
    assert gofer("token", "whoami").code == 0
    said = gofer("token", "whoami", environ={"GOFER_CLI_TOKEN_FILE": "good"})
    assert said.code == 2
    assert "GOFER_CLI_TOKEN and GOFER_CLI_TOKEN_FILE" in said.err


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("", "is empty"), ("x" * 5000, "more than")])
def test_a_file_that_holds_none(alone: Gofer, content: str | None, words: str) -> None:
    if content is not None:
        (alone.home / "token").write_text(content)
    said = alone("run", "list", "--token-file", "token")
    assert (said.code, words in said.err) == (2, True)


def test_there_is_no_option_for_the_token_itself(alone: Gofer) -> None:
    said = alone("run", "list", "--token", "gofer_client_secret")
    assert said.code == 2
    assert "gofer_client_secret" not in said.err
    assert "--token-file" in said.err


def test_a_server_elsewhere(alone: Gofer) -> None:
    def answers(_: Request) -> Answer:
        return problem(403, detail="The first token is made on the server's own machine only.", hint="There.")

    with small_server(answers) as server:
        said = alone(*BOOTSTRAP, environ={"GOFER_CLI_HOST": server.address})
    assert (said.code, "on the server's own machine" in said.err) == (5, True)


@pytest.mark.parametrize("place", ["/nowhere/on/this/machine/bootstrap.code", "/etc/passwd", "bootstrap.code"])
def test_a_server_that_names_another_file(alone: Gofer, place: str) -> None:
    def answers(_: Request) -> Answer:
        return Answer(200, f'{{"done": false, "code_file": "{place}"}}'.encode())

    with small_server(answers) as server:
        said = alone(*BOOTSTRAP, environ={"GOFER_CLI_HOST": server.address})
    assert said.code == 5
    assert [request.method for request in server.requests] == ["GET"]


@pytest.mark.parametrize("again", [True, False])
def test_what_makes_a_token_is_sent_once(alone: Gofer, again: bool) -> None:
    """Sent a second time it would make another, or end the first one's grace."""
    with small_server(lambda _: Answer(drop=True)) as server:
        arguments = ["rotate", "tok-aaaaaaaaaa"] if again else ["create", "--role", "viewer", "--namespace", "*"]
        said = alone("token", *arguments, environ={"GOFER_CLI_HOST": server.address})
    assert said.code == 3
    assert len(server.requests) == 1
