"""Packs the built site into the archive that Gofer serves. usage: pack.py FOLDER ARCHIVE

It refuses a site that would load anything from elsewhere, or run anything that the content security policy does not
name. The policy is made here, from the inline scripts that are in the pages, and kept as the archive's comment. The
same site gives the same archive, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path

# Maps of the theme's sources, stemmers of other languages, and lists for search engines: nothing asks for them here.
_DROPPED = re.compile(r"\.map$|/lunr/|^sitemap\.xml|/images/favicon\.png$")

_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)
_MARKUP = re.compile(r"<(?!/|!)[^>]*>")
_STYLED = re.compile(r"<style\b|\sstyle=|\son[a-z]+=")
_FOREIGN = re.compile(r"""<(?!a\s)[a-z]+[^>]*\s(?:src|href|srcset)=["']?(?:https?:)?//[^>]*>""")
_FOREIGN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)]*""")
_SOURCE_MAP = re.compile(rb"\n?(?://|/\*)# sourceMappingURL=[^\n*]*(?:\*/)?\s*$")


def main(folder: Path, target: Path) -> int:
    """Writes the archive and says how large it is; returns 1, with the reasons on stderr, where it may not."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files = {name: path for name, path in files.items() if not _DROPPED.search(name)}
    pages = {name: path.read_text(encoding="utf-8") for name, path in files.items() if name.endswith(".html")}
    styles = {name: path.read_text(encoding="utf-8") for name, path in files.items() if name.endswith(".css")}
    faults = [fault for name, text in pages.items() for fault in _faults(name, text)]
    faults += [f"{name}: loads {found}" for name, text in styles.items() for found in _FOREIGN_CSS.findall(text)]
    if faults or "index.html" not in pages:
        print("\n".join(faults or [f"{folder} holds no site"]), file=sys.stderr)
        return 1
    sizes = _write(target, files, _policy(pages.values()))
    told = ", ".join(f"{kind} {size / 1000:.0f} kB" for kind, size in sizes.most_common(4))
    print(f"{target}: {len(files)} files, {target.stat().st_size / 1000:.0f} kB ({told})")
    return 0


def _faults(name: str, page: str) -> list[str]:
    plain = _SCRIPT.sub("", page)
    found = [f"{name}: style or script in an attribute: {tag}" for tag in _MARKUP.findall(plain) if _STYLED.search(tag)]
    return found + [f"{name}: loads something from elsewhere: {tag}" for tag in _FOREIGN.findall(page)]


def _policy(pages: object) -> str:
    """What a page may load and run: the site's own files, and exactly the inline scripts that the theme puts in."""
    scripts = {
        base64.b64encode(hashlib.sha256(found["text"].encode()).digest()).decode()
        for page in pages  # type: ignore[attr-defined]
        for found in _SCRIPT.finditer(page)
        if found["text"] and "application/json" not in found["attributes"]
    }
    hashes = " ".join(f"'sha256-{digest}'" for digest in sorted(scripts))
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _write(target: Path, files: dict[str, Path], policy: str) -> Counter[str]:
    """Writes the archive; returns packed bytes by kind of file."""
    sizes: Counter[str] = Counter()
    with zipfile.ZipFile(target, "w") as archive:
        archive.comment = policy.encode()
        for name, path in files.items():
            body = path.read_bytes()
            if path.suffix in (".js", ".css"):
                body = _SOURCE_MAP.sub(b"\n", body)
            entry = zipfile.ZipInfo(name)  # dated 1980, as nothing depends on its age
            kind = zipfile.ZIP_STORED if path.suffix == ".png" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, body, kind, compresslevel=9)
            sizes[path.suffix.removeprefix(".")] += archive.getinfo(name).compress_size
    return sizes


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
