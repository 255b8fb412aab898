"""Free text that people leave for those who come later."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Remark: TypeAlias = Annotated[str, msgspec.Meta(max_length=1_000)]
"""Notes, or a reason: at most 1,000 characters, as it has to fit into a query too."""
