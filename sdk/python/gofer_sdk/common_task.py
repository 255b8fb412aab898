"""CommonTask: a node of a pipeline that runs what an administrator has installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from gofer_sdk import bounds, checks
from gofer_sdk.errors import mistake
from gofer_sdk.node import Node, Scalar, scalar
from gofer_sdk.references import checked as replaceable


class CommonTask(Node):
    """`CommonTask("slack", "tell", settings={"text": "built"}).depends_on("build")`.

    A common task is a value, as a Task is. It has settings in place of an image, a command and variables: those are
    what an administrator has installed it with, and nobody looks into its container. `depends_on`, `matrix`, `setting`
    and `settings` add to what is there, all other methods replace it.
    """

    __slots__ = ()
    _order = (
        *("id", "common_task", "description", "settings", "depends_on"),
        *("matrix", "retries", "timeout", "stop_timeout", "allow_failure"),
    )

    def __init__(
        self,
        common_task: str,
        id: str,  # noqa: A002  # the manifest's own word
        *,
        settings: Mapping[str, Scalar] | None = None,
    ) -> None:
        """`common_task` is the name under which it is installed; `id` is unique in the pipeline."""
        name = checks.identifier("CommonTask()", common_task, "the name of a common task")
        checked = checks.identifier("CommonTask()", id, "the id of a task")
        parts = {"id": checked, "common_task": name}
        where = f'CommonTask "{checked}"'
        super().__init__(parts if settings is None else {**parts, "settings": checked_settings(where, {}, settings)})

    @property
    def common_task(self) -> str:
        """The name under which it is installed."""
        return str(self._parts["common_task"])

    def setting(self, name: str, value: Scalar) -> Self:
        """One setting. `param("name")`, `secret("key")` and the like may stand anywhere in the value."""
        where = self._where("setting")
        return self._with(settings=checked_settings(where, self._parts.get("settings", {}), {name: value}))

    def settings(self, settings: Mapping[str, Scalar]) -> Self:
        """Several settings at once."""
        where = self._where("settings")
        return self._with(settings=checked_settings(where, self._parts.get("settings", {}), settings))


def checked_settings(where: str, before: Mapping[str, str], added: object) -> dict[str, str]:
    """The settings of a common task or notifier: those before, and what is added to them."""
    if not isinstance(added, Mapping):
        raise mistake(where, "names and their values", added, 'Write {"text": "built"}.')
    settings = dict(before)
    for name, value in added.items():
        what = "the name of a setting: up to 64 small letters, digits and '_', beginning with a letter"
        fix = 'Write "text", for example.'
        checked = checks.matching(where, name, what, fix, pattern=bounds.SETTING_PATTERN, most=64)
        settings[checked] = replaceable(where, scalar(where, value, checked), variable=True)
    checks.few(where, settings, bounds.MAX_SETTINGS, "settings")
    return settings
