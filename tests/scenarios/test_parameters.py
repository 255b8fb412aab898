"""What a run is given, and what its containers get of it."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.manifest import Parameter
from tests.scenarios.scene import NAMESPACE, Scene, task

PARAMETERS = [
    Parameter(name="where", default="here"),
    Parameter(name="count", type="integer", default=3),
    Parameter(name="ratio", type="number"),
    Parameter(name="dry", type="boolean", default=False),
    Parameter(name="size", choices=["small", "large"], default="small"),
    Parameter(name="who", required=True),
]


async def sources(scene: Scene, run: int, name: str = "a") -> dict[str, tuple[str, str]]:
    """Value and source of each variable of an ended run's task."""
    await scene.ended(run)
    return {v.name: (v.value, v.source) for v in (await scene.task(run, name)).variables}


async def test_defaults_are_filled_in_and_text_is_converted(scene: Scene) -> None:
    await scene.register(task("a"), parameters=PARAMETERS)
    run = await scene.start(who="me", count="12", dry="yes", ratio="0.5")
    expected = {"where": "here", "count": 12, "ratio": 0.5, "dry": True, "size": "small", "who": "me"}
    assert (await scene.run(run)).parameters == expected
    found = await sources(scene, run)
    assert {name: found[name] for name in ("count", "dry", "ratio")} == {
        "count": ("12", "run"),
        "dry": ("true", "run"),
        "ratio": ("0.5", "run"),
    }


async def test_all_that_is_wrong_is_told_at_once_and_nothing_is_stored(scene: Scene) -> None:
    await scene.register(task("a"), parameters=PARAMETERS)
    with pytest.raises(InvalidInput) as caught:
        await scene.start(wher="there", count="many", size="huge", dry="perhaps")
    assert {problem.place for problem in caught.value.problems} == {
        "parameters.wher",
        "parameters.count",
        "parameters.size",
        "parameters.dry",
        "parameters.who",
    }
    page = await scene.services.runs.list(NAMESPACE, "p", None, None, 10)
    assert page.items == []
    # No number was used up.
    assert await scene.start(who="me") == 1


async def test_the_pipelines_own_variables_win_over_the_runs(scene: Scene) -> None:
    both = task("a", "variable", "A", "variable", "B", "variable", "GOFER_TASK_ID", variables={"A": "pipeline"})
    await scene.register(both, parameters=[Parameter(name="A"), Parameter(name="B")])
    run = await scene.start(A="run", B="run")
    found = await sources(scene, run)
    assert found["A"] == ("pipeline", "pipeline")
    assert found["B"] == ("run", "run")
    assert found["GOFER_TASK_ID"] == ("a", "system")
    assert found["GOFER_PIPELINE_ID"] == ("p", "system")
    assert await scene.log(run, "a") == ["pipeline", "run", "a"]


@pytest.mark.parametrize("fields", [{"variables": {"GOFER_RUN_ID": "7"}}, {"matrix": {"gofer_n": ["1"]}}])
async def test_nobody_takes_the_systems_names(scene: Scene, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await scene.register(task("a", **fields), parameters=[Parameter(name="GOFER_RUN_ID")])


async def test_parameters_and_matrix_values_are_put_in_anywhere(scene: Scene) -> None:
    fan = task(
        "a", "say", "param{{who}}-matrix{{n}}", "variable", "BOTH", "variable", "GOFER_MATRIX_N",
        matrix={"n": ["1", "2"]}, variables={"BOTH": "<param{{who}}/matrix{{n}}>", "KEPT": "param!{{who}}"},
    )  # fmt: skip
    await scene.register(fan, parameters=[Parameter(name="who", required=True)])
    run = await scene.start(who="secret{{x}}")
    await scene.ended(run)
    assert await scene.log(run, "a-1") == ["secret{{x}}-1", "<secret{{x}}/1>", "1"]
    assert await scene.log(run, "a-2") == ["secret{{x}}-2", "<secret{{x}}/2>", "2"]
    assert (await sources(scene, run, "a-1"))["KEPT"] == ("param{{who}}", "pipeline")


async def test_a_parameter_without_a_value_fails_what_needs_it_alone(scene: Scene) -> None:
    needs = task("a", variables={"WHO": "param{{who}}"})
    await scene.register(needs, task("b"), parameters=[Parameter(name="who")])
    run = await scene.start()
    await scene.ended(run)
    found = await scene.task(run, "a")
    assert (found.status, found.reason) == ("failed", "interpolation_failed")
    assert '"who"' in found.detail
    assert (await scene.statuses(run))["b"] == "successful"


async def test_what_cannot_be_started(scene: Scene) -> None:
    await scene.register(task("a"))
    with pytest.raises(NotFound):
        await scene.start("nobody")
    with pytest.raises(NotFound):
        await scene.services.runs.start(NAMESPACE, "p", parameters={}, version=2)
    await scene.services.pipelines.set_enabled(NAMESPACE, "p", False)
    with pytest.raises(Conflict) as caught:
        await scene.start()
    assert "gofer pipeline enable p" in caught.value.hint
    await scene.services.pipelines.set_enabled(NAMESPACE, "p", True)
    assert await scene.start() == 1


async def test_an_older_version_may_be_started(scene: Scene) -> None:
    await scene.register(task("old"))
    await scene.register(task("new"))
    run = await scene.services.runs.start(NAMESPACE, "p", parameters={}, version=1)
    await scene.ended(run.id)
    assert await scene.statuses(run.id) == {"old": "successful"}
