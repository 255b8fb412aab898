"""How a canary stands by its rule, going by the runs in the store."""

from __future__ import annotations

from gofer.server.deployments.judge import Rule, Verdict, judge
from gofer.server.store import deployments
from gofer.server.store.deployments import DeploymentRow
from gofer.server.store.transaction import Readable

_MOST = 1_000
"""Of each version so many of its newest runs are weighed, unless the rule asks for more: a canary is weighed while a
run's end is stored, which has to stay quick however long it goes on."""


def weigh(connection: Readable, deployment: DeploymentRow) -> Verdict:
    """What the rule of this canary says now.

    Of the new version count the runs that this deployment has given it; of the old one too, and where these are fewer
    than the rule asks of the new one, as many of its newest ones from before.
    """
    settings = deployment.settings
    # A canary is stored with all of its settings.
    assert settings.runs is not None
    assert settings.success_margin is not None
    assert settings.duration_factor is not None
    rule = Rule(settings.runs, settings.success_margin, settings.duration_factor)
    key, number, most = deployment.pipeline_key, deployment.number, max(_MOST, rule.runs)
    new = deployments.outcomes(connection, key, number, deployment.to_version, most)
    old = deployments.outcomes(connection, key, number, deployment.from_version, most)
    missing = rule.runs - len(old)
    if missing > 0:
        before = deployment.started_at
        old += deployments.outcomes_before(connection, key, deployment.from_version, before, missing)
    return judge(old, new, rule)
