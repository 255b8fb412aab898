"""What somebody has said must not be done, or no longer be done, with a pipeline or with one of its versions."""

from __future__ import annotations

from typing import Literal

import msgspec

from gofer.models.remark import Remark

HoldKind = Literal["paused", "frozen", "deprecated"]


class Hold(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who has said so, when (milliseconds since the Unix epoch), and why.

    Of a pipeline: `paused`, its new runs wait in the queue until it is resumed; `frozen`, every change of it is
    refused; `deprecated`, whoever uses it is warned. Of a version: `paused`, no new run gets it, and it cannot be
    deployed; `frozen`, it is never removed; `deprecated`, whoever uses or deploys it is warned.
    """

    kind: HoldKind
    reason: str = ""
    at: int
    by: str = ""


class Lifted(msgspec.Struct, kw_only=True):
    """Answer of `DELETE …/holds/{hold}`. `lifted`: false where there was no such hold."""

    lifted: bool


class SetHold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `PUT …/holds/{hold}`."""

    reason: Remark = ""
