"""What a delivery says, by the kind of its event.

Shapes of payloads: docs.github.com/en/webhooks/webhook-events-and-payloads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gofer_triggers.payload import at, clean, text_at

EVENTS = (
    "push",
    "create",
    "delete",
    "pull_request",
    "release",
    "check_run",
    "check_suite",
    "issue_comment",
    "workflow_run",
    "ping",
)

_LONG = 32_768
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_NO_COMMIT = "0" * 40

Payload = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`branch` is empty where the event has none (a tag); `paths` is None where the payload does not have them.
    `idle`: why nothing is to be started, whatever the filters say."""

    event: str
    repository: str
    action: str = ""
    branch: str = ""
    author: str = ""
    paths: frozenset[str] | None = None
    number: int | None = None
    before: str = ""
    after: str = ""
    installation: int | None = None
    idle: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def facts_of(event: str, delivery: str, payload: Payload) -> Facts:
    """Of one of EVENTS. What is missing is empty: nobody's payload is trusted to be whole."""
    own = _OF[event](payload)
    sender = text_at(payload, "sender", "login")
    author = clean(own.get("GITHUB_AUTHOR") or sender, 200)
    installation = at(payload, "installation", "id")
    variables = _general(event, delivery, payload) | {name: str(value) for name, value in own.items() if value}
    return Facts(
        event=event,
        repository=text_at(payload, "repository", "full_name"),
        action=text_at(payload, "action"),
        branch=own.get("GITHUB_BRANCH", ""),
        author=author,
        paths=_paths(payload) if event == "push" else None,
        number=_number(at(payload, "pull_request", "number")),
        before=own.get("GITHUB_BEFORE", ""),
        after=own.get("GITHUB_SHA", ""),
        installation=_number(installation),
        idle=_idle(event, payload),
        variables=variables,
    )


def _general(event: str, delivery: str, payload: Payload) -> dict[str, str]:
    told = {
        "GITHUB_EVENT": event,
        "GITHUB_DELIVERY": delivery,
        "GITHUB_ACTION": at(payload, "action"),
        "GITHUB_REPOSITORY": at(payload, "repository", "full_name"),
        "GITHUB_REPOSITORY_URL": at(payload, "repository", "html_url"),
        "GITHUB_CLONE_URL": at(payload, "repository", "clone_url"),
        "GITHUB_SSH_URL": at(payload, "repository", "ssh_url"),
        "GITHUB_DEFAULT_BRANCH": at(payload, "repository", "default_branch"),
        "GITHUB_PRIVATE": at(payload, "repository", "private"),
        "GITHUB_SENDER": at(payload, "sender", "login"),
    }
    return {name: text for name, value in told.items() if (text := clean(value))}


def _push(payload: Payload) -> dict[str, str]:
    return _ref(text_at(payload, "ref")) | _cleaned(
        GITHUB_SHA=at(payload, "after"),
        GITHUB_BEFORE=at(payload, "before"),
        GITHUB_COMPARE_URL=at(payload, "compare"),
        GITHUB_COMMIT_MESSAGE=_long(at(payload, "head_commit", "message")),
        GITHUB_COMMIT_URL=at(payload, "head_commit", "url"),
        GITHUB_AUTHOR=at(payload, "head_commit", "author", "username") or at(payload, "pusher", "name"),
        GITHUB_PUSHER=at(payload, "pusher", "name"),
        GITHUB_FORCED=at(payload, "forced"),
    )


def _create_or_delete(payload: Payload) -> dict[str, str]:
    ref, kind = text_at(payload, "ref"), text_at(payload, "ref_type")
    prefix = {"branch": _HEADS, "tag": _TAGS}.get(kind, "")
    return _ref(prefix + ref if prefix else "") | _cleaned(GITHUB_REF_TYPE=kind)


def _pull_request(payload: Payload) -> dict[str, str]:
    pull = at(payload, "pull_request")
    head, base = text_at(pull, "head", "repo", "full_name"), text_at(pull, "base", "repo", "full_name")
    return _cleaned(
        GITHUB_PR_NUMBER=at(pull, "number"),
        GITHUB_PR_TITLE=at(pull, "title"),
        GITHUB_PR_URL=at(pull, "html_url"),
        GITHUB_PR_STATE=at(pull, "state"),
        GITHUB_PR_DRAFT=at(pull, "draft"),
        GITHUB_PR_MERGED=at(pull, "merged"),
        GITHUB_PR_LABELS=_names(at(pull, "labels")),
        GITHUB_PR_FROM_FORK=head.lower() != base.lower(),
        GITHUB_SHA=at(pull, "head", "sha"),
        GITHUB_HEAD_REF=at(pull, "head", "ref"),
        GITHUB_HEAD_REPOSITORY=head,
        GITHUB_BASE_SHA=at(pull, "base", "sha"),
        GITHUB_BRANCH=at(pull, "base", "ref"),
        GITHUB_AUTHOR=at(pull, "user", "login"),
    )


def _release(payload: Payload) -> dict[str, str]:
    release = at(payload, "release")
    return _cleaned(
        GITHUB_TAG=at(release, "tag_name"),
        GITHUB_RELEASE_ID=at(release, "id"),
        GITHUB_RELEASE_NAME=at(release, "name"),
        GITHUB_RELEASE_URL=at(release, "html_url"),
        GITHUB_RELEASE_DRAFT=at(release, "draft"),
        GITHUB_RELEASE_PRERELEASE=at(release, "prerelease"),
        GITHUB_BRANCH=at(release, "target_commitish"),
        GITHUB_AUTHOR=at(release, "author", "login"),
    )


