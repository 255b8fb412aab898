"""`gofer pipeline export` and `import` against a real server."""

from __future__ import annotations

import json

from tests.cli.conftest import Gofer
from tests.support.server import Api


def manifest(command: str) -> dict[str, object]:
    variables = {"PASSWORD": "secret{{password}}"}
    return {"id": "moved", "tasks": [{"id": "x", "image": "i", "command": [command], "variables": variables}]}


def test_there_and_back(gofer: Gofer, server: Api) -> None:
    for namespace in ("from", "to"):
        gofer.ok("namespace", "create", namespace)
    for command in ("one", "two"):
        server.post("namespaces/from/pipelines", manifest(command))
    server.call("PUT", "namespaces/from/pipelines/moved/secrets/password", {"value": "never to be seen"})
    there, here = ("--namespace", "from"), ("--namespace", "to")

    said = gofer.ok("pipeline", "export", "moved", "moved.json", *there)
    assert "moved exported to moved.json" in said.out
    text = (gofer.home / "moved.json").read_text()
    assert "secret{{password}}" in text
    assert "never to be seen" not in text
    document = gofer.ok("pipeline", "export", "moved", *there).json
    assert {**document, "exported_at": 0} == {**json.loads(text), "exported_at": 0}
    assert [one["number"] for one in document["versions"]] == [1, 2]
    fewer = gofer.ok("pipeline", "export", "moved", "--versions", "1", *there)
    assert [one["number"] for one in fewer.json["versions"]] == [2]
    taken = gofer("pipeline", "export", "moved", "moved.json", *there)
    assert (taken.code, "--force" in taken.err) == (2, True)
    gofer.ok("pipeline", "export", "moved", "moved.json", "--force", *there)
    assert gofer("pipeline", "export", "nobody", *there).code == 4

    created = gofer.ok("pipeline", "import", "moved.json", *here)
    assert "pipeline moved created with 2 versions; version 2 is live" in created.out
    assert "secret{{password}} is not set yet" in created.err
    assert gofer.ok("pipeline", "import", "moved.json", *here).out.startswith("pipeline moved unchanged")
    server.post("namespaces/from/pipelines", manifest("three"))
    whole = gofer.ok("pipeline", "export", "moved", *there).out.encode()
    updated = gofer.ok("pipeline", "import", "-", *here, stdin=whole)
    assert "pipeline moved updated, 1 of 3 versions are new; version 3 is live" in updated.out
    assert "was there already" in updated.out
    again = gofer.ok("pipeline", "import", "-", *here, "--format", "json", stdin=fewer.out.encode()).json
    assert again["versions"] == [{"exported": 2, "version": 2, "created": False}]
    assert (again["deployed"], again["pipeline"]["version"]) == (True, 2)


def test_nothing_goes_live(gofer: Gofer, server: Api) -> None:
    gofer.ok("namespace", "create", "careful")
    server.register(manifest("one"))
    document = gofer.ok("pipeline", "export", "moved").out.encode()
    said = gofer.ok("pipeline", "import", "-", "--no-deploy", "--namespace", "careful", stdin=document)
    assert "none is live" in said.out
    assert "gofer pipeline deploy moved" in said.err
    assert gofer("run", "start", "moved", "--namespace", "careful").code == 5


def test_what_is_wrong_is_said_with_its_places(gofer: Gofer, server: Api) -> None:
    server.register({**manifest("one"), "id": "wronged"})
    document = gofer.ok("pipeline", "export", "wronged").json
    document["versions"][0]["manifest"]["name"] = "another"
    document["live_version"] = 7
    said = gofer("pipeline", "import", "-", stdin=json.dumps(document).encode())
    assert said.code == 5
    assert "versions[0].hash" in said.err
    assert "live_version" in said.err
    assert "nothing was imported" in said.err
    document = gofer.ok("pipeline", "export", "wronged").json
    document["subscriptions"] = [{"label": "often", "trigger": "nowhere"}]
    said = gofer("pipeline", "import", "-", "--namespace", "wrong", stdin=json.dumps(document).encode())
    assert said.code == 4
    gofer.ok("namespace", "create", "wrong")
    said = gofer("pipeline", "import", "-", "--namespace", "wrong", stdin=json.dumps(document).encode())
    assert said.code == 5
    assert "subscriptions[0].trigger" in said.err
    assert "not installed" in said.err
    assert gofer("pipeline", "get", "wronged", "--namespace", "wrong").code == 4
    for content, code in ((b"{}", 5), (b"nonsense", 5)):
        assert gofer("pipeline", "import", "-", stdin=content).code == code
    assert gofer("pipeline", "import", "nowhere.json").code == 2
    large = gofer("pipeline", "import", "-", stdin=b" " * (9 * 1024 * 1024))
    assert large.code == 5
    assert "--versions 10" in large.err
