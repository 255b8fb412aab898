"""Query parameters: unknown, repeated, ill-typed and unreadable ones are refused."""

from __future__ import annotations

import pytest

from tests.integration.api.server import ServerThread

RUNS = "/api/v1/namespaces/default/runs"
EVENTS = "/api/v1/events"


def test_unknown_parameter_names_the_nearest(server: ServerThread) -> None:
    answer = server.ask("GET", f"{RUNS}?limt=5")
    assert answer.status == 422
    assert "limit" in answer.problem["hint"]


def test_unknown_parameter_far_from_all_lists_them(server: ServerThread) -> None:
    hint = server.ask("GET", f"{RUNS}?zzzzzz=5").problem["hint"]
    assert "cursor" in hint
    assert "status" in hint


def test_path_without_parameters_says_so(server: ServerThread) -> None:
    answer = server.ask("GET", "/api/v1/system/info?x=1")
    assert (answer.status, answer.problem["hint"]) == (422, "This path takes none.")


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1001", "abc", "", "1.5", "1e2", "null", "9" * 5000, "%20", "1_0", "%D9%A1", "true"]
)
def test_limit_is_bounded(server: ServerThread, limit: str) -> None:
    answer = server.ask("GET", f"{RUNS}?limit={limit}")
    assert answer.status == 422
    assert answer.problem["problems"][0]["place"] == "query.limit"
    assert "from 1 to 1000" in answer.problem["detail"]


def test_parameter_given_twice(server: ServerThread) -> None:
    answer = server.ask("GET", f"{RUNS}?limit=1&limit=2")
    assert answer.status == 422
    assert "2 times" in answer.problem["detail"]


def test_all_faults_are_told_at_once(server: ServerThread) -> None:
    problems = server.ask("GET", f"{RUNS}?limit=0&status=done&x=1").problem["problems"]
    assert [problem["place"] for problem in problems] == ["query.limit", "query.status", "query.x"]


def test_enum_lists_its_values(server: ServerThread) -> None:
    detail = server.ask("GET", f"{RUNS}?status=done").problem["detail"]
    assert "queued, running, successful, failed, cancelled" in detail


@pytest.mark.parametrize("value", ["true", "1", "false", "0"])
def test_booleans(server: ServerThread, value: str) -> None:
    assert server.ask("GET", f"{EVENTS}?newest_first={value}").status == 200


@pytest.mark.parametrize("value", ["yes", "TRUE", "", "2"])
def test_what_is_no_boolean(server: ServerThread, value: str) -> None:
    assert server.ask("GET", f"{EVENTS}?newest_first={value}").status == 422


@pytest.mark.parametrize("name", ["namespace", "pipeline"])
@pytest.mark.parametrize("value", ["", "..", "a%0a", "a%00b", "a b".replace(" ", "%20")])
def test_ids_in_a_query_are_checked(server: ServerThread, name: str, value: str) -> None:
    answer = server.ask("GET", f"{EVENTS}?{name}={value}")
    assert answer.status == 422
    assert "letters" in answer.problem["hint"]


def test_query_that_is_not_utf8(server: ServerThread) -> None:
    assert server.ask("GET", f"{EVENTS}?namespace=%ff").status == 400


def test_raw_bytes_in_a_query(server: ServerThread) -> None:
    answer = server.send_raw(b"GET /api/v1/events?namespace=\xff HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.status == 400


def test_too_many_parameters(server: ServerThread) -> None:
    answer = server.ask("GET", EVENTS + "?" + "&".join(["kind=run.ended"] * 201))
    assert answer.status == 400


def test_unknown_kind_names_the_nearest(server: ServerThread) -> None:
    answer = server.ask("GET", f"{EVENTS}?kind=run.endet")
    assert answer.status == 422
    assert "run.ended" in answer.problem["hint"]


def test_long_name_is_cut_in_the_answer(server: ServerThread) -> None:
    answer = server.ask("GET", f"{RUNS}?{'x' * 10_000}=1")
    assert answer.status == 422
    assert len(answer.body) < 2_000
