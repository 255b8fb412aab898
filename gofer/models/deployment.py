"""Deployments: how a version became live, or is about to, as the API shows them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gofer.models.manifest import ParameterValue
from gofer.models.remark import Remark
from gofer.models.version_number import VersionNumber

Strategy = Literal["instant", "canary", "ab", "blue_green"]
DeploymentStatus = Literal["running", "completed", "rolled_back", "aborted"]
Cause = Literal["registered", "deployed", "rollback"]


class DeploymentSettings(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a strategy goes by; each field belongs to the strategies that are named with it.

    `percent` or `every` (canary, ab): the share of new runs that the new version gets: so many of a hundred (above 0,
    below 100, at most four decimals), or every k-th.

    Of the canary's rule, which decides by itself unless `manual`: after `runs` runs of the new version that succeeded
    or failed it is promoted, if its success rate is not more than `success_margin` percentage points below the old
    one's, and its median duration not more than `duration_factor` times the old one's. It is rolled back as soon as
    that cannot be reached any more.

    `smoke` (blue_green): so many runs of the new version, one after the other and with `parameters`, have to succeed
    before it goes live.
    """

    percent: float | None = None
    every: int | None = None
    manual: bool = False
    runs: int | None = None
    success_margin: float | None = None
    duration_factor: float | None = None
    smoke: int | None = None
    parameters: dict[str, ParameterValue] = {}


class Deploy(DeploymentSettings, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Body of `POST …/deployments`. `version` absent: the newest. `force`: the deployment that is under way, if there
    is one, is aborted first."""

    version: VersionNumber | None = None
    strategy: Strategy = "instant"
    notes: Remark = ""
    force: bool = False


class EndDeployment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST …/deployments/{deployment}/promote` and `…/abort`: why, for those who read it later."""

    reason: Remark = ""


class Rollback(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST …/rollback`. `version` absent: the one that was live before. `force` as for Deploy."""

    version: VersionNumber | None = None
    reason: Remark = ""
    force: bool = False


class Deployment(msgspec.Struct, kw_only=True):
    """One change of the live version. `number` counts 1, 2, 3… within the pipeline; times are milliseconds since the
    Unix epoch.

    `running`: `from_version` is live still, and `to_version` is tried. `completed`: `to_version` went live.
    `rolled_back` and `aborted`: it did not; the strategy's own rule or the smoke runs have decided that, or somebody
    has. `from_version` is 0 where none was live before. `cause`: it came with a registration, was asked for, or went
    back. `assigned`: how many new runs have been given one of its two versions so far. `settings` has every value
    that counts, defaults too. `reason` is for programs, `detail` a sentence for people; `figures` is what a rule has
    decided on. Of one that runs, `reason` is empty, or `waiting` where its next smoke run cannot be started now.
    """

    namespace: str
    pipeline: str
    number: int
    strategy: Strategy
    cause: Cause
    from_version: int
    to_version: int
    status: DeploymentStatus
    settings: DeploymentSettings
    assigned: int = 0
    reason: str = ""
    detail: str = ""
    figures: dict[str, Any] = {}
    notes: str = ""
    started_at: int
    started_by: str = ""
    ended_at: int | None = None
    ended_by: str = ""


class Deployed(msgspec.Struct, kw_only=True):
    """Answer to a change of the live version. `changed` is false where that version was live already: `deployment` is
    the one that has made it so. `aborted`: the number of the one that had to give way."""

    deployment: Deployment
    changed: bool = True
    aborted: int | None = None
    warnings: list[str] = []
