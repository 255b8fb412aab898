"""How a pipeline file hands its manifest over: as the one thing that it prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from gofer_sdk.errors import PipelineError

if TYPE_CHECKING:
    from gofer_sdk.pipeline import Pipeline

FLAG = "--msgpack"

# Standard output is one for the whole process, and so is what was printed to it.
_emitted: list[str] = []


def emit(pipeline: Pipeline) -> None:
    """Print the manifest to standard output, as JSON or, where the program was given `--msgpack`, as MessagePack.

    Raises PipelineError if the pipeline is not sound, if the program has printed a manifest before, and for
    MessagePack on a terminal.
    """
    if _emitted:
        raise PipelineError(
            f'Pipeline "{pipeline.id}" .emit(): this program has printed the pipeline "{_emitted[0]}" already, and a '
            "program prints one. Put each pipeline into a file of its own; they may import what they share."
        )
    packed = FLAG in sys.argv[1:]
    binary: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if packed and (binary is None or sys.stdout.isatty()):
        raise PipelineError(f"MessagePack is for a file or pipe, not for a terminal. Leave out {FLAG}, or redirect it.")
    _write(pipeline.to_msgpack() if packed else pipeline.to_json().encode(), binary)
    _emitted.append(pipeline.id)


def _write(content: bytes, binary: BinaryIO | None) -> None:
    """Bytes where that is possible: the encoding of a terminal or an environment without a locale may lack letters."""
    sys.stdout.flush()
    if binary is None:
        sys.stdout.write(content.decode())
    else:
        binary.write(content)
        binary.flush()
    sys.stdout.flush()
