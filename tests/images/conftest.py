"""The images, built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.images.build import base, build, remove

# The shape of all triggers is the same, so is that of all common tasks: these stand for the others.
IMAGES = (
    "trigger/interval",
    "trigger/pipeline",
    "common-task/debug",
    "debug/envs",
    "debug/fail",
    "debug/log",
    "debug/wait",
)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base(tmp_path_factory.mktemp("base"))
    try:
        built = build(*IMAGES)
        assert built.returncode == 0, built.stderr
        yield
    finally:
        remove(*IMAGES)
