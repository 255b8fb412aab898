"""`gofer completion`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "completion",
    cls=Command,
    examples=[
        'eval "$(gofer completion bash)"                                    # in ~/.bashrc',
        'eval "$(gofer completion zsh)"                                     # in ~/.zshrc',
        "gofer completion fish > ~/.config/fish/completions/gofer.fish",
    ],
)
@pass_invocation
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(invocation: Invocation, shell: str) -> None:
    """Print the script that completes gofer's commands in your shell.

    Ids of pipelines and tasks are completed too, where the server answers at once.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from gofer.cli.app import root

    kinds = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    complete = kinds[shell](root(), {}, "gofer", "_GOFER_COMPLETE")
    # Not `source()`: for bash it runs the shell that is on the PATH to ask for its version.
    script = complete.source_template % complete.source_vars()
    invocation.output.show({"shell": shell, "script": script}, lambda: [script.strip()])
