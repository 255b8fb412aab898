"""Who may make versions live by registering them."""

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
