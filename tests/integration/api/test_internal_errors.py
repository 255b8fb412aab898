"""A fault of Gofer itself shows an id and nothing else; the server's log has the rest."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.integration.api.server import ServerThread

# A rule of the schema that the code knows nothing of.
BREAK = "CREATE TRIGGER broken BEFORE INSERT ON namespaces BEGIN SELECT RAISE(ABORT, 'a secret detail'); END"


def test_error_is_logged_under_its_id_and_not_shown(server: ServerThread) -> None:
    server.in_loop(lambda: server.services.database.write(lambda tx: tx.execute(BREAK)))
    with capture_logs() as logged:
        answer = server.send_json("POST", "/api/v1/namespaces", {"id": "a"})
    error_id = answer.problem["error_id"]
    assert answer.status == 500
    assert error_id in answer.problem["detail"]
    assert b"secret" not in answer.body
    assert b"sqlite" not in answer.body.lower()
    (entry,) = [entry for entry in logged if entry.get("error_id") == error_id]
    assert entry["where"] == "POST /api/v1/namespaces"
    assert "a secret detail" in str(entry["exc_info"])
    assert server.ask("GET", "/healthz").status == 200
