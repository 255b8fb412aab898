"""Hooks of MkDocs: what of the repository outside of docs/ belongs to the site as well, and where links to it lead."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]

# Paths in the repository -> paths in the site.
_PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_FOLDERS = {
    "examples": "examples/README.md",
    "examples/go": "examples/go/main.go",
    "examples/trigger-node": "examples/trigger-node/README.md",
    "examples/trigger-python": "examples/trigger-python/README.md",
}
_NOT_OURS = {"__pycache__", "node_modules"}

_NAME = re.compile(r"<td><code>([^<]{1,36})</code></td>")
_LINK = re.compile(r"\]\((?!https?:|#|/)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the examples and the pages that lie in the repository's root."""
    for path, uri in _brought().items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Makes links between the repository's files into links between the site's."""
    known = _known()
    here = known.get(page.file.src_uri, posixpath.join("docs", page.file.src_uri))
    to_site = {path: uri for uri, path in known.items()} | _FOLDERS

    def moved(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1]))
        uri = to_site.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if uri is None:
            return match[0]
        return f"]({posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or '.')}{match[2] or ''})"

    return _LINK.sub(moved, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Marks cells that hold a name and nothing else, which is not to be broken in two; style sheets see no text."""
    return _NAME.sub(r'<td class="name"><code>\1</code></td>', html)


def on_page_context(context: Any, *, page: Any, **_: Any) -> Any:
    """No page has an address of its own: it is served by whoever runs Gofer."""
    page.canonical_url = None
    return context


def _brought() -> dict[str, str]:
    """Path in the repository -> path in the site, of what is not in docs/."""
    examples = [path for path in (ROOT / "examples").rglob("*") if path.is_file() and not _NOT_OURS & {*path.parts}]
    return _PAGES | {path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix() for path in sorted(examples)}


def _known() -> dict[str, str]:
    return {uri: path for path, uri in _brought().items()}
