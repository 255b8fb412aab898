"""docs/configuration.md, from the table of settings: `python -m gofer.config.reference > docs/configuration.md`"""

from __future__ import annotations

from gofer.config.settings import Settings
from gofer.config.table import Setting, table

_INTRODUCTION = """\
# The server's configuration

Nothing needs to be configured to begin with. This page is generated from the table of settings; a test keeps the two in
step. The command line has settings of its own: see [cli.md](cli.md).

## Where settings come from

Options beat environment variables, which beat the file, which beats the defaults.

- **Options** of `gofer service start`.
- **Environment**: `GOFER_` and the setting's name in capitals, `__` for each step into a block: `GOFER_LOG_LEVEL`,
  `GOFER_SERVER__HOST`. Lists are separated by commas; true and false may also be 1 and 0, yes and no, on and off.
- **File**, in HCL: the one that `--config` or `GOFER_CONFIG_PATH` names, else `/etc/gofer/gofer.hcl` if there is one.

```hcl
dev_mode       = false
allowed_mounts = ["/srv/data"]

server {
  storage_path = "/var/lib/gofer"
}

scheduler {
  engine = "docker"
  docker {
    start_concurrency = 4
  }
}
```

A wrong setting stops the start with one line that says where it stands, what was expected and what came; a name that
does not exist is answered with the nearest that does.

Durations are a number and a unit, largest first: `90s`, `1m30s`, `2h`, `7d`. Sizes too: `512kB` (thousands), `8MiB`
(powers of two). Paths may begin with `~/`; relative ones begin at the folder that Gofer is started in.

## Settings
"""

_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_SIZES = {"GiB": 1024**3, "MiB": 1024**2, "kiB": 1024, "B": 1}


def page() -> str:
    """The whole page."""
    blocks: dict[str, list[Setting]] = {}
    for setting in table(Settings):
        blocks.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    return _INTRODUCTION + "".join(_block(key, rows) for key, rows in blocks.items())


def _block(key: str, rows: list[Setting]) -> str:
    title = f"\n### Block `{key}`\n" if key else ""
    lines = [title, "| setting | type | default | |", "|---|---|---|---|"]
    lines += [f"| `{row.key}` | {_type(row)} | {_default(row)} | {row.help} |" for row in rows]
    return "\n".join(lines) + "\n"


def _type(row: Setting) -> str:
    return " or ".join(f"`{choice}`" for choice in row.choices) or row.type


def _default(row: Setting) -> str:
    if row.default is None:
        return ""
    if row.type == "boolean":
        return "`true`" if row.default else "`false`"
    if row.type in ("duration", "size"):
        return f"`{_largest_unit(row.default, _UNITS if row.type == 'duration' else _SIZES)}`"
    if row.type == "list":
        return "`[]`"
    return f"`{row.default}`" if row.default != "" else "empty"


def _largest_unit(number: int, units: dict[str, int]) -> str:
    """The number in the largest unit that it is a whole multiple of."""
    for unit, size in units.items():
        if number % size == 0 and number:
            return f"{number // size}{unit}"
    return str(number)


if __name__ == "__main__":
    print(page(), end="")
