"""The github trigger. The payloads are of the shapes that GitHub documents, shortened."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer_sdk.testing import Running, running
from gofer_sdk.trigger import Answer, InvalidSettings, Refused
from gofer_triggers.github.facts import EVENTS, facts_of
from gofer_triggers.github.trigger import Github

SECRET = "the secret of the webhook"
OWN = "the secret of one pipeline"
SETTINGS = {"secret": SECRET}
REPOSITORY = "Codertocat/Hello-World"
PUSH = {"repository": REPOSITORY}
PAYLOADS = Path(__file__).parent / "github_payloads"
COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload(name))
    return found


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


async def deliver(
    it: Running[Github],
    name: str,
    *,
    delivery: str = "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    body: bytes | None = None,
    secret: str = SECRET,
    event: str = "event-1",
) -> Answer:
    body = payload(name) if body is None else body
    headers = {
        "X-GitHub-Event": name.partition("_deleted")[0].partition("_tag")[0],
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature(body, secret),
        "Content-Type": "application/json",
    }
    return await it.external_event(body, headers, event=event)


def told(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


GENERAL = {
    "GITHUB_DELIVERY": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "GITHUB_REPOSITORY": REPOSITORY,
    "GITHUB_REPOSITORY_URL": "https://github.com/Codertocat/Hello-World",
    "GITHUB_CLONE_URL": "https://github.com/Codertocat/Hello-World.git",
    "GITHUB_SSH_URL": "git@github.com:Codertocat/Hello-World.git",
    "GITHUB_DEFAULT_BRANCH": "main",
    "GITHUB_PRIVATE": "false",
    "GITHUB_SENDER": "octocat",
}
VARIABLES: dict[str, dict[str, str]] = {
    "push": {
        "GITHUB_REF": "refs/heads/release/2.0",
        "GITHUB_BRANCH": "release/2.0",
        "GITHUB_SHA": COMMIT,
        "GITHUB_BEFORE": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "GITHUB_COMPARE_URL": "https://github.com/Codertocat/Hello-World/compare/95790bf891e7...6113728f27ae",
        "GITHUB_COMMIT_MESSAGE": "Mend the build\n\n`rm -rf /`; $(id)",
        "GITHUB_COMMIT_URL": f"https://github.com/Codertocat/Hello-World/commit/{COMMIT}",
        "GITHUB_AUTHOR": "monalisa",
        "GITHUB_PUSHER": "Codertocat",
        "GITHUB_FORCED": "false",
    },
    "push_tag": {
        "GITHUB_REF": "refs/tags/v1.0",
        "GITHUB_TAG": "v1.0",
        "GITHUB_SHA": COMMIT,
        "GITHUB_BEFORE": "0" * 40,
        "GITHUB_COMPARE_URL": "https://github.com/Codertocat/Hello-World/compare/v1.0",
        "GITHUB_COMMIT_MESSAGE": "Mend the build\n\n`rm -rf /`; $(id)",
        "GITHUB_COMMIT_URL": f"https://github.com/Codertocat/Hello-World/commit/{COMMIT}",
        "GITHUB_AUTHOR": "monalisa",
        "GITHUB_PUSHER": "Codertocat",
        "GITHUB_FORCED": "false",
    },
    "create": {"GITHUB_REF": "refs/heads/feature-1", "GITHUB_BRANCH": "feature-1", "GITHUB_REF_TYPE": "branch"},
    "delete": {"GITHUB_REF": "refs/tags/v0.9", "GITHUB_TAG": "v0.9", "GITHUB_REF_TYPE": "tag"},
    "pull_request": {
        "GITHUB_ACTION": "opened",
        "GITHUB_PR_NUMBER": "2",
        "GITHUB_PR_TITLE": "Update the README with new information.",
        "GITHUB_PR_URL": "https://github.com/Codertocat/Hello-World/pull/2",
        "GITHUB_PR_STATE": "open",
        "GITHUB_PR_DRAFT": "false",
        "GITHUB_PR_MERGED": "false",
        "GITHUB_PR_LABELS": "bug,good first issue",
        "GITHUB_PR_FROM_FORK": "true",
        "GITHUB_SHA": "ec26c3e57ca3a959ca5aad62de7213c562f8c821",
        "GITHUB_HEAD_REF": "changes",
        "GITHUB_HEAD_REPOSITORY": "contributor/Hello-World",
        "GITHUB_BASE_SHA": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "GITHUB_BRANCH": "main",
        "GITHUB_AUTHOR": "contributor",
    },
    "release": {
        "GITHUB_ACTION": "published",
        "GITHUB_TAG": "0.0.1",
        "GITHUB_RELEASE_ID": "17372790",
        "GITHUB_RELEASE_NAME": "First",
        "GITHUB_RELEASE_URL": "https://github.com/Codertocat/Hello-World/releases/tag/0.0.1",
        "GITHUB_RELEASE_DRAFT": "false",
        "GITHUB_RELEASE_PRERELEASE": "true",
        "GITHUB_BRANCH": "main",
        "GITHUB_AUTHOR": "Codertocat",
    },
    "check_run": {
        "GITHUB_ACTION": "completed",
        "GITHUB_CHECK_ID": "128620228",
        "GITHUB_CHECK_NAME": "Octocoders-linter",
        "GITHUB_CHECK_STATUS": "completed",
        "GITHUB_CHECK_CONCLUSION": "failure",
        "GITHUB_CHECK_URL": "https://github.com/Codertocat/Hello-World/runs/128620228",
        "GITHUB_CHECK_APP": "octocoders-linter",
        "GITHUB_CHECK_EXTERNAL_ID": "job-7",
        "GITHUB_SHA": COMMIT,
        "GITHUB_BRANCH": "changes",
    },
    "check_suite": {
        "GITHUB_ACTION": "completed",
        "GITHUB_CHECK_ID": "118578147",
        "GITHUB_CHECK_STATUS": "completed",
        "GITHUB_CHECK_CONCLUSION": "success",
        "GITHUB_CHECK_APP": "octocoders-linter",
        "GITHUB_SHA": COMMIT,
        "GITHUB_BEFORE": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "GITHUB_BRANCH": "changes",
    },
    "issue_comment": {
        "GITHUB_ACTION": "created",
        "GITHUB_ISSUE_NUMBER": "1",
        "GITHUB_ISSUE_TITLE": "Spelling error in the README file",
        "GITHUB_ISSUE_URL": "https://github.com/Codertocat/Hello-World/issues/1",
        "GITHUB_ISSUE_STATE": "open",
        "GITHUB_ISSUE_IS_PR": "true",
        "GITHUB_COMMENT_ID": "492700400",
        "GITHUB_COMMENT_BODY": "/deploy \u202eplease now",
        "GITHUB_COMMENT_URL": "https://github.com/Codertocat/Hello-World/issues/1#issuecomment-492700400",
        "GITHUB_AUTHOR": "stranger",
        "GITHUB_AUTHOR_ASSOCIATION": "NONE",
    },
    "workflow_run": {
        "GITHUB_ACTION": "completed",
        "GITHUB_WORKFLOW_NAME": "CI",
        "GITHUB_WORKFLOW_PATH": ".github/workflows/ci.yml",
        "GITHUB_WORKFLOW_RUN_ID": "30433642",
        "GITHUB_WORKFLOW_RUN_NUMBER": "562",
        "GITHUB_WORKFLOW_RUN_ATTEMPT": "2",
        "GITHUB_WORKFLOW_RUN_URL": "https://github.com/Codertocat/Hello-World/actions/runs/30433642",
        "GITHUB_WORKFLOW_EVENT": "push",
        "GITHUB_WORKFLOW_STATUS": "completed",
        "GITHUB_WORKFLOW_CONCLUSION": "success",
        "GITHUB_SHA": COMMIT,
        "GITHUB_BRANCH": "main",
        "GITHUB_AUTHOR": "octocat",
    },
    "ping": {"GITHUB_HOOK_ID": "109948940"},
}


@pytest.mark.parametrize("name", VARIABLES)
async def test_each_event_passes_the_variables_of_the_table(name: str) -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH | {"events": list(EVENTS)}}) as it:
        answer = await deliver(it, name)
        assert answer.status == 200
        event = await it.fired()
        assert event.event == GENERAL["GITHUB_DELIVERY"]
        assert event.variables == GENERAL | {"GITHUB_EVENT": name.removesuffix("_tag")} | VARIABLES[name]


def test_the_table_of_the_documentation_has_every_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "triggers" / "github.md").read_text()
    for name, variables in VARIABLES.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name.removesuffix('_tag')}`"))
        for variable in variables:
            # GITHUB_ACTION is of every event that has one.
            assert f"`{variable}`" in row or variable == "GITHUB_ACTION", f"{name}: {variable}"
    for variable in GENERAL:
        assert f"`{variable}`" in page


async def test_a_delivery_that_is_sent_again_starts_nothing_twice() -> None:
    async with running(Github, SETTINGS, subscriptions={"a": PUSH, "b": PUSH}) as it:
        first = told(await deliver(it, "push"))
        assert first["outcomes"] == {"started": 2}
        assert [one["subscription"] for one in first["subscriptions"]] == ["default/pipeline/a", "default/pipeline/b"]
        again = told(await deliver(it, "push"))
        assert [one["duplicate"] for one in again["subscriptions"]] == [True, True]
        assert [one["run"] for one in again["subscriptions"]] == [one["run"] for one in first["subscriptions"]]
        assert told(await deliver(it, "push", delivery="another"))["subscriptions"][0].get("duplicate") is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "the header X-Hub-Signature-256 is missing"),
        ({"X-Hub-Signature-256": "sha1=" + "0" * 40}, "does not begin with sha256="),
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, "matches no secret"),
        ({"X-Hub-Signature-256": "sha256=\u00e9"}, "does not begin with"),
        ({"X-Hub-Signature-256": signature(payload("push") + b" ")}, "matches no secret"),
        ({"X-Hub-Signature-256": signature(payload("push"), "")}, "matches no secret"),
    ],
)
async def test_a_wrong_signature_is_refused_and_says_which_check_failed(headers: dict[str, str], why: str) -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH}) as it:
        more = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "d"}
        answer = await it.external_event(payload("push"), more | headers, event="made-by-gofer")
        assert answer.status == 401
        event = await it.fired()
        assert (event.event, event.label, event.outcome) == ("made-by-gofer", "", "refuse")
        assert why in event.detail
        assert SECRET not in event.detail
        # It has not used up the id of the real one.
        assert told(await deliver(it, "push", delivery="d"))["outcomes"] == {"started": 1}


async def test_headers_that_are_there_twice_or_not_at_all() -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH}) as it:
        body = payload("push")
        good = [("X-Hub-Signature-256", signature(body)), ("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "d")]
        for number in range(3):
            assert (await it.external_event(body, [*good, good[number]])).status == 400
        assert (await it.external_event(body, good[:2])).status == 400
        assert it.events.empty()


@pytest.mark.parametrize(
    ("name", "filters", "why"),
    [
        ("push", {"branches": ["main"]}, 'branches (main) does not match "release/2.0"'),
        ("push", {"branches": ["*", "!release/*"]}, "branches (*, !release/*) does not match"),
        ("push_tag", {"branches": ["*"]}, "branches (*) does not match: the event has none"),
        ("push", {"authors": ["someone"]}, 'authors (someone) does not match "monalisa"'),
        ("push", {"paths": ["web/*"]}, "paths (web/*) does not match any of the 3 changed files"),
        ("push", {"paths": ["!*.md", "!*.py"]}, "does not match any of the 3 changed files"),
        ("push_deleted", {}, "the push deletes the branch or tag"),
        ("pull_request", {"actions": ["closed"]}, 'actions (closed) does not match "opened"'),
        ("pull_request", {"branches": ["next"]}, 'branches (next) does not match "main"'),
        ("issue_comment", {"authors": ["octocat"]}, 'authors (octocat) does not match "stranger"'),
    ],
)
async def test_what_a_filter_holds_back_is_recorded_with_why(name: str, filters: dict[str, Any], why: str) -> None:
    subscription = {**PUSH, "events": list(EVENTS), **filters}
    if "paths" in filters:
        subscription["events"] = ["push"]
    async with running(Github, SETTINGS, subscriptions={"hook": subscription}) as it:
        answer = await deliver(it, name)
        assert (answer.status, told(answer)["outcomes"]) == (200, {"skipped": 1})
        event = await it.fired()
        assert (event.label, event.outcome) == ("hook", "skip")
        assert why in event.detail
        # Somebody changes the filter, and has GitHub send it again.
        if name != "push_deleted":
            await it.subscribe("hook", PUSH | {"events": list(EVENTS)})
            assert told(await deliver(it, name))["outcomes"] == {"started": 1}


@pytest.mark.parametrize(
    "filters",
    [
        {"repository": "codertocat/*"},
        {"repository": "*/hello-world"},
        {"branches": ["release/*"]},
        {"branches": ["!main"]},
        {"paths": ["src/*"]},
        {"paths": ["**/README.md"]},
        {"authors": ["MonaLisa"]},
        {"actions": ["opened"]},
    ],
)
async def test_what_the_filters_let_through(filters: dict[str, Any]) -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH | filters}) as it:
        assert told(await deliver(it, "push"))["outcomes"] == {"started": 1}


async def test_what_nobody_wants_is_recorded_once() -> None:
    other = {"repository": "somebody/else"}
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH, "other": other}) as it:
        for name, why in (
            ("release", "release: of 1 subscriptions to Codertocat/Hello-World none wants the event release"),
            ("ping", "ping: a ping says only that the webhook works"),
        ):
            answer = await deliver(it, name, event=name)
            assert (answer.status, told(answer)["outcome"]) == (200, "skipped")
            event = await it.fired()
            assert (event.label, event.outcome, event.detail) == ("", "skip", why)
        body = json.dumps(loaded("push") | {"repository": {"full_name": "a/b"}}).encode()
        assert told(await deliver(it, "push", body=body, event="x"))["detail"] == "nothing is subscribed to a/b"
        await it.fired()
        assert (await deliver(it, "star", body=payload("push"), event="y")).status == 200
        assert "the event star is none of: push, create" in (await it.fired()).detail
        assert it.events.empty()


async def test_a_pipeline_with_a_webhook_of_its_own() -> None:
    subscriptions = {"own": PUSH | {"secret": OWN}, "shared": PUSH}
    async with running(Github, SETTINGS, subscriptions=subscriptions) as it:
        for secret, label in ((SECRET, "shared"), (OWN, "own")):
            answer = await deliver(it, "push", secret=secret, delivery=secret)
            assert [one["subscription"] for one in told(answer)["subscriptions"]] == [f"default/pipeline/{label}"]
        # Who knows the secret of one pipeline starts that one alone, and only for its repository.
        body = json.dumps(loaded("push") | {"repository": {"full_name": "a/b"}}).encode()
        assert (await deliver(it, "push", body=body, secret=OWN, event="z")).status == 401
    async with running(Github) as it:
        with pytest.raises(Refused, match="secret: the trigger has none of its own"):
            await it.check("hook", PUSH)
        await it.subscribe("hook", PUSH | {"secret": OWN})
        assert told(await deliver(it, "push", secret=OWN))["outcomes"] == {"started": 1}


async def test_the_secret_before_is_good_while_it_is_changed() -> None:
    async with running(Github, {"secret": "the new one", "previous_secret": SECRET}, subscriptions={"a": PUSH}) as it:
        for secret, status in ((SECRET, 200), ("the new one", 200), ("another", 401)):
            assert (await deliver(it, "push", secret=secret, delivery=secret)).status == status


async def test_an_administrator_says_which_namespace_may_have_which_repositories() -> None:
    allowed = SETTINGS | {"allowed": ["team-a:acme/*", "*:codertocat/hello-*"]}
    async with running(Github, allowed) as it:
        await it.check("hook", {"repository": "acme/web"}, namespace="team-a")
        await it.check("hook", PUSH, namespace="team-b")
        for wanted in ("acme/web", "*/*", "codertocat/*"):
            with pytest.raises(Refused, match="the namespace team-b may not have the events"):
                await it.check("hook", {"repository": wanted}, namespace="team-b")


@pytest.mark.parametrize(
    ("subscription", "why"),
    [
        ({"repository": "hello"}, "is not of the form owner/name"),
        ({"repository": "!a/b"}, "is not of the form owner/name"),
        ({"repository": "a/b/c"}, "is not of the form owner/name"),
        (PUSH | {"events": []}, "events: there must be one"),
        (PUSH | {"events": ["pushed"]}, 'events: "pushed" is none. There are: push, create'),
        (PUSH | {"branches": [""]}, "branches: a pattern must not be empty"),
        (PUSH | {"paths": ["x" * 300]}, "longer than 200 characters"),
        (PUSH | {"authors": ["x"] * 101}, "101 patterns are too many"),
        (PUSH | {"events": ["pull_request"], "paths": ["*"]}, "an administrator would set app_id"),
        (PUSH | {"branch": "main"}, 'Did you mean "branches"?'),
    ],
)
async def test_a_subscription_that_cannot_work_is_refused(subscription: dict[str, Any], why: str) -> None:
    async with running(Github, SETTINGS) as it:
        with pytest.raises(Refused) as refused:
            await it.check("hook", subscription)
        assert why in str(refused.value)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"allowed": ["acme/*"]}, "is not of the form NAMESPACE:OWNER/NAME"),
        ({"app_id": "1"}, "there must be both, or neither"),
        ({"app_id": "1", "private_key": "hunter2"}, "private_key: expected a private key in PEM"),
        ({"app_id": "1", "private_key": "x", "api_url": "http://api.example.org"}, "expected one with https://"),
        ({"previous_secret": "x"}, "there must be a secret too"),
    ],
)
async def test_settings_that_cannot_work_are_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        async with running(Github, given):
            pass
    assert why in str(refused.value)
    assert "hunter2" not in str(refused.value)


async def test_webhooks_of_the_other_content_type() -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH}) as it:
        body = urlencode({"payload": payload("push").decode()}).encode()
        headers = {
            "X-Hub-Signature-256": signature(body),
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": "d",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert told(await it.external_event(body, headers))["outcomes"] == {"started": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"1", b"\xff", b"[" * 10_000])
async def test_what_cannot_be_read(body: bytes) -> None:
    async with running(Github, SETTINGS, subscriptions={"hook": PUSH}) as it:
        assert (await deliver(it, "push", body=body)).status == 400
        event = await it.fired()
        assert (event.label, event.outcome) == ("", "error")


async def test_many_subscriptions_are_all_served_and_the_answer_stays_short() -> None:
    async with running(Github, SETTINGS) as it:
        for number in range(120):
            await it.subscribe(f"s{number}", PUSH, pipeline=f"p{number}")
        answer = await deliver(it, "push")
        assert told(answer)["outcomes"] == {"started": 120}
        assert len(told(answer)["subscriptions"]) == 50
        await it.unsubscribe("s7")
        assert told(await deliver(it, "push", delivery="d2"))["outcomes"] == {"started": 119}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_payload_breaks_it(data: st.DataObject) -> None:
    """Real ones in which something is anything, or missing."""
    name = data.draw(st.sampled_from(sorted(VARIABLES)))
    whole = loaded(name)
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = whole
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and place[key]
            if deeper and data.draw(st.booleans()):
                place = place[key]
                continue
            break
        place[key] = data.draw(json_values)
        if not whole:
            return
    facts = facts_of(name.removesuffix("_tag"), "d", whole)
    for variable, value in facts.variables.items():
        assert variable.startswith("GITHUB_")
        assert "\0" not in value
        assert len(value.encode()) <= 32_768
    assert sum(len(value.encode()) for value in facts.variables.values()) < 250_000
