"""`make binary`: freezes the checkout, looks at what came out, and writes sums and the list of contents."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from freeze import console, program, release, report, sbom

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "freeze"
DIST = ROOT / "dist"
BINARY = DIST / "gofer"
CONSOLE = ROOT / "gofer" / "server" / "console.zip"
WANTED_GLIBC = (2, 35)


def main() -> None:
    """Build, check, describe."""
    at = _built_at()
    made_of = release.write(ROOT, WORK)
    _freeze(at)
    said = subprocess.run([BINARY, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    floor, needy = program.glibc_floor(BINARY)
    if floor > WANTED_GLIBC:
        wanted = ".".join(map(str, WANTED_GLIBC))
        print(
            f"note: {needy} of this Python needs a newer glibc than {wanted}, the promise of a release", file=sys.stderr
        )
    digest = hashlib.sha256(BINARY.read_bytes()).hexdigest()
    listing = DIST / "gofer.cdx.json"
    parts = sbom.Parts(release.read(made_of), _shared_libraries(), console.built_in(CONSOLE))
    listing.write_text(sbom.sbom(BINARY, parts, digest, at) + "\n")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in (BINARY, listing)]
    (DIST / "SHA256SUMS").write_text("".join(sums))
    print(f"{BINARY.relative_to(ROOT)}: {said}, needs glibc {floor[0]}.{floor[1]} (for {needy})")
    print("\n".join(report.lines(BINARY)))


def _built_at() -> int:
    """Seconds since the epoch: what SOURCE_DATE_EPOCH says, else the commit's time, so that a build can be repeated."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or release.git(ROOT, "log", "-1", "--format=%ct")
    return int(given) if given else 0


def _freeze(at: int) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(at), "PYTHONHASHSEED": "0"}
    WORK.mkdir(parents=True, exist_ok=True)
    log = WORK / "build.log"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--workpath", str(WORK)]
    with log.open("wb") as out:
        done = subprocess.run(
            [*command, "--distpath", str(DIST), str(ROOT / "gofer.spec")],
            env=environment, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        sys.exit("\n".join([*log.read_text().splitlines()[-30:], f"the whole log: {log.relative_to(ROOT)}"]))


def _shared_libraries() -> list[tuple[str, str]]:
    """Where the carried shared libraries came from, as the recipe has noted it."""
    rows = json.loads((WORK / "gofer" / "libraries.json").read_text())
    return [(source, name) for name, source in rows]


if __name__ == "__main__":
    main()
