"""The server killed with SIGKILL while secrets are put, deleted and encrypted anew."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess

KEY, PREVIOUS = "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY", "GOFER_SECRET_STORE__SQLITE__PREVIOUS_ENCRYPTION_KEYS"
OLD, NEW = "old-key-" * 4, "new-key-" * 4
BOTH = {KEY: NEW, PREVIOUS: OLD}
COUNT = 130


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process")
    yield made
    assert made.stop() == 0, made.log_text()


def put(api: Api, key: str, value: str) -> None:
    status, answer = api.call("PUT", f"secrets/{key}", {"value": value, "namespaces": ["*"]})
    assert status in (200, 201), answer


def value(api: Api, key: str) -> str | None:
    status, answer = api.call("POST", f"secrets/{key}/reveal", {})
    assert status in (200, 404), answer
    return answer["value"] if status == 200 else None


def rotate(api: Api) -> Any:
    return api.post("system/secrets/rotate-key", {})


def unanswered(api: Api, method: str, path: str, body: object = None) -> None:
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        status, answer = api.call(method, path, body)
        raise AssertionError(f"it was to die before it answers: {status} {answer}")


@pytest.mark.parametrize(("point", "expected"), [("secret-put", "old value"), ("secret-put-committed", "new value")])
def test_a_put_is_done_or_not(server: ServerProcess, point: str, expected: str) -> None:
    put(server.start(), "key", "old value")
    server.kill()
    unanswered(server.start(GOFER_TEST_CRASH_AT=point), "PUT", "secrets/key", {"value": "new value"})
    server.died()
    api = server.start()
    assert value(api, "key") == expected
    put(api, "key", "newer value")
    assert value(api, "key") == "newer value"


@pytest.mark.parametrize(("point", "expected"), [("secret-put", None), ("secret-put-committed", "value")])
def test_a_new_one_is_there_or_not(server: ServerProcess, point: str, expected: str | None) -> None:
    api = server.start(GOFER_TEST_CRASH_AT=point)
    unanswered(api, "PUT", "secrets/key", {"value": "value", "namespaces": ["*"]})
    server.died()
    assert value(server.start(), "key") == expected


@pytest.mark.parametrize(("point", "expected"), [("secret-deleted", "value"), ("secret-deleted-committed", None)])
def test_a_deletion_is_done_or_not(server: ServerProcess, point: str, expected: str | None) -> None:
    put(server.start(), "key", "value")
    server.kill()
    unanswered(server.start(GOFER_TEST_CRASH_AT=point), "DELETE", "secrets/key")
    server.died()
    assert value(server.start(), "key") == expected


ROTATING = ["secret-rotated:1", "secret-rotated:64", "secret-rotated:65", "secret-rotated:130"]
ROTATED = [f"secret-rotated-committed:{step}" for step in (1, 2, 3)]


@pytest.mark.parametrize("point", [*ROTATING, *ROTATED])
def test_a_rotation_loses_nothing_and_can_be_run_again(server: ServerProcess, point: str) -> None:
    api = server.start(**{KEY: OLD})
    for number in range(COUNT):
        put(api, f"k{number}", f"value {number}")
    server.kill()
    unanswered(server.start(GOFER_TEST_CRASH_AT=point, **BOTH), "POST", "system/secrets/rotate-key", {})
    server.died()
    api = server.start(**BOTH)
    assert [value(api, f"k{number}") for number in range(COUNT)] == [f"value {number}" for number in range(COUNT)]
    again = rotate(api)
    name, _, count = point.partition(":")
    steps = (int(count) - 1) // 64 if name == "secret-rotated" else int(count)
    assert again == {"rotated": max(COUNT - steps * 64, 0), "total": COUNT, "damaged": 0}
    server.kill()
    api = server.start(**{KEY: NEW})
    assert [value(api, f"k{number}") for number in range(COUNT)] == [f"value {number}" for number in range(COUNT)]


def test_what_was_answered_is_there_whenever_it_is_killed(server: ServerProcess) -> None:
    """Puts, deletions and rotations at once, killed a few times in the middle of them."""
    chance = random.Random(4)
    answered: dict[str, str | None] = {}
    asked: dict[str, set[str | None]] = {}
    keys = [{KEY: OLD}, BOTH, BOTH, {KEY: OLD, PREVIOUS: NEW}]
    api = server.start(**keys[0])
    for turn, following in enumerate([*keys[1:], {KEY: OLD, PREVIOUS: NEW}]):

        def change(number: int, turn: int = turn, api: Api = api) -> None:
            key, step = f"k{number}", 0
            with contextlib.suppress(http.client.HTTPException, ConnectionError):
                while True:
                    step += 1
                    wanted = None if step % 5 == 0 else f"{turn} {step}"
                    asked[key] = {answered.get(key), wanted}
                    if wanted is None:
                        assert api.call("DELETE", f"secrets/{key}")[0] == 204
                    else:
                        put(api, key, wanted)
                    answered[key] = wanted

        def turn_keys(api: Api = api) -> None:
            with contextlib.suppress(http.client.HTTPException, ConnectionError):
                while True:
                    rotate(api)

        threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
        threads.append(threading.Thread(target=turn_keys))
        for thread in threads:
            thread.start()
        wanted = chance.randrange(20, 60)
        for seen, _ in enumerate(api.events(kind="secret.*")):
            if seen >= wanted:
                break
        server.kill()
        for thread in threads:
            thread.join()
        api = server.start(**following)
        for key, possible in asked.items():
            found = value(api, key)
            assert found in possible, (key, found, possible)
            answered[key] = found
