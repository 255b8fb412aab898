"""References to images: `[host[:port]/]path[:tag][@algorithm:digest]`."""

from __future__ import annotations

import re

from gofer_sdk import checks
from gofer_sdk.errors import mistake
from gofer_sdk.references import checked, references

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = (  # what has neither dot nor port, and is not localhost, is part of the path
    rf"localhost|{_WORD}(?:\.{_WORD})+|\[[A-Fa-f0-9:]+\]|(?:{_WORD}(?:\.{_WORD})*\.?|\[[A-Fa-f0-9:]+\]):[0-9]{{1,5}}"
)
_STEP = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:(?:{_HOST})/)?{_STEP}(?:/{_STEP})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@(?P<algorithm>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):(?P<digest>[0-9a-fA-F]{32,160}))?\Z"
)
_DIGESTS = {"sha256": 64, "sha512": 128}
_LONGEST = 600
_EXAMPLES = 'Write an image such as "busybox:stable" or "registry.example.org/team/tool:1.2".'


def image(where: str, value: object) -> str:
    """A reference that a container engine would take. One with `param{{…}}` in it is only known when a run starts."""
    text = checked(where, checks.text(where, value, "an image", _EXAMPLES))
    if not references(text) and not _is_image(text):
        raise mistake(where, "the name of an image", value, _fix(text))
    return text


def _is_image(text: str) -> bool:
    match = _IMAGE.match(text) if len(text) <= _LONGEST else None
    if match is None or len(match["name"]) > 255 or re.fullmatch("[a-f0-9]{64}", match["name"]):
        return False
    digest = match["digest"] or ""
    return len(digest) == _DIGESTS.get(match["algorithm"], len(digest))


def _fix(text: str) -> str:
    if "://" in text:
        return f"Leave out the scheme: {_EXAMPLES}"
    if re.search(r"\s", text):
        return f"Leave out the spaces: {_EXAMPLES}"
    return f'Names of images are lower case: write "{text.lower()}".' if _is_image(text.lower()) else _EXAMPLES
