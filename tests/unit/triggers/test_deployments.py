"""Subscriptions follow the live version through every kind of deployment: no moment without, and none twice."""

from __future__ import annotations

import pytest

from gofer.errors import Conflict, InvalidInput
from gofer.models.deployment import Deploy, Rollback
from gofer.models.trigger import AddSubscription
from tests.scenarios.scene import NAMESPACE, PIPELINE
from tests.unit.triggers.house import FakeTrigger, Triggers, refusing, subscription

AT = (NAMESPACE, PIPELINE)


async def test_they_are_those_of_what_is_live_at_every_moment(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription("a"), subscription("b"), deploy=False)
    assert (clock.kinds(), await triggers.shown()) == (["check", "check"], {})
    await triggers.deployments.deploy(*AT, Deploy())
    a, b = (clock.id_of(label) for label in "ab")
    assert clock.labels() == {"p/a", "p/b"}
    changed = subscription("b", settings={"every": "2h"})
    await triggers.register(changed, subscription("c"), deploy=False)
    clock.kinds()
    await triggers.deployments.deploy(*AT, Deploy(strategy="canary"))
    assert (clock.kinds(), clock.labels()) == (["check", "check"], {"p/a", "p/b"})
    await triggers.deployments.abort(*AT, 2, "")
    assert (clock.kinds(), clock.labels()) == ([], {"p/a", "p/b"})
    await triggers.deployments.deploy(*AT, Deploy(strategy="ab"))
    clock.kinds()
    await triggers.deployments.promote(*AT, 3, "")
    assert sorted(clock.kinds()) == ["subscribe", "subscribe", "unsubscribe"]
    assert (clock.labels(), clock.id_of("b"), clock.knows[b]["settings"]) == ({"p/b", "p/c"}, b, {"every": "2h"})
    await triggers.deployments.rollback(*AT, Rollback())
    assert (clock.labels(), clock.id_of("b"), clock.knows[b]["settings"]) == ({"p/a", "p/b"}, b, {"every": "1h"})
    assert clock.id_of("a") != a


async def test_what_a_trigger_refuses_is_not_deployed_but_gone_back_to(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription("a"))
    await triggers.register()
    await triggers.register(subscription("a", settings={"every": "1s"}), deploy=False)
    clock.says["check"] = refusing("refused", "every: at least 10s")
    with pytest.raises(InvalidInput) as caught:
        await triggers.deployments.deploy(*AT, Deploy(strategy="canary"))
    assert caught.value.problems[0].message == 'subscription "a": every: at least 10s'
    assert (await triggers.pipelines.get(*AT)).deployment is None
    back = await triggers.deployments.rollback(*AT, Rollback())
    assert (back.deployment.to_version, clock.labels()) == (1, {"p/a"})
    assert back.warnings == ['subscriptions[0].settings: subscription "a": every: at least 10s']


async def test_a_label_that_somebody_has_taken_is_told_before_anything_is_tried(
    triggers: Triggers, clock: FakeTrigger
) -> None:
    await triggers.register()
    await triggers.register(subscription("mine"), deploy=False)
    await triggers.deployments.deploy(*AT, Deploy(strategy="canary"))
    await triggers.subscriptions.add(*AT, AddSubscription(label="mine", trigger="clock", settings={"every": "1h"}))
    clock.kinds()
    with pytest.raises(Conflict, match='has a subscription "mine"'):
        await triggers.deployments.promote(*AT, 2, "")
    pipeline = await triggers.pipelines.get(*AT)
    assert (pipeline.version, pipeline.deployment, clock.kinds(), clock.labels()) == (1, 2, [], {"p/mine"})
    await triggers.deployments.abort(*AT, 2, "")
    with pytest.raises(Conflict, match='has a subscription "mine"'):
        await triggers.deployments.deploy(*AT, Deploy(strategy="canary"))
    assert (await triggers.shown())["mine"].origin == "added"
