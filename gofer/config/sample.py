"""A configuration file with every setting in it, explained: what `gofer service init-config` writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Literal

from gofer.config.settings import Settings
from gofer.config.table import Setting, table
from gofer.config.write import write_value

Profile = Literal["dev", "production"]

# What a profile sets; everything else is at its default, and commented out.
PROFILES: dict[Profile, dict[str, Any]] = {
    "dev": {"dev_mode": True},
    "production": {
        "dev_mode": False,
        "task_run_logs_dir": "/var/log/gofer",
        "server.storage_path": "/var/lib/gofer",
        "scheduler.engine": "docker",
    },
}

_ABOUT = {
    "dev": "for one person's machine",
    "production": "for a server that is run by systemd",
}
_HEAD = """\
# Gofer's configuration, {about}.
#
# Every setting stands here. What is commented out (#name = …) is the default or, where there is none, an example.
# Options of `gofer service start` and variables of the environment (`gofer service printenv`) beat this file.
# After a change: `gofer service config check FILE`, then `systemctl reload gofer` or `gofer service reload`.
# Settings marked "reload" change while the server runs, the others when it starts again.
"""
_WIDTH = 110


def sample(profile: Profile) -> str:
    """The text of the file."""
    blocks: dict[str, list[Setting]] = {}
    for setting in table(Settings):
        blocks.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    lines = [_HEAD.format(about=_ABOUT[profile])]
    lines += _block("", blocks, PROFILES[profile], 0)
    return "\n".join(lines).rstrip("\n") + "\n"


def _block(key: str, blocks: dict[str, list[Setting]], given: dict[str, Any], depth: int) -> Iterator[str]:
    for setting in blocks.get(key, []):
        yield from _setting(setting, given, "  " * depth)
        yield ""
    for inner in _blocks_in(key, blocks):
        yield f"{'  ' * depth}{inner.rpartition('.')[2]} {{"
        body = list(_block(inner, blocks, given, depth + 1))
        while body and not body[-1]:
            body.pop()
        yield from body
        yield f"{'  ' * depth}}}"
        yield ""


def _blocks_in(key: str, blocks: dict[str, list[Setting]]) -> list[str]:
    """The blocks that stand in the block `key`, one level down."""
    return [block for block in blocks if block and block.rpartition(".")[0] == key]


def _setting(setting: Setting, given: dict[str, Any], indent: str) -> Iterator[str]:
    for line in textwrap.wrap(f"{setting.help} {_facts(setting)}", _WIDTH - len(indent)):
        yield f"{indent}# {line}"
    name = setting.key.rpartition(".")[2]
    if setting.key in given:
        yield f"{indent}{name} = {write_value(setting, given[setting.key])}"
        return
    shown = setting.example if setting.default is None else setting.default
    yield f"{indent}#{name} = {write_value(setting, shown)}"


def _facts(setting: Setting) -> str:
    """What a file can say beside the value: the choices, the bounds, whether a reload is enough."""
    facts = []
    if setting.choices:
        facts.append(" or ".join(setting.choices))
    if setting.type in ("duration", "size"):
        facts.append(setting.type)
    if setting.default is not None:
        facts.append(f"default {write_value(setting, setting.default)}")
    if setting.maximum is not None:
        facts.append(f"at most {setting.maximum}")
    if setting.reloadable:
        facts.append("reload")
    return f"({', '.join(facts)})" if facts else ""
