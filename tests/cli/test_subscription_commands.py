"""`gofer pipeline subscribe` and its like, and `gofer trigger events`, with a trigger that runs."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Gofer
from tests.support.server import Api
from tests.support.until import until

TASK = {"id": "t", "image": "busybox:stable", "command": ["true"]}


@pytest.fixture(scope="module")
def ticker(server: Api) -> str:
    """An installed interval."""
    settings = {"min_duration": "100ms"}
    server.post("triggers", {"id": "ticker", "image": "builtin:interval", "settings": settings})
    until(lambda: server.get("triggers/ticker")["state"] == "healthy", "the trigger is healthy")
    return "ticker"


def test_a_subscription_from_its_beginning_to_its_end(gofer: Gofer, ticker: str, server: Api) -> None:
    server.register({"id": "ticking", "tasks": [TASK], "parameters": [{"name": "N", "type": "integer"}]})
    refused = gofer("pipeline", "subscribe", "ticking", ticker, "soon", "--set", "every=1ms")
    assert refused.code == 5
    assert "1ms is shorter than 100ms" in refused.err
    unknown = gofer("pipeline", "subscribe", "ticking", "nothing", "soon")
    assert "gofer trigger install nothing" in unknown.err
    settings = ("--set", "every=300ms", "--set", "jitter:=false")
    added = gofer.ok("pipeline", "subscribe", "ticking", ticker, "soon", *settings, "-p", "N=3")
    assert added.out == "ticking is subscribed to ticker as soon: active\n"
    until(lambda: server.get("triggers/ticker/events")["items"], "it has fired")
    run = json.loads(gofer.ok("run", "get", "ticking", "1", "--format", "json").out)
    assert run["initiator"] == {"kind": "trigger", "name": "ticker/soon"}
    assert run["parameters"] == {"N": 3}
    assert "trigger ticker/soon" in gofer.ok("run", "list", "ticking").out
    shown = gofer.ok("pipeline", "get", "ticking").out
    assert shown.count("next of soon: ") == 10
    (one,) = gofer.ok("pipeline", "get", "ticking", "--format", "json").json["subscriptions"]
    assert (one["settings"], one["origin"]) == ({"every": "300ms", "jitter": False}, "added")
    listed = gofer.ok("pipeline", "subscriptions", "ticking").out.splitlines()
    assert listed[0].split()[:3] == ["LABEL", "TRIGGER", "STATE"]
    assert listed[1].split()[:3] == ["soon", "ticker", "active"]
    with gofer.popen("trigger", "events", ticker, "--follow", "--pipeline", "ticking") as following:
        assert following.stdout is not None
        line = following.stdout.readline().decode()
        following.terminate()
    assert "started   ticking/soon #" in line
    assert "ticking is not subscribed as soon any more" in gofer.ok("pipeline", "unsubscribe", "ticking", "soon").out
    events = gofer.ok("trigger", "events", ticker, "--outcome", "started", "--pipeline", "ticking", "--all").out
    assert "ticking/soon #1" in events
    assert "It has told of nothing yet." in gofer.ok("trigger", "events", ticker, "--outcome", "error").err
    missing = gofer("trigger", "events", "nothing")
    assert missing.code == 4
    assert 'There is no trigger "nothing"' in missing.err


def test_one_of_the_manifest_stays(gofer: Gofer, ticker: str, server: Api) -> None:
    daily = {"label": "daily", "trigger": ticker, "settings": {"every": "24h"}}
    server.register({"id": "planned", "tasks": [TASK], "subscriptions": [daily]})
    assert gofer.ok("pipeline", "subscriptions", "planned", "--format", "json").json["items"][0]["state"] == "active"
    refused = gofer("pipeline", "unsubscribe", "planned", "daily")
    assert "stands in the manifest" in refused.err
    gofer.ok("pipeline", "delete", "planned")


@pytest.mark.parametrize("pair", ["every", "=1h", "a:={"])
def test_what_is_no_setting(gofer: Gofer, pair: str) -> None:
    refused = gofer("pipeline", "subscribe", "p", "cron", "x", "--set", pair)
    assert refused.code == 2
    assert "NAME=VALUE" in refused.err or "no JSON" in refused.err
