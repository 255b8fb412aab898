"""What one manifest has that another has not, as the API shows it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ChangeKind = Literal["added", "removed", "changed"]


class Change(msgspec.Struct, kw_only=True):
    """One difference, in the words of docs/manifest.md.

    `path` says where, such as `tasks[build].variables[DAY]`: a name within a list or a mapping stands in brackets.
    `task` is the id of the task that it is in, empty where it is in none; `field` is the rest of the path, empty where
    the whole task was added or removed. `before` and `after` are the values as a manifest has them: null where there
    is none. What has a default is changed, not added; `tasks` itself, say, is changed where only the order is another.
    """

    kind: ChangeKind
    path: str
    task: str = ""
    field: str = ""
    before: Any = None
    after: Any = None


class Diff(msgspec.Struct, kw_only=True):
    """What changes from `from_version` (0: there is none, so everything is added) to `to_version` (0: to a manifest
    that is no version yet). No changes: the content is the same."""

    namespace: str
    pipeline: str
    from_version: int
    to_version: int
    changes: list[Change]
