"""`gofer trigger check`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import paint, plain
from gofer.models.units import parse_duration

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer_sdk.conformance.life import Outside
    from gofer_sdk.conformance.program import Program
    from gofer_sdk.conformance.step import Step
    from gofer_sdk.conformance.suite import Report

_LOOKS = {"ok": "green", "failed": "red"}
_SHOWN_LINES = 20


class _Check(Command):
    """What stands behind `--` is a command, and none of it an option of this one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta["command"] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)


def _pairs(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    for one in given:
        if not one.partition("=")[1] or one.startswith("="):
            raise click.BadParameter(f'expected NAME=VALUE, such as every=1h, got "{one}"')
    return {name: value for name, _, value in (one.partition("=") for one in given)}


def _seconds(_ctx: click.Context, _param: click.Parameter, given: str) -> float:
    try:
        return parse_duration(given) / 1000
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    "check",
    cls=_Check,
    examples=[
        "gofer trigger check builtin:cron --subscription 'expression=* * * * *'",
        "gofer trigger check registry.example.org/watcher:1 --set token=x --subscription path=/srv",
        "gofer trigger check --subscription every=1s -- node trigger.js",
        "gofer trigger check builtin:webhook --set allow_unauthenticated=true --subscription verify=none "
        "--event-query to=default/checked/subscription-1",
    ],
)
@pass_invocation
@click.argument("image", required=False, metavar="IMAGE | builtin:NAME | -- COMMAND...")
@click.option("--set", "settings", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A setting of it.")
@click.option(
    "--subscription",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="A setting of the subscriptions that it is tried with.",
)
@click.option("--event-query", default="", metavar="TEXT", help="Of the external event that has an event come.")
@click.option("--event-header", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A header of it.")
@click.option("--event-body", type=click.File("rb"), metavar="FILE", help="The body of it, {} by default.")
@click.option(
    "--fire-within",
    default="10s",
    show_default=True,
    callback=_seconds,
    metavar="DURATION",
    help="How long to wait for an event; what needs one is not tried without.",
)
@click.option(
    "--start-within",
    default="30s",
    show_default=True,
    callback=_seconds,
    metavar="DURATION",
    help="How long it may take from its start to its connection.",
)
def check(
    invocation: Invocation,
    image: str | None,
    settings: dict[str, str],
    subscription: dict[str, str],
    fire_within: float,
    start_within: float,
    event_query: str,
    event_header: dict[str, str],
    event_body: BinaryIO | None,
) -> int:
    """Try a trigger, in any language, against the trigger protocol.

    Starts it several times, as a child process or with `docker run`, plays Gofer's side of docs/trigger-protocol.md,
    and says of each thing whether it is right. Needs no server. The exit code is 1 if something is wrong.

    It is tried with two subscriptions, default/checked/subscription-1 and default/checked/subscription-2.
    """
    from gofer_sdk.conformance.life import Given

    program = _program(image, click.get_current_context().meta.get("command"))
    given = Given(
        settings=settings,
        subscription=subscription,
        outside=_outside(event_query, event_header, event_body),
        fire_within=fire_within,
        start_within=start_within,
    )
    output = invocation.output
    report = _tried(program, given, output)
    if output.format == "json":
        output.document({"passed": report.passed, "steps": report.steps, "output": report.output})
    elif output.format == "pretty":
        _summary(output, report)
    return ExitCode.OK if report.passed else ExitCode.OUTCOME_BAD


def _outside(query: str, headers: dict[str, str], file: BinaryIO | None) -> Outside:
    from gofer_sdk.conformance.life import Outside

    body = file.read() if file is not None else b"{}"
    return Outside(query=query, headers=tuple(headers.items()), body=body)


def _program(image: str | None, command: list[str] | None) -> Program:
    from gofer_sdk.conformance.program import Command as OwnCommand
    from gofer_sdk.conformance.program import Image

    if (image is None) == (not command):
        raise click.UsageError("Expected an image, builtin:NAME, or a command behind --, and one of them alone.")
    if command:
        return OwnCommand(command)
    assert image is not None
    return _built_in(image.removeprefix("builtin:")) if image.startswith("builtin:") else Image(image)


def _built_in(name: str) -> Program:
    import sys

    from gofer.frozen import is_frozen
    from gofer.models.built_in import BUILT_INS
    from gofer_sdk.conformance.program import Command as OwnCommand

    name = name.removeprefix("trigger/")
    if name not in BUILT_INS["trigger"]:
        raise click.UsageError(f'There is no built-in trigger "{name}". There are: {", ".join(BUILT_INS["trigger"])}.')
    words = ["builtin", "trigger", name]
    if is_frozen():
        from gofer.frozen.process import again

        return OwnCommand(*again(words))
    return OwnCommand([sys.executable, "-P", "-m", "gofer", *words])


def _tried(program: Program, given: Any, output: Output) -> Report:
    import asyncio

    from gofer_sdk.conformance.program import CannotStart
    from gofer_sdk.conformance.settings import MissingSettings, WrongSetting
    from gofer_sdk.conformance.suite import check as try_all

    def told(step: Step) -> None:
        if output.format == "pretty":
            print("\n".join(_lines(output, step)), flush=True)

    try:
        return asyncio.run(try_all(program, given, told))
    except CannotStart as error:
        raise CommandError(str(error), exit_code=ExitCode.USAGE) from None
    except WrongSetting as error:
        raise CommandError(str(error), exit_code=ExitCode.USAGE) from None
    except MissingSettings as error:
        options = [f"--set {name}=…" for name in error.settings]
        options += [f"--subscription {name}=…" for name in error.subscription]
        message = "The trigger cannot be tried without settings that it requires."
        raise CommandError(message, f"Add {' '.join(options)}", exit_code=ExitCode.USAGE) from None


def _lines(output: Output, step: Step) -> list[str]:
    label = f"{'FAILED' if step.outcome == 'failed' else step.outcome:<11}"
    label = paint(label, _LOOKS.get(step.outcome, "dim")) if output.color else label
    lines = [f"{label}  {plain(step.name)}"]
    if step.outcome == "not tried":
        lines.append(f"             {plain(step.came)}")
    elif step.outcome == "failed":
        lines += [
            f"             expected  {plain(step.expected)}",
            f"             came      {plain(step.came)}",
            f'             see       docs/trigger-protocol.md, "{step.section}"',
        ]
    return lines


def _summary(output: Output, report: Report) -> None:
    counts: dict[str, int] = {}
    for step in report.steps:
        counts[step.outcome] = counts.get(step.outcome, 0) + 1
    print(f"\n{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
    if not report.passed and report.output:
        print(f"\nThe last lines of the program ({min(len(report.output), _SHOWN_LINES)}):")
        for line in report.output[-_SHOWN_LINES:]:
            print(f"  {plain(line)}")
