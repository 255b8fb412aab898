"""What an administrator and a pipeline set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gofer_sdk.trigger import InvalidSettings, Refused, Settings, Subscription, field
from gofer_triggers.github.app import App
from gofer_triggers.github.facts import EVENTS, Facts
from gofer_triggers.pattern import Patterns

_REPOSITORY = re.compile(r"!?[A-Za-z0-9_.*?\[\]-]+/[A-Za-z0-9_.*?\[\]-]+\Z")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SHORTEST_SECRET = 16


class GithubSettings(Settings):
    secret: str = field(
        "The secret of webhooks, as it stands at GitHub. Empty: each subscription brings its own.",
        default="",
        secret=True,
    )
    previous_secret: str = field("Good too, while the secret is changed.", default="", secret=True)
    allowed: list[str] = field(
        "Which namespace may have the events of which repositories, as in team-a:acme/*. Empty: each namespace all.",
        default=[],
    )
    app_id: str = field("Of a GitHub App: its id, or client id.", default="")
    private_key: str = field("Of the app (PEM).", default="", secret=True)
    api_url: str = field("GitHub's API.", default="https://api.github.com")


class GithubSubscription(Settings):
    repository: str = field("owner/name; with * for any number of characters.")
    events: list[str] = field("Which events start runs.", default=["push"])
    branches: list[str] = field("Patterns; with ! in front: none of these.", default=[])
    paths: list[str] = field("Patterns, of which a changed file must match one.", default=[])
    actions: list[str] = field("Patterns of what was done, such as opened.", default=[])
    authors: list[str] = field("Patterns of the names of who did it.", default=[])
    secret: str = field(
        "Of a webhook of the pipeline's own; then that of the installation does not count.", default="", secret=True
    )


@dataclass(frozen=True)
class Installation:
    """What holds for all subscriptions. `allowed`: patterns of namespaces and of repositories."""

    secrets: tuple[bytes, ...]
    allowed: tuple[tuple[Patterns, Patterns], ...]
    app: App | None

    def allows(self, namespace: str, repository: str) -> bool:
        """Whether a pipeline of that namespace may have its events."""
        return not self.allowed or any(one.match(namespace) and two.match(repository) for one, two in self.allowed)


@dataclass(frozen=True)
class Filters:
    """Those of a subscription. `secrets` are its own."""

    secrets: tuple[bytes, ...]
    repository: Patterns
    events: frozenset[str]
    branches: Patterns
    paths: Patterns
    actions: Patterns
    authors: Patterns

    def mismatch(self, facts: Facts) -> str:
        """Why the event is not wanted, as far as that can be told without the changed paths; empty: it is."""
        for name, patterns, value in (
            ("branches", self.branches, facts.branch),
            ("actions", self.actions, facts.action),
            ("authors", self.authors, facts.author),
        ):
            if not patterns:
                continue
            if not value:
                if name == "actions":
                    continue  # a push has none: who filters those of others still wants it
                return f"{name} ({patterns.text}) does not match: the event has none"
            if not patterns.match(value):
                return f'{name} ({patterns.text}) does not match "{value[:200]}"'
        return ""

    def path_mismatch(self, paths: frozenset[str]) -> str:
        """The same for the changed paths."""
        if not self.paths or self.paths.match_any(paths):
            return ""
        return f"paths ({self.paths.text}) does not match any of the {len(paths)} changed files"


def installation_of(settings: GithubSettings) -> Installation:
    """Raises InvalidSettings."""
    allowed = []
    for text in settings.allowed:
        namespace, _, repository = text.partition(":")
        if not namespace or not _REPOSITORY.match(repository):
            raise InvalidSettings(
                f'allowed: "{text[:100]}" is not of the form NAMESPACE:OWNER/NAME, as in team-a:acme/*.'
            )
        allowed.append((Patterns([namespace]), Patterns([repository], ignore_case=True)))
    secrets = tuple(one.encode() for one in (settings.secret, settings.previous_secret) if one)
    if settings.previous_secret and not settings.secret:
        raise InvalidSettings("previous_secret: there must be a secret too.")
    return Installation(secrets, tuple(allowed), _app_of(settings))


def _app_of(settings: GithubSettings) -> App | None:
    if not settings.app_id and not settings.private_key:
        return None
    if not settings.app_id or not settings.private_key:
        raise InvalidSettings("app_id and private_key: there must be both, or neither.")
    parts = urlsplit(settings.api_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InvalidSettings(f'api_url: expected one with https://, got "{settings.api_url[:100]}".')
    try:
        return App(settings.app_id, settings.private_key, settings.api_url)
    except ValueError as error:
        raise InvalidSettings(f"private_key: {error}.") from None


def filters_of(subscription: Subscription[GithubSubscription], installation: Installation) -> tuple[Filters, list[str]]:
    """The filters and warnings for the pipeline's author. Raises Refused, which names everything that is wrong."""
    settings = subscription.settings
    problems: list[str] = []
    warnings: list[str] = []
    if not _REPOSITORY.match(settings.repository) or settings.repository.startswith("!"):
        problems.append(f'repository: "{settings.repository[:100]}" is not of the form owner/name.')
    unknown = [one for one in settings.events if one not in EVENTS]
    if unknown or not settings.events:
        what = f'"{unknown[0][:60]}" is none' if unknown else "there must be one"
        problems.append(f"events: {what}. There are: {', '.join(EVENTS)}.")
    if settings.paths and "pull_request" in settings.events and installation.app is None:
        problems.append(
            "paths: GitHub does not say which files a pull request changes, so it has to be asked: an administrator "
            "would set app_id and private_key of the trigger."
        )
    pathless = sorted(set(settings.events) - {"push", "pull_request"})
    if settings.paths and pathless:
        warnings.append(f"paths is for push and pull_request alone: it does not hold back {', '.join(pathless)}.")
    if settings.secret and len(settings.secret) < _SHORTEST_SECRET:
        warnings.append(f"The secret is shorter than {_SHORTEST_SECRET} characters: it may be guessed.")
    if not settings.secret and not installation.secrets:
        problems.append("secret: the trigger has none of its own, so the subscription needs one.")
    if not problems and not installation.allows(subscription.namespace, settings.repository):
        problems.append(
            f"repository: the namespace {subscription.namespace} may not have the events of {settings.repository}: "
            "an administrator would add it to the trigger's setting allowed."
        )
    made = {
        name: _patterns(name, getattr(settings, name), problems) for name in ("branches", "paths", "actions", "authors")
    }
    repository = _patterns("repository", [settings.repository], problems)
    if problems:
        raise Refused(" ".join(problems))
    secrets = (settings.secret.encode(),) if settings.secret else ()
    return Filters(secrets, repository, frozenset(settings.events), **made), warnings


def _patterns(name: str, patterns: list[str], problems: list[str]) -> Patterns:
    try:
        return Patterns(patterns, ignore_case=name in ("repository", "authors"))
    except ValueError as error:
        problems.append(f"{name}: {error}.")
        return Patterns([])
