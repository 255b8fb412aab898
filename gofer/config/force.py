"""The settings as they hold, for people and programs: values as they are written, sources, no secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from gofer.config.gather import Source
from gofer.config.table import flatten, table
from gofer.config.write import simple
from gofer.models.system import SettingInfo

_DEFAULT = Source("default")


def settings_in_force(
    settings: msgspec.Struct, sources: Mapping[str, Source], restart: Collection[str] = ()
) -> list[SettingInfo]:
    """Every setting, in the order of the table. The value of a secret is left out, whether it is set is not.

    `restart`: keys of those for which the file says something else by now.
    """
    values = flatten(settings)
    found = []
    for setting in table(type(settings)):
        value, source = values[setting.key], sources.get(setting.key, _DEFAULT)
        found.append(
            SettingInfo(
                key=setting.key,
                value=None if setting.secret else simple(setting, value),
                source=source.kind,
                place=source.place,
                hidden=setting.secret and bool(value),
                reloadable=setting.reloadable,
                restart=setting.key in restart,
            )
        )
    return found