def _check_run(payload: Payload) -> dict[str, str]:
    check = at(payload, "check_run")
    return _cleaned(
        GITHUB_CHECK_ID=at(check, "id"),
        GITHUB_CHECK_NAME=at(check, "name"),
        GITHUB_CHECK_STATUS=at(check, "status"),
        GITHUB_CHECK_CONCLUSION=at(check, "conclusion"),
        GITHUB_CHECK_URL=at(check, "html_url"),
        GITHUB_CHECK_APP=at(check, "app", "slug"),
        GITHUB_CHECK_EXTERNAL_ID=at(check, "external_id"),
        GITHUB_SHA=at(check, "head_sha"),
        GITHUB_BRANCH=at(check, "check_suite", "head_branch"),
    )


def _check_suite(payload: Payload) -> dict[str, str]:
    suite = at(payload, "check_suite")
    return _cleaned(
        GITHUB_CHECK_ID=at(suite, "id"),
        GITHUB_CHECK_STATUS=at(suite, "status"),
        GITHUB_CHECK_CONCLUSION=at(suite, "conclusion"),
        GITHUB_CHECK_APP=at(suite, "app", "slug"),
        GITHUB_SHA=at(suite, "head_sha"),
        GITHUB_BEFORE=at(suite, "before"),
        GITHUB_BRANCH=at(suite, "head_branch"),
    )


def _issue_comment(payload: Payload) -> dict[str, str]:
    issue, comment = at(payload, "issue"), at(payload, "comment")
    return _cleaned(
        GITHUB_ISSUE_NUMBER=at(issue, "number"),
        GITHUB_ISSUE_TITLE=at(issue, "title"),
        GITHUB_ISSUE_URL=at(issue, "html_url"),
        GITHUB_ISSUE_STATE=at(issue, "state"),
        GITHUB_ISSUE_IS_PR=at(issue, "pull_request") is not None,
        GITHUB_COMMENT_ID=at(comment, "id"),
        GITHUB_COMMENT_BODY=_long(at(comment, "body")),
        GITHUB_COMMENT_URL=at(comment, "html_url"),
        GITHUB_AUTHOR=at(comment, "user", "login"),
        GITHUB_AUTHOR_ASSOCIATION=at(comment, "author_association"),
    )


def _workflow_run(payload: Payload) -> dict[str, str]:
    run = at(payload, "workflow_run")
    return _cleaned(
        GITHUB_WORKFLOW_NAME=at(run, "name"),
        GITHUB_WORKFLOW_PATH=at(run, "path"),
        GITHUB_WORKFLOW_RUN_ID=at(run, "id"),
        GITHUB_WORKFLOW_RUN_NUMBER=at(run, "run_number"),
        GITHUB_WORKFLOW_RUN_ATTEMPT=at(run, "run_attempt"),
        GITHUB_WORKFLOW_RUN_URL=at(run, "html_url"),
        GITHUB_WORKFLOW_EVENT=at(run, "event"),
        GITHUB_WORKFLOW_STATUS=at(run, "status"),
        GITHUB_WORKFLOW_CONCLUSION=at(run, "conclusion"),
        GITHUB_SHA=at(run, "head_sha"),
        GITHUB_BRANCH=at(run, "head_branch"),
        GITHUB_AUTHOR=at(run, "actor", "login"),
    )


def _ping(payload: Payload) -> dict[str, str]:
    return _cleaned(GITHUB_HOOK_ID=at(payload, "hook_id"))


_OF: Mapping[str, Callable[[Payload], dict[str, str]]] = {
    "push": _push,
    "create": _create_or_delete,
    "delete": _create_or_delete,
    "pull_request": _pull_request,
    "release": _release,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "issue_comment": _issue_comment,
    "workflow_run": _workflow_run,
    "ping": _ping,
}


class _Long(str):
    """A text that may be longer than others."""


def _long(value: object) -> object:
    return _Long(value) if isinstance(value, str) else value


def _cleaned(**told: object) -> dict[str, str]:
    return {
        name: text
        for name, value in told.items()
        if (text := clean(value, _LONG if isinstance(value, _Long) else 4096))
    }


def _ref(ref: str) -> dict[str, str]:
    told = {"GITHUB_REF": ref}
    if ref.startswith(_HEADS):
        told["GITHUB_BRANCH"] = ref.removeprefix(_HEADS)
    elif ref.startswith(_TAGS):
        told["GITHUB_TAG"] = ref.removeprefix(_TAGS)
    return _cleaned(**told)


def _names(labels: object) -> str:
    if not isinstance(labels, list):
        return ""
    return ",".join(text_at(label, "name") for label in labels[:100])


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None


def _paths(payload: Payload) -> frozenset[str] | None:
    """None where the list is not whole: GitHub leaves commits out of pushes of more than 2048, and has none for a
    branch that is new and brings no commit of its own."""
    commits = at(payload, "commits")
    size = at(payload, "size")
    if not isinstance(commits, list) or not commits or len(commits) >= _MOST_COMMITS:
        return None
    if isinstance(size, int) and size > len(commits):
        return None
    found: set[str] = set()
    for commit in commits:
        for kind in ("added", "removed", "modified"):
            paths = at(commit, kind)
            if not isinstance(paths, list):
                return None
            found.update(path for path in paths if isinstance(path, str))
    return frozenset(found)


_MOST_COMMITS = 2048


def _idle(event: str, payload: Payload) -> str:
    if event == "push" and (at(payload, "deleted") is True or text_at(payload, "after") == _NO_COMMIT):
        return "the push deletes the branch or tag; the event for that is delete"
    return ""
