"""The text of a token is nowhere but where it was printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.cli.service.code_file import CodeFile
from gofer.server.auth.tokens import hide_tokens, new_token
from tests.support.server import Api, ServerProcess

IN_PRODUCTION = {
    "GOFER_DEV_MODE": "false",
    "GOFER_ALLOW_PROCESS_ENGINE": "true",
    "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY": "k" * 32,
    "GOFER_LOG_LEVEL": "debug",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process", IN_PRODUCTION)
    yield made
    made.stop()


def bootstrap(api: Api) -> str:
    with CodeFile(api.get("bootstrap")["code_file"]) as code:
        return str(api.post("bootstrap", {"code": code})["secret"])


def found(home: Path, texts: list[str]) -> list[str]:
    """Files that have one of the texts, or what of it is secret."""
    secrets = [text.rpartition("_")[2].encode() for text in texts]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "gofer.db" for path in files)
    return [str(path) for path in files if any(secret in path.read_bytes() for secret in secrets)]


def test_after_all_that_may_be_done_with_one(server: ServerProcess, tmp_path: Path) -> None:
    api = server.start()
    root = bootstrap(api)
    owner = Api(api.address, root)
    made = owner.post("tokens", {"roles": ["developer"], "namespaces": ["*"]})
    path = f"tokens/{made['token']['id']}"
    rotated = owner.post(f"{path}/rotate", {"grace": 60_000})
    keyed = owner.call(
        "POST", "tokens", {"roles": ["viewer"], "namespaces": ["*"]}, {"Idempotency-Key": "a key for tests"}
    )[1]
    user = Api(api.address, rotated["secret"])
    user.register({"id": "p", "tasks": [{"id": "t", "image": "i", "command": ["true"]}]})
    user.ended("p", user.start("p"))
    texts = [root, made["secret"], rotated["secret"], keyed["secret"]]
    # Where a person puts it who has misread what is asked for.
    for text in texts:
        assert Api(api.address, root).call("GET", f"tokens/{text}")[0] in (404, 422)
        assert Api(api.address, root).call("GET", f"namespaces/default/pipelines/{text}")[0] in (404, 422)
        assert Api(api.address, "").call("GET", f"namespaces?token={text}")[0] in (401, 422)
        assert Api(api.address, text + "x").call("GET", "namespaces")[0] == 401
    owner.call("PATCH", path, {"enabled": False})
    assert user.call("GET", "namespaces")[0] == 401
    assert owner.call("DELETE", path)[0] == 204
    assert user.call("GET", "namespaces")[0] == 401
    status, backup = owner.raw("GET", "/api/v1/system/backup")
    assert status == 200
    assert root.encode() not in backup
    events = json.dumps(owner.get("events", limit=200))
    log = json.dumps(owner.get("system/logs", limit=200))
    assert not any(text in events + log for text in texts)
    assert found(tmp_path, texts) == []
    assert server.stop() == 0
    assert found(tmp_path, texts) == []


def test_what_looks_like_one_is_hidden() -> None:
    texts = [new_token(kind) for kind in ("management", "client", "session", "run")]
    line = f"GET /x?token={texts[0]} 'Bearer {texts[1]}' {texts[2]}, {texts[3]}"
    assert hide_tokens(line) == (
        "GET /x?token=gofer_management_*** 'Bearer gofer_client_***' gofer_session_***, gofer_run_***"
    )
    assert hide_tokens("gofer_client_short gofer_") == "gofer_client_short gofer_"
