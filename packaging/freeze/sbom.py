"""The list of what the one-file program contains, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/)."""

from __future__ import annotations

import subprocess
import uuid
from datetime import UTC, datetime
from importlib.metadata import metadata
from pathlib import Path
from typing import NamedTuple

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from freeze.console import Built
from gofer.release import Release


class Parts(NamedTuple):
    """What is in a program beside Python. `libraries`: path on the building machine and name of each shared library;
    `console`: the packages in the web console."""

    made: Release
    libraries: list[tuple[str, str]]
    console: list[Built]


def sbom(program: Path, parts: Parts, sha256: str, at: int) -> str:
    """The document as JSON. `at`: seconds since the epoch. Raises ValueError if the standard's schema does not accept
    it."""
    made = parts.made
    own = Component(
        name="gofer",
        version=made.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"gofer@{made.version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    bom = Bom(serial_number=uuid.UUID(sha256[:32]))
    bom.metadata.timestamp = datetime.fromtimestamp(at, UTC)
    bom.metadata.component = own
    python = Component(name="cpython", version=made.python, bom_ref=f"cpython@{made.python}")
    components = [
        python,
        *(_of_python(name, version) for name, version in made.libraries.items()),
        *(_of_npm(one) for one in parts.console),
        *_of_debian(parts.libraries),
    ]
    for component in components:
        bom.components.add(component)
    bom.register_dependency(own, components)
    text: str = JsonV1Dot6(bom).output_as_string(indent=1)
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if faults:
        raise ValueError(f"the list of contents of {program} does not fit its schema: {faults}")
    return text


def _of_python(name: str, version: str) -> Component:
    stated = str(metadata(name).json.get("license_expression") or "")
    return Component(
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("pypi", None, name, version),
        licenses=[LicenseFactory().make_from_string(stated)] if stated else [],
    )


def _of_npm(one: Built) -> Component:
    namespace, _, name = one.name.rpartition("/")
    return Component(
        name=name,
        group=namespace or None,
        version=one.version,
        bom_ref=f"npm:{one.name}@{one.version}",
        purl=PackageURL("npm", namespace or None, name, one.version),
        licenses=[LicenseFactory().make_from_string(one.licence)],
    )


def _of_debian(libraries: list[tuple[str, str]]) -> list[Component]:
    """Shared libraries by the Debian packages that they come from; by their file where no package owns it."""
    found: dict[str, Component] = {}
    for path, name in libraries:
        package, version = _package(path)
        purl = PackageURL("deb", "debian", package, version) if version else None
        reference = f"{package or name}@{version or 'unknown'}"
        found[reference] = Component(name=package or name, version=version or None, bom_ref=reference, purl=purl)
    return [found[reference] for reference in sorted(found)]


def _package(path: str) -> tuple[str, str]:
    """The Debian package that owns a file, and its version; empty where there is none."""
    resolved = Path(path).resolve()
    for candidate in (resolved, str(resolved).removeprefix("/usr")):
        owner = _said("dpkg-query", "--search", str(candidate)).partition(":")[0]
        if owner:
            return owner, _said("dpkg-query", "--show", "--showformat=${Version}", owner)
    return "", ""


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
