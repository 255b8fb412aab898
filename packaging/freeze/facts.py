"""What can be found out about a finished one-file program, as JSON: `python -m freeze.facts PROGRAM TEXT…`.

`glibc`: path of each object in the program to the oldest glibc that it runs with; `texts`: each TEXT that is found in
the program, to the pieces that hold it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from freeze import program


def main() -> None:
    """Print them."""
    path, texts = Path(sys.argv[1]).resolve(), [text.encode() for text in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        glibc = {str(one).removeprefix(f"{folder}/"): program.glibc(one) for one in program.objects(path, Path(folder))}
    print(json.dumps({"glibc": glibc, "texts": program.texts(path, texts)}))


if __name__ == "__main__":
    main()
