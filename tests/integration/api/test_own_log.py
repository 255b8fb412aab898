"""The server's own log over the API: pages, filters, the stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.sync.client import connect

from gofer.models.own_log import Level
from tests.integration.api.server import ServerThread

PATH = "/api/v1/system/logs"


@pytest.fixture
def said(server: ServerThread) -> list[int]:
    """Numbers of ten lines; the even ones are warnings."""
    levels: list[Level] = ["warning", "info"]
    add = server.services.own_log.ring.add
    return [add(1_000 + i, levels[i % 2], "gofer.test", f"line {i}", {"odd": str(i % 2)}).number for i in range(10)]


def events(server: ServerThread, query: str) -> list[str]:
    return [line["event"] for line in server.ask("GET", f"{PATH}?{query}").json["items"]]


def test_lines_are_listed_and_filtered(server: ServerThread, said: list[int]) -> None:
    after = f"after={said[0] - 1}"
    (first, *_) = server.ask("GET", f"{PATH}?{after}").json["items"]
    assert first == {
        "number": said[0], "at": 1_000, "level": "warning", "logger": "gofer.test", "event": "line 0",
        "fields": {"odd": "0"},
    }  # fmt: skip
    assert events(server, after) == [f"line {i}" for i in range(10)]
    assert events(server, f"{after}&level=warning") == [f"line {i}" for i in range(0, 10, 2)]
    assert events(server, f"{after}&since=1008&contains=LINE") == ["line 8", "line 9"]
    assert events(server, f"{after}&newest_first=true&limit=2") == ["line 9", "line 8"]
    assert events(server, f"after={said[7]}") == ["line 8", "line 9"]
    assert events(server, f"after={said[7]}&newest_first=true") == ["line 9", "line 8"]


def test_pages_reach_everything_once(server: ServerThread, said: list[int]) -> None:
    for order in ("", "&newest_first=true"):
        found: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"after={said[0] - 1}&limit=3{order}{cursor and f'&cursor={cursor}'}"
            page = server.ask("GET", f"{PATH}?{query}").json
            found += [line["number"] for line in page["items"]]
            cursor = page["next"]
        assert found == (said[::-1] if order else said)


def test_what_is_asked_wrongly(server: ServerThread) -> None:
    for query in ("level=loud", "since=yesterday", "contains=", "after=-1", "lines=3"):
        answer = server.ask("GET", f"{PATH}?{query}")
        assert answer.status == 422
        assert answer.problem["problems"][0]["place"].startswith("query.")


def test_the_stream_begins_where_it_is_told_and_goes_on(server: ServerThread, said: list[int]) -> None:
    address = f"{server.websocket_address}{PATH}/stream?after={said[7]}&level=warning"
    with connect(address) as stream:
        frame = json.loads(stream.recv(timeout=30))
        assert (frame["type"], frame["missed"]) == ("lines", 0)
        assert [line["event"] for line in frame["lines"]] == ["line 8"]
        server.services.own_log.ring.add(1, "info", "gofer", "chatter", {})
        server.services.own_log.ring.add(1, "error", "gofer", "trouble", {})
        assert [line["event"] for line in json.loads(stream.recv(timeout=30))["lines"]] == ["trouble"]


def test_a_stream_ends_with_the_server(tmp_path: Path) -> None:
    server = ServerThread(tmp_path)
    server.start()
    with connect(f"{server.websocket_address}{PATH}/stream") as stream:
        server.stop()
        with pytest.raises(Exception, match="1012"):
            stream.recv(timeout=30)
