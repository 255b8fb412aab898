"""gofer(1): the manual page, written from what the commands say of themselves. `python -m gofer.cli.manual`"""

from __future__ import annotations

from collections.abc import Iterator

import click

from gofer import __version__
from gofer.cli.app import root
from gofer.cli.exit_codes import MEANINGS
from gofer.cli.reference import walk

_FILES = {
    "/etc/gofer/gofer.hcl": "The server's configuration. `gofer service init-config` writes one with every setting.",
    "/etc/default/gofer": "Environment of the service, such as GOFER_LOG_LEVEL=debug.",
    "/etc/credstore/gofer.encryption-key": "The key of the secret store, handed to the service by systemd.",
    "/var/lib/gofer": "The service's database and what else it must keep.",
    "/var/log/gofer": "The logs of task runs.",
    "~/.gofer.hcl": "Settings of the command line.",
}


def manual() -> str:
    """The whole page, in the macros of man(7)."""
    return "\n".join([*_head(), *_commands(), *_files(), *_exit_codes(), *_end()]) + "\n"


def _head() -> Iterator[str]:
    yield f'.TH GOFER 1 "" "gofer {__version__}" "User Commands"'
    yield ".SH NAME"
    yield "gofer \\- run short\\-lived container jobs as pipelines"
    yield ".SH SYNOPSIS"
    yield ".B gofer"
    yield "[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]..."
    yield ".SH DESCRIPTION"
    yield "One program that is server and command line.  A pipeline is a directed acyclic graph of containers;"
    yield "Gofer decides what runs and when, a container engine decides how."
    yield ".B gofer service start"
    yield "is the server, every other command a client of its API."
    yield "Each command explains itself with"
    yield ".BR \\-\\-help ."


def _commands() -> Iterator[str]:
    yield ".SH COMMANDS"
    group = root()
    for path, command, _ in walk(group, click.Context(group, info_name="gofer")):
        if isinstance(command, click.Group):
            continue
        yield ".TP"
        yield f".B {_text(path.removeprefix('gofer '))}"
        yield _text(command.get_short_help_str(200))


def _files() -> Iterator[str]:
    yield ".SH FILES"
    for path, about in _FILES.items():
        yield ".TP"
        yield f".I {_text(path)}"
        yield _text(about)


def _exit_codes() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield ".TP"
        yield f".B {int(code)}"
        yield _text(meaning)


def _end() -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield ".BR systemctl (1),"
    yield ".BR journalctl (1),"
    yield ".BR docker (1)"


def _text(text: str) -> str:
    """Text as roff takes it literally, beyond ASCII as its own characters."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("`", "'")
    safe = "".join(one if ord(one) < 128 else f"\\[u{ord(one):04X}]" for one in safe)
    return f"\\&{safe}" if safe[:1] in (".", "'") else safe


if __name__ == "__main__":
    print(manual(), end="")
