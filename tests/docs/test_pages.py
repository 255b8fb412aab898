"""What is in the archive: no more than is needed, nothing that asks elsewhere, and links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gofer.server.routes import endpoints
from tests.docs.conftest import ROOT

_ABSOLUTE = re.compile(r'<a [^>]*href="(/[^"]*)"')
PACK = ROOT / "packaging" / "site" / "pack.py"


def test_absolute_links_lead_to_what_the_server_has(archive: Path) -> None:
    known = {endpoint.path for endpoint in endpoints()} | {"/api/docs", "/api/openapi.json", "/metrics"}
    with zipfile.ZipFile(archive) as site:
        for name in site.namelist():
            if name.endswith(".html") and name != "404.html":
                for link in _ABSOLUTE.findall(site.read(name).decode()):
                    assert link in known, f"{name} links to {link}"


def test_links_of_the_console_lead_to_pages(archive: Path) -> None:
    with zipfile.ZipFile(archive) as site:
        names = set(site.namelist())
    source = ROOT / "gofer" / "ui" / "console" / "src"
    links = {link for path in source.rglob("*.svelte") for link in re.findall(r'"/docs/([^"#]*)', path.read_text())}
    assert len(links) > 2
    for link in links:
        assert f"{link}index.html" in names, f"the console links to /docs/{link}"


def test_what_belongs_to_the_site_is_in_it(archive: Path) -> None:
    with zipfile.ZipFile(archive) as site:
        names = set(site.namelist())
        schema = site.read("manifest.schema.json")
    assert schema == (ROOT / "docs" / "manifest.schema.json").read_bytes()
    assert {f"examples/{path.name}" for path in (ROOT / "examples").glob("*.py")} <= names
    assert not [name for name in names if name.endswith(".map") or "lunr" in name or name.startswith("sitemap")]


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md", "sdk/python/README.md"]
)
def test_links_of_the_pages_outside_the_site_lead_to_files(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), f"{name} links to {link}"


def test_nothing_is_loaded_to_serve_pages_before_one_is_asked_for() -> None:
    code = "import gofer.server.routes, sys; print('zipfile' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def build(folder: Path, page: str, *, style: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "index.html").write_text(page)
    (folder / "site" / "site.css").write_text(style)
    command = [sys.executable, str(PACK), str(folder / "site"), str(folder / "site.zip")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        "<img alt='x' src='http://cdn.example/x.png'>",
        '<p style="color: red">x</p>',
        '<p onclick="x()">x</p>',
        "<style>p { color: red }</style>",
    ],
)
def test_what_would_ask_elsewhere_or_be_blocked_is_refused(tmp_path: Path, page: str) -> None:
    done = build(tmp_path, f"<html><body>{page}</body></html>")
    assert done.returncode == 1
    assert "index.html: " in done.stderr
    assert not (tmp_path / "site.zip").exists()


def test_a_style_sheet_that_asks_elsewhere_is_refused(tmp_path: Path) -> None:
    done = build(tmp_path, "<p>x</p>", style="@font-face { src: url(https://fonts.example/x.woff2) }")
    assert (done.returncode, "https://fonts.example" in done.stderr) == (1, True)


def test_the_same_site_gives_the_same_archive(tmp_path: Path) -> None:
    page = '<a href="https://example.org">a link may lead elsewhere</a><script>1</script>'
    archives = set()
    for name in "ab":
        (tmp_path / name).mkdir()
        assert build(tmp_path / name, page).returncode == 0
        archives.add((tmp_path / name / "site.zip").read_bytes())
    assert len(archives) == 1


def test_a_broken_link_stops_the_build(tmp_path: Path) -> None:
    mkdocs = ROOT / ".venv-docs" / "bin" / "mkdocs"
    for text, place in [("[x](nowhere.md)", "nowhere.md"), ("[x](other.md#nothing)", "#nothing")]:
        docs = tmp_path / "docs"
        docs.mkdir(exist_ok=True)
        (docs / "index.md").write_text(f"# Home\n\n{text}\n")
        (docs / "other.md").write_text("# Other\n")
        settings = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[0]
        settings = settings.replace("docs_dir: docs", f"docs_dir: {docs}").replace("site.css", "none.css")
        settings = settings.replace("  - packaging/site/hooks.py", "  []").replace("  custom_dir", "  #")
        (tmp_path / "mkdocs.yml").write_text(settings)
        command = [str(mkdocs), "build", "--strict", "-f", f"{tmp_path}/mkdocs.yml", "-d", f"{tmp_path}/site"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert place in done.stderr
