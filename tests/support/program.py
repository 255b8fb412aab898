"""The one-file program that is to be tested."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def one_file_program() -> Path:
    """What GOFER_TEST_BINARY names, else what `make binary` has made. The test fails where it is not there."""
    path = Path(os.environ.get("GOFER_TEST_BINARY", ROOT / "dist" / "gofer")).absolute()
    if not path.is_file():
        pytest.fail(f"{path} does not exist: run `make binary`, or name one with GOFER_TEST_BINARY")
    return path
