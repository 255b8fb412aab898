"""Rules of the manifest itself: everything but its parameters and tasks."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import SCHEMA_VERSION, Link, Manifest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.decode import unsupported_version
from gofer.server.pipelines.report import Report, Scope, at_key
from gofer.server.pipelines.rules.values import check_block, check_duration, check_line

_LABEL = re.compile(bounds.LABEL_PATTERN.removesuffix("$") + r"\Z")
_LABEL_HINT = "Use 1 to 63 letters, digits, '.', '_', '/' or '-', beginning and ending with a letter or digit."
_URL_HINT = 'Write it as "https://host/path".'


def check_document(manifest: Manifest, report: Report) -> None:
    scope = Scope(report, "", "")
    if manifest.schema_version > SCHEMA_VERSION:
        scope.add("schema_version", *unsupported_version(manifest.schema_version))
    elif manifest.schema_version != SCHEMA_VERSION:
        scope.add("schema_version", f"is not {SCHEMA_VERSION}", "Leave it out, or write 1.")
    if not is_id(manifest.id):
        scope.add("id", f"{shown(manifest.id)} is not a valid pipeline id", ID_HINT)
    check_line(scope, "name", manifest.name, bounds.MAX_NAME)
    check_line(scope, "owner", manifest.owner, bounds.MAX_NAME)
    check_block(scope, "description", manifest.description, bounds.MAX_DESCRIPTION)
    _check_labels(manifest, scope)
    _check_links(manifest, scope)
    if not 0 <= manifest.parallelism.limit <= bounds.MAX_PARALLELISM:
        message = f"is not between 0 and {bounds.MAX_PARALLELISM}"
        scope.add("parallelism.limit", message, "0 means that only the server's own limit counts.")
    if manifest.run_timeout is not None:
        check_duration(scope, "run_timeout", manifest.run_timeout, least=1)


def _check_labels(manifest: Manifest, scope: Scope) -> None:
    if len(manifest.labels) > bounds.MAX_LABELS:
        scope.add("labels", f"has {len(manifest.labels)} labels; at most {bounds.MAX_LABELS} are allowed")
        return
    for key, value in manifest.labels.items():
        if not _LABEL.match(key):
            scope.add("labels", f"{shown(key, 40)} is not the name of a label", _LABEL_HINT)
        check_line(scope, f"labels{at_key(key)}", value, bounds.MAX_LABEL_VALUE)


def _check_links(manifest: Manifest, scope: Scope) -> None:
    if len(manifest.links) > bounds.MAX_LINKS:
        scope.add("links", f"has {len(manifest.links)} links; at most {bounds.MAX_LINKS} are allowed")
        return
    for i, link in enumerate(manifest.links):
        if not link.title.strip():
            scope.add(f"links[{i}].title", "is empty", "Say where the link leads.")
        check_line(scope, f"links[{i}].title", link.title, bounds.MAX_NAME)
        if len(link.url) > bounds.MAX_URL:
            scope.add(f"links[{i}].url", f"has {len(link.url)} characters; at most {bounds.MAX_URL} are allowed")
        elif not is_web_address(link):
            scope.add(f"links[{i}].url", f"{shown(link.url)} is not an http or https address", _URL_HINT)


def is_web_address(link: Link) -> bool:
    """Whether the link's address is one that a browser may safely be sent to."""
    if any(not c.isprintable() or c in ' "<>\\^`{|}' for c in link.url):
        return False
    try:
        parts = urlsplit(link.url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
