"""What else a deployment needs than the permission of its route."""

from __future__ import annotations

from gofer.errors import Refused
from gofer.models.ids import shown
from gofer.server.auth.caller import Caller


def check_deploys(caller: Caller, namespace: str, pipeline: str) -> None:
    """Raises Refused unless the caller may deploy the pipeline, which is more than to write it."""
    if not caller.may("deployments:write", namespace, (pipeline,)):
        raise Refused(
            f"You may register versions of the pipeline {shown(pipeline)}, and may not make them live.",
            "Register it without (--no-deploy, or deploy=false), and have it deployed by somebody who may: that needs "
            "deployments:write.",
        )


def check_smoke_runs(caller: Caller, namespace: str, pipeline: str) -> None:
    """Raises Refused unless the caller may start runs of the pipeline: a blue/green deployment does, with parameters of
    the caller's choice."""
    if not caller.may("runs:run", namespace, (pipeline,)):
        raise Refused(
            f"You may deploy the pipeline {shown(pipeline)}, and may not start runs of it, as a blue/green deployment "
            "does.",
            "Deploy it with another strategy, or have it done by somebody who may start runs: that needs runs:run.",
        )
