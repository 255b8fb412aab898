"""Free text that people leave for those who come later."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

MAX_REMARK = 1_000

Remark: TypeAlias = Annotated[str, msgspec.Meta(max_length=MAX_REMARK)]
"""Notes, or a reason: at most so many characters, as it has to fit into a query too."""
