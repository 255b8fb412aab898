"""The webhook trigger: who is believed, what becomes of a request, what is answered."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer_sdk.testing import START, Running, running
from gofer_sdk.trigger import Answer, Refused
from gofer_triggers.webhook.trigger import Webhook

KEY = "a key of some length"
HMAC = {"verify": "hmac", "secret": KEY}
TO = "to=default/pipeline/hook"
DENIED = "Nothing is known by that name, or it was not proved who sends this."


def signed(body: bytes, key: str = KEY, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), body, algorithm).hexdigest()


def told(answer: Answer) -> dict[str, Any]:
    assert answer.content_type == "application/json"
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def send(it: Running[Webhook], body: bytes = b"{}", **more: str) -> Answer:
    """Signed, as JSON."""
    headers = {"X-Signature": signed(body), "Content-Type": "application/json", **more}
    return await it.external_event(body, headers, TO)


async def test_what_came_is_mapped_to_variables_and_the_run_is_told() -> None:
    subscription = HMAC | {
        "parameters": {
            "REF": "body.ref",
            "WHO": "body.user.name",
            "FIRST": "body.commits[0].id",
            "COUNT": "length(body.commits)",
            "FORCED": "body.forced",
            "COMMITS": "body.commits",
            "THING": 'headers."x-thing"',
            "DRY": "query.dry",
            "RAW": "raw",
            "NOTHING": "body.nothing",
        }
    }
    body = json.dumps(
        {"ref": "main", "user": {"name": "Zo\u00eb"}, "commits": [{"id": 7}], "forced": False}, ensure_ascii=False
    ).encode()
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        headers = [("X-Signature", "sha256=" + signed(body)), ("Content-Type", "application/json"), ("X-Thing", "a")]
        answer = await it.external_event(body, headers, TO + "&dry=1")
        assert (answer.status, told(answer)) == (200, {"outcome": "started", "run": 1, "url": "/runs/1"})
        event = await it.fired()
        assert (event.label, event.outcome) == ("hook", "start")
        assert event.variables == {
            "REF": "main",
            "WHO": "Zo\u00eb",
            "FIRST": "7",
            "COUNT": "1",
            "FORCED": "false",
            "COMMITS": '[{"id":7}]',
            "THING": "a",
            "DRY": "1",
            "RAW": body.decode(),
        }


async def test_nobody_learns_what_there_is_without_the_secret() -> None:
    async with running(Webhook, subscriptions={"hook": HMAC}) as it:
        for number, (headers, query, why) in enumerate(
            (
                ({}, TO, "default/pipeline/hook: the header X-Signature is missing"),
                ({"X-Signature": "0" * 64}, TO, "default/pipeline/hook: the signature in X-Signature does not match"),
                ({"X-Signature": "zz"}, TO, "default/pipeline/hook: X-Signature has no signature in hex"),
                ({"X-Signature": signed(b"{}", "another key")}, TO, "the signature in X-Signature does not match"),
                ({"X-Signature": signed(b"{}")}, "to=default/pipeline/other", "names no subscription"),
            )
        ):
            answer = await it.external_event(b"{}", headers, query, event=f"e{number}")
            assert (answer.status, told(answer)) == (401, {"outcome": "refused", "detail": DENIED})
            event = await it.fired()
            assert (event.event, event.label, event.outcome) == (f"e{number}", "", "refuse")
            assert why in event.detail
            assert KEY not in event.detail
        assert (await it.debug())["refused"] == 5


async def test_the_end_of_a_subscription_is_not_that_of_the_next_one_of_its_name() -> None:
    # After an outage the new one is told of first, and what was not told of again has ended.
    async with running(Webhook, subscriptions={"hook": HMAC}) as it:
        made_anew = replace(it.trigger.subscriptions["hook"], id="made-anew")
        await it.trigger.subscribe(made_anew)
        it.trigger.subscriptions[made_anew.id] = made_anew
        await it.unsubscribe("hook")
        assert (await send(it)).status == 200


async def test_the_same_event_starts_one_run() -> None:
    async with running(Webhook, subscriptions={"hook": HMAC | {"event_id": "body.id"}}) as it:
        first = told(await send(it, b'{"id": 5}'))
        again = told(await send(it, b'{"id": 5, "attempt": 2}'))
        other = told(await send(it, b'{"id": 6}'))
        assert (first["run"], again["run"], other["run"]) == (1, 1, 2)
        assert again["duplicate"] is True
        answer = await send(it, b'{"no": "id"}')
        assert (answer.status, told(answer)["detail"]) == (400, "event_id: body.id finds nothing in what came")
        # What was signed for somebody else is nobody's: it does not take the id of what is to come.
        await it.external_event(b'{"id": 7}', {"X-Signature": "0" * 64}, TO, event="x")
        assert told(await send(it, b'{"id": 7}'))["run"] == 3


async def test_without_an_id_each_request_is_an_event_of_its_own() -> None:
    async with running(Webhook, subscriptions={"hook": HMAC}) as it:
        headers = {"X-Signature": signed(b"{}")}
        for number in (1, 2):
            answer = await it.external_event(b"{}", headers, TO, event=f"event-{number}")
            assert told(answer)["run"] == number
        key = {**headers, "Idempotency-Key": "mine"}
        for number in (3, 4):
            answer = await it.external_event(b"{}", key, TO, event=f"event-{number}")
            assert told(answer)["run"] == 3


async def test_what_was_skipped_may_start_when_it_is_sent_again() -> None:
    plain = HMAC | {"event_id": "body.id", "filter": "body.branch == 'main'"}
    async with running(Webhook, subscriptions={"hook": plain}) as it:
        body = b'{"id": 1, "branch": "next"}'
        answer = await send(it, body)
        why = "the filter finds nothing in what came: body.branch == 'main'"
        assert (answer.status, told(answer)) == (200, {"outcome": "skipped", "detail": why})
        assert told(await send(it, body))["duplicate"] is True
        await it.subscribe("hook", HMAC | {"event_id": "body.id"})
        assert told(await send(it, body))["run"] == 1
        assert told(await send(it, body)) == {"outcome": "started", "run": 1, "url": "/runs/1", "duplicate": True}


async def test_what_gofer_refused_may_start_when_it_is_sent_again() -> None:
    async with running(Webhook, subscriptions={"hook": HMAC | {"event_id": "body.id"}}) as it:
        it.answer = {"outcome": "refused", "detail": "The pipeline is disabled."}
        answer = await send(it, b'{"id": 1}')
        assert (answer.status, told(answer)["detail"]) == (409, "The pipeline is disabled.")
        it.answer = None
        assert told(await send(it, b'{"id": 1}'))["outcome"] == "started"


def _stripe(body: bytes, at: int) -> str:
    return f"t={at},v1={signed(f'{at}.'.encode() + body)},v0=ff"


def _standard(body: bytes, at: int) -> dict[str, str]:
    mac = hmac.new(KEY.encode(), f"msg_1.{at}.".encode() + body, "sha256").digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1a,xx v1,{base64.b64encode(mac).decode()}",
    }


BODY = b'{"id": "evt_1"}'
NOW = START // 1000
FORMS: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str]]] = {
    "token": ({"verify": "token"}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": "Bearer no"}),
    "token of a header": ({"verify": "token", "header": "X-Key"}, {"X-Key": KEY}, {"X-Key": KEY + "x"}),
    "basic": (
        {"verify": "basic", "user": "me"},
        {"Authorization": "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(f"you:{KEY}".encode()).decode()},
    ),
    "gitlab": ({"verify": "gitlab"}, {"X-Gitlab-Token": KEY}, {"X-Gitlab-Token": "no"}),
    "gitea": ({"verify": "gitea"}, {"X-Gitea-Signature": signed(BODY)}, {"X-Gitea-Signature": signed(b"other")}),
    "sha1, base64, prefix": (
        {"verify": "hmac", "algorithm": "sha1", "encoding": "base64", "prefix": "v=", "header": "X-Mac"},
        {"X-Mac": "v=" + base64.b64encode(hmac.new(KEY.encode(), BODY, "sha1").digest()).decode()},
        {"X-Mac": base64.b64encode(hmac.new(KEY.encode(), BODY, "sha1").digest()).decode()},
    ),
    "sha512": (
        {"verify": "hmac", "algorithm": "sha512"},
        {"X-Signature": signed(BODY, algorithm="sha512")},
        {"X-Signature": signed(BODY)},
    ),
    "with a timestamp": (
        {"verify": "hmac", "signed": "v0:{timestamp}:{body}", "prefix": "v0=", "timestamp_header": "X-At"},
        {"X-Signature": "v0=" + signed(f"v0:{NOW}:".encode() + BODY), "X-At": str(NOW)},
        {"X-Signature": "v0=" + signed(f"v0:{NOW}:".encode() + BODY), "X-At": str(NOW + 1)},
    ),
    "stripe": (
        {"verify": "stripe"},
        {"Stripe-Signature": _stripe(BODY, NOW)},
        {"Stripe-Signature": _stripe(BODY, NOW).replace(f"t={NOW}", f"t={NOW + 1}")},
    ),
    "standard-webhooks": (
        {"verify": "standard-webhooks", "secret": "whsec_" + base64.b64encode(KEY.encode()).decode()},
        _standard(BODY, NOW),
        _standard(BODY, NOW) | {"webhook-id": "msg_2"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
async def test_each_form_of_proof(form: str) -> None:
    subscription, right, wrong = FORMS[form]
    async with running(Webhook, subscriptions={"hook": {"secret": KEY, **subscription}}) as it:
        assert (await it.external_event(BODY, wrong, TO)).status == 401
        assert (await it.external_event(BODY, {}, TO)).status == 401
        answer = await it.external_event(BODY, right, TO)
        assert (answer.status, told(answer)["run"]) == (200, 1)
        twice = [(name, value) for name, value in right.items() for _ in range(2)]
        assert (await it.external_event(BODY, twice, TO)).status == 400


async def test_the_secret_before_is_good_while_it_is_changed() -> None:
    subscription = {"verify": "token", "secret": "a new one, long enough", "previous_secret": KEY}
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        for token, status in ((KEY, 200), ("a new one, long enough", 200), ("none", 401)):
            assert (await it.external_event(b"", {"Authorization": f"Bearer {token}"}, TO)).status == status


@pytest.mark.parametrize("form", ["with a timestamp", "stripe", "standard-webhooks"])
async def test_what_is_sent_again_much_later_is_not_believed(form: str) -> None:
    subscription, right, _ = FORMS[form]
    async with running(Webhook, subscriptions={"hook": {"secret": KEY, **subscription}}) as it:
        first = told(await it.external_event(BODY, right, TO, event="a"))
        # Within the tolerance somebody who has listened may send it again: it is the same event.
        again = told(await it.external_event(BODY, right, TO, event="b"))
        assert (first["run"], again["run"], again.get("duplicate")) == (1, 1, True)
        await it.clock.advance("5m1s")
        answer = await it.external_event(BODY, right, TO, event="c")
        assert answer.status == 401
        await it.fired()
        assert "301 s old" in (await it.fired()).detail


async def test_no_proof_is_asked_for_only_where_an_administrator_allows_it() -> None:
    async with running(Webhook) as it:
        with pytest.raises(Refused, match="an administrator would set allow_unauthenticated"):
            await it.check("hook", {"verify": "none"})
    async with running(Webhook, {"allow_unauthenticated": True}, subscriptions={"hook": {"verify": "none"}}) as it:
        assert await it.check("hook", {"verify": "none"}) == [
            "Nobody checks who sends something: whoever can reach the server may start this pipeline."
        ]
        assert (await it.external_event(b"", (), TO)).status == 200


@pytest.mark.parametrize(
    ("subscription", "why"),
    [
        ({"verify": "hmac"}, 'secret: verify = "hmac" needs one.'),
        ({"verify": "magic", "secret": KEY}, "verify: expected"),
        (HMAC | {"parameters": {"A B": "body"}}, '"A B" is no name for a variable'),
        (HMAC | {"parameters": {"GOFER_X": "body"}}, '"GOFER_X" is no name'),
        (HMAC | {"parameters": {"A": "body..x"}}, "parameters.A: "),
        (HMAC | {"filter": "body.x ="}, "filter: "),
        (HMAC | {"event_id": "nope(body)"}, "event_id: there is no function nope()"),
        (HMAC | {"parameters": {"A": "[body, body]"}}, "it builds a list or map"),
        (HMAC | {"signed": "body"}, "signed: expected a text with {body} once"),
        (HMAC | {"signed": "{timestamp}{body}"}, "timestamp_header: expected one"),
        (HMAC | {"timestamp_header": "X-At"}, "signed: expected it to have {timestamp}"),
        (HMAC | {"header": "X Y"}, 'header: "X Y" is no name of a header'),
        ({"verify": "basic", "secret": KEY}, 'user: verify = "basic" needs one'),
        ({"verify": "standard-webhooks", "secret": "whsec_%%"}, "is base64, behind"),
        ({"verify": "standard-webhooks", "secret": "whsec_"}, "is base64, behind"),  # everybody knows an empty key
    ],
)
async def test_a_subscription_that_cannot_work_is_refused(subscription: dict[str, Any], why: str) -> None:
    async with running(Webhook) as it:
        with pytest.raises(Refused) as refused:
            await it.check("hook", subscription)
        assert why in str(refused.value)
        assert KEY not in str(refused.value)


async def test_a_short_secret_is_warned_of() -> None:
    async with running(Webhook) as it:
        (warning,) = await it.check("hook", {"verify": "token", "secret": "short"})
        assert "may be guessed" in warning


JUNK = {
    b"{": "The body is no JSON: ",
    b'{"a": NaN}': "NaN is no number",
    b'{"a": \xff}': "not in UTF-8",
    b"[" * 100_000: "more than 64 deep",
    b"[" * 65 + b"]" * 65: "more than 64 deep",
    b'{"a": ' + b"9" * 5000 + b"}": "Exceeds the limit",
}


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
async def test_what_cannot_be_read_is_answered_and_recorded(body: bytes) -> None:
    async with running(Webhook, subscriptions={"hook": HMAC}) as it:
        answer = await send(it, body)
        assert answer.status == 400
        assert JUNK[body] in told(answer)["detail"]
        event = await it.fired()
        assert (event.label, event.outcome) == ("hook", "error")


async def test_requests_that_name_no_subscription() -> None:
    async with running(Webhook, subscriptions={"hook": HMAC}) as it:
        for query in ("", "x=1", f"{TO}&{TO}", "to=%ff%zz"):
            answer = await it.external_event(b"", (), query)
            assert answer.status in (400, 401), query


async def test_forms_texts_and_what_curl_calls_a_form() -> None:
    subscription = HMAC | {"parameters": {"A": "body.a", "ALL": "body"}}
    form = "application/x-www-form-urlencoded"
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        for body, kind, a, whole in (
            (b"a=x+y&b=", form, "x y", '{"a":"x y","b":""}'),
            (b'{"a":1}', form, "1", '{"a":1}'),
            (b"caf\xc3\xa9 \x00\x1b", "text/plain", None, "caf\u00e9 "),
            (b"", "application/json", None, None),
        ):
            await it.external_event(body, {"X-Signature": signed(body), "Content-Type": kind}, TO, event=str(body))
            event = await it.fired()
            assert (event.variables.get("A"), event.variables.get("ALL")) == (a, whole)
        for body in (b"a=1&a=2", b"&".join(b"a%d=" % n for n in range(2000))):
            answer = await it.external_event(body, {"X-Signature": signed(body), "Content-Type": form}, TO)
            assert answer.status == 400


async def test_what_proves_who_somebody_is_becomes_no_variable() -> None:
    subscription = {"verify": "token", "secret": KEY, "header": "X-Key", "parameters": {"ALL": "headers"}}
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        await it.external_event(b"", {"X-Key": KEY, "Authorization": KEY, "Cookie": KEY, "X-Other": "1"}, TO)
        assert (await it.fired()).variables == {"ALL": '{"x-other":"1"}'}


async def test_variables_have_a_limit_and_the_request_is_told() -> None:
    subscription = HMAC | {"parameters": {"A": "body.a"}}
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        answer = await send(it, json.dumps({"a": "x" * 130_000}).encode())
        assert (answer.status, told(answer)["detail"]) == (
            400,
            "parameters.A: what it finds is longer than 100,000 bytes",
        )
    three = HMAC | {"parameters": dict.fromkeys("ABC", "body.a")}
    async with running(Webhook, subscriptions={"hook": three}) as it:
        answer = await send(it, json.dumps({"a": "x" * 90_000}).encode())
        assert "have 270,003 bytes together" in told(answer)["detail"]


async def test_gofer_that_does_not_answer_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gofer_triggers.webhook.trigger.ANSWER_SECONDS", 0.05)
    async with running(Webhook, subscriptions={"hook": HMAC | {"event_id": "body.id"}}) as it:
        it.swallow = True
        answer = await send(it, b'{"id": 1}')
        assert answer.status == 503
        await it.refused()
        it.swallow = False
        await it.cut()
        # The event is told again by itself, and what is sent again starts no second run.
        assert (await it.fired()).outcome == "start"
        assert told(await send(it, b'{"id": 1}'))["run"] == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
bodies = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))
kinds = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "", "a/b+json; x"])
headers = st.lists(
    st.tuples(
        st.sampled_from(["x-signature", "content-type", "idempotency-key", "x-other"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
    ),
    max_size=4,
)


async def test_no_request_breaks_it() -> None:
    subscription = HMAC | {
        "parameters": {"A": "body.a", "B": "body[*].b", "C": "sum(body)", "D": "to_string(headers)", "E": "query.x"},
        "event_id": "body.id || raw || peer",
    }
    seen: set[int] = set()
    async with running(Webhook, subscriptions={"hook": subscription}) as it:
        requests: list[tuple[bytes, list[tuple[str, str]], str]] = []

        @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
        @given(bodies, kinds, headers, st.text(max_size=10), st.booleans())
        def gather(body: bytes, kind: str, more: list[tuple[str, str]], query: str, good: bool) -> None:
            own = [("x-signature", signed(body)), ("content-type", kind)] if good else []
            requests.append((body, own + more, f"{TO}&x={query}"))

        gather()
        for number, (body, pairs, query) in enumerate(requests):
            answer = await it.external_event(body, pairs, query, event=f"event-{number}")
            told(answer)
            seen.add(answer.status)
        assert seen >= {400, 401}
        assert seen <= {200, 400, 401}
        # It is still there.
        assert (await it.debug())["refused"] > 0
