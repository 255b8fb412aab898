"""docs/cli.md: written from what the commands say of themselves. `python -m gofer.cli.reference > docs/cli.md`"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from gofer.cli.app import root
from gofer.cli.base import Command, GlobalOption
from gofer.cli.exit_codes import MEANINGS
from gofer.cli.follow.follower import MOST_LOGS
from gofer.config.client import ClientSettings
from gofer.config.table import table

_WIDTH = 100

_INTRODUCTION = """\
# The command line

`gofer` is one program: `gofer service start` is the server, every other command a client of its API (`gofer local run`
brings a server of its own for as long as the run takes). This page is generated from the commands' own help; a test
keeps the two in step.

## Where settings come from

Options beat environment variables, which beat the file: the one that `--config` or `GOFER_CLI_CONFIG` names, else the
first of `~/.gofer.hcl` and `~/.config/gofer.hcl` that exists. The file holds the same names:

```hcl
host      = "localhost:8080"
namespace = "team-a"
```

The global options may stand before or after the command: `gofer --format json run list` and
`gofer run list --format json` are the same.
"""

_FORMATS = """\
## Output

What was asked for goes to stdout; remarks, warnings and errors go to stderr. An error is `error: …`, a line for each
problem with its place, and `hint: …` with what to do next.

- `--format pretty`: for people. Colours on a terminal only, and not with `--no-color`, `NO_COLOR` or `TERM=dumb`.
- `--format json`: exactly one JSON document, the API's own answer; JSON lines where the command streams (`run follow`
  and everything with `--follow`, `event follow`, `taskrun logs`). Times are milliseconds since the Unix epoch.
- `--format silent`: nothing on stdout; the exit code says it.

Lists print their first page and say on stderr how to get more: `--limit N`, `--cursor TEXT`, `--all`.

What containers print and what people call things reaches a terminal without control sequences: cursor movements, title
changes, links and the like are removed, and only colours are left (none with `--no-color`). Into a file or pipe
`taskrun logs` writes the very bytes of the log.
"""

_FOLLOWING = f"""\
## Following a run

`run follow`, and `--follow` of `run start`, `run retry` and `pipeline run`, show a run from its beginning, whenever
they are called: on a terminal the tasks with their state below and the log lines of all tasks above, elsewhere plain
lines. The logs of {MOST_LOGS} task runs are open at once; those of more wait for their turn and are then shown from
their first line, so that no line is left out. A line longer than 64 KiB is cut; `taskrun logs` has all of it.

A token has to allow `runs:read`, `events:read` and `logs:read` for it. What ends it, such as a token that is disabled
meanwhile, does not end the run.

When the connection is lost, the follower says so and tries again for `--reconnect-timeout` seconds (60), then goes on
after the last event and the last line that it has. Ctrl-C stops only the following; the run goes on.

With `--format json` each line has a `type`: `run` (first as the run is found, last as it ended), `event` (see
docs/events.md), `log` (`task`, `attempt`, `number`, `time`, `stream`, `text`) and `remark` (about the following
itself). The lines of `taskrun logs --format json` have `number`, `time`, `stream`, `text` and `partial`: true where a
line has no end yet; with -f the next item of the same number goes on with it.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_INTRODUCTION, *_settings(), _FORMATS, *_exit_codes(), _FOLLOWING, *_commands()]) + "\n"


def _settings() -> Iterator[str]:
    yield "| setting | option | environment | default | what it is |"
    yield "|---|---|---|---|---|"
    for row in table(ClientSettings):
        option = "" if row.secret else f"`--{row.key.replace('_', '-')}`"
        default = f"`{str(row.default).lower() if isinstance(row.default, bool) else row.default}`"
        shown = default if row.default != "" else ""
        yield f"| `{row.key}` | {option} | `GOFER_CLI_{row.key.upper()}` | {shown} | {row.help} |"
    yield ""
    yield "A token is never an option: other users of a machine see the options of its processes."
    yield ""


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes"
    yield ""
    yield "| code | meaning |"
    yield "|---|---|"
    for code, meaning in MEANINGS.items():
        yield f"| {int(code)} | {meaning} |"
    yield ""
    yield "`taskrun attach` ends with the exit code of the command that it ran."
    yield ""


def _commands() -> Iterator[str]:
    group = root()
    context = click.Context(group, info_name="gofer")
    yield "## Commands"
    yield ""
    for path, command, inner in walk(group, context):
        if isinstance(command, click.Group):
            yield f"### {path}\n\n{_prose(command)}\n"
        else:
            yield from _command(path, command, inner)


def walk(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command below `group`, with how it is called and a context of it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from walk(command, inner)


def _command(path: str, command: click.Command, context: click.Context) -> Iterator[str]:
    formatter = click.HelpFormatter(width=_WIDTH)
    command.format_usage(context, formatter)
    usage = formatter.getvalue().removeprefix("Usage: ").strip()
    yield f"#### {path}\n"
    yield f"```\n{usage}\n```\n"
    yield f"{_prose(command)}\n"
    options = [record for param in command.get_params(context) if (record := _option(param, context))]
    if options:
        yield "\n".join(f"- `{names}`: {text}" for names, text in options) + "\n"
    if isinstance(command, Command) and command.examples:
        yield "```\n" + "\n".join(command.examples) + "\n```\n"


def _prose(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "")


def _option(param: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    if not isinstance(param, click.Option) or isinstance(param, GlobalOption) or "--help" in param.opts:
        return None
    return param.get_help_record(context)


if __name__ == "__main__":
    print(reference(), end="")
