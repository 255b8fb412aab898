"""docs/configuration.md, from the table of settings: `python -m gofer.config.reference > docs/configuration.md`"""

from __future__ import annotations

from gofer.config.settings import Settings
from gofer.config.table import Setting, table
from gofer.config.write import simple

_INTRODUCTION = """\
# The server's configuration

Nothing needs to be configured to begin with. This page is generated from the table of settings; a test keeps the two
in step. The command line has settings of its own: see [cli.md](cli.md).

## Where settings come from

Options beat environment variables, which beat the file, which beats the defaults.

- **Options** of `gofer service start`: its own, and `--set KEY=VALUE` for every setting, such as `--set
  server.max_body_bytes=16MiB`.
- **Environment**: `GOFER_` and the setting's name in capitals, `__` for each step into a block: `GOFER_LOG_LEVEL`,
  `GOFER_SERVER__HOST`. Lists are separated by commas; true and false may also be 1 and 0, yes and no, on and off.
  `gofer service printenv` lists them all.
- **File**, in HCL: the one that `--config` or `GOFER_CONFIG_PATH` names, else `gofer.hcl` in the folder that systemd
  names (`CONFIGURATION_DIRECTORY`), else `/etc/gofer/gofer.hcl` if there is one. `gofer service init-config FILE`
  writes one with every setting in it, explained.

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

`gofer service config check FILE` lists everything that is wrong at once, and warns of what is allowed but doubtful.
`gofer service config show` prints the values that hold and where each comes from; with `--server`, those of the
running server. The value of a secret is never shown.

## Folders

Under systemd the unit's folders hold (`STATE_DIRECTORY`, `LOGS_DIRECTORY`, `CONFIGURATION_DIRECTORY`; the first,
where there are several). Elsewhere data lies where the XDG rules say: `$XDG_DATA_HOME/gofer`, else
`~/.local/share/gofer`.

## Changing settings of a running server

`systemctl reload gofer`, `gofer service reload` and SIGHUP make the server read its file again. Settings with a `yes`
under “reload” below change at once, and no connection, run or container notices; the others are named in the log and
in the answer, and change when the server starts again. When anything in the file is wrong, nothing changes, and the
log and the answer say what is wrong, with the line. Each reload is an event, `server.reloaded` or
`server.misconfigured`.

Options and the environment stay what they were when the server was started, and still beat the file.

A server that was started in a terminal ends on SIGHUP instead, as the terminal sends it when it is closed.
Under `nohup` it does nothing on SIGHUP. `gofer service reload` works in every case.

## HTTPS

```hcl
server {
  tls_cert_path = "/etc/gofer/tls.crt"
  tls_key_path  = "/etc/gofer/tls.key"
}
```

The server then speaks https (TLS 1.2 or newer) and nothing else. It refuses to start when one of the two is missing,
cannot be read, or does not fit the other; it warns of a certificate that has expired, or does not name a loopback
`server.host`. Dev mode can make its own: `server.dev_certificate = true`.
A reload reads both files anew, so that a renewed certificate needs no restart; whether there is TLS at all changes
only with one. Where the certificate is signed by an authority that the client's system does not know, tell the
command line:

```hcl
# ~/.gofer.hcl
host    = "https://localhost:8080"
ca_file = "~/gofer-ca.pem"
```

On which addresses the server may listen, by which names it may be called, and how it works behind a reverse proxy:
[Security](security.md#addresses).

## Settings
"""


def page() -> str:
    """The whole page."""
    blocks: dict[str, list[Setting]] = {}
    for setting in table(Settings):
        blocks.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    return _INTRODUCTION + "".join(_block(key, rows) for key, rows in blocks.items())


def _block(key: str, rows: list[Setting]) -> str:
    title = f"\n### Block `{key}`\n" if key else ""
    lines = [title, "| setting | type | default | reload | |", "|---|---|---|---|---|"]
    lines += [f"| `{row.key}` | {_type(row)} | {_default(row)} | {_reload(row)} | {row.help} |" for row in rows]
    return "\n".join(lines) + "\n"


def _reload(row: Setting) -> str:
    return "yes" if row.reloadable else ""


def _type(row: Setting) -> str:
    return " or ".join(f"`{choice}`" for choice in row.choices) or row.type


def _default(row: Setting) -> str:
    if row.default is None:
        return ""
    if row.type == "boolean":
        return "`true`" if row.default else "`false`"
    if row.type in ("duration", "size"):
        return f"`{simple(row, row.default)}`"
    if row.type == "list":
        return "`[]`"
    return f"`{row.default}`" if row.default != "" else "empty"


if __name__ == "__main__":
    print(page(), end="")
