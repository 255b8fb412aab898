"""Where the SDK lies as files: another Python than Gofer's own needs it so.

In the one-file program the files are unpacked beside this module as it is imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from gofer.frozen import is_frozen


def folder() -> str:
    """The folder that `import gofer_sdk` needs on its path; empty where the SDK is not installed."""
    if is_frozen():
        return str(Path(__file__).parent)
    spec = find_spec("gofer_sdk")
    origin = spec.origin if spec is not None else None
    return str(Path(origin).parent.parent) if origin else ""
