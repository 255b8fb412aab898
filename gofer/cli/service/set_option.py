"""`--set KEY=VALUE`: any setting of the server, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from gofer.errors import ConfigError
from gofer.models.ids import shown

F = TypeVar("F", bound=Callable[..., Any])


def set_option(command: F) -> F:
    """`--set`, any number of times; the command gets them as `settings`, for `parse_settings`."""
    about = "A setting, such as server.max_body_bytes=16MiB. May be given several times."
    option = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=about)
    return option(command)


def parse_settings(texts: Sequence[str], others: Mapping[str, str]) -> dict[str, str]:
    """The settings that `texts` give, with `others`: those that options of their own give. By dotted key.

    Raises ConfigError for one that is no assignment, and for a setting that is given twice. Whether there is such a
    setting is not looked at.
    """
    found = dict(others)
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ConfigError(f"--set {shown(text)} is not KEY=VALUE", "Write, for example, --set log_level=debug.")
        if key in found:
            raise ConfigError(f"{key} is given twice on the command line", "Give it once.")
        found[key] = value.strip()
    return found
