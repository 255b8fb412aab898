"""Image references: `[host[:port]/]path[:tag][@algorithm:digest]`, by the grammar that container registries use."""

from __future__ import annotations

import re

MAX_IMAGE_NAME = 255
_MAX_REFERENCE = MAX_IMAGE_NAME + 1 + 128 + 1 + 200

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
# Without a dot, a port or the name localhost the first part belongs to the path, as every client reads it.
_HOST = (
    rf"(?:(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[A-Fa-f0-9:]+\]):[0-9]{{1,5}}"
    rf"|\[[A-Fa-f0-9:]+\]|localhost|{_LABEL}(?:\.{_LABEL})+)"
)
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@(?P<algorithm>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):(?P<digest>[0-9a-fA-F]{32,160}))?\Z"
)
_ID = re.compile(r"[a-f0-9]{64}\Z")
_DIGEST_LENGTHS = {"sha256": 64, "sha512": 128}

IMAGE_HINT = 'Write it as [host[:port]/]name[:tag][@sha256:…], such as "postgres:16" or "ghcr.io/acme/tool:1.2".'


def is_image(text: str) -> bool:
    """Whether a container engine would take `text` as the name of an image."""
    match = _REFERENCE.match(text) if len(text) <= _MAX_REFERENCE else None
    if match is None or len(match["name"]) > MAX_IMAGE_NAME or _ID.match(match["name"]):
        return False
    algorithm = match["algorithm"]
    return algorithm is None or len(match["digest"]) == _DIGEST_LENGTHS.get(algorithm, len(match["digest"]))


def image_hint(text: str) -> str:
    """What to do about a reference that `is_image` refuses."""
    if "://" in text:
        return f"Leave out the scheme. {IMAGE_HINT}"
    if text != text.strip() or " " in text:
        return f"Leave out the spaces. {IMAGE_HINT}"
    if text.lower() != text and is_image(text.lower()):
        return f"Names of images are lower case. {IMAGE_HINT}"
    return IMAGE_HINT
