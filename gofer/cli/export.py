"""`gofer pipeline export` and `gofer pipeline import`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import pipeline_argument
from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import plain
from gofer.client import paths
from gofer.client.answers import decode
from gofer.errors import ClientError, TooLarge
from gofer.models.export import Imported

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output

_JSON = "application/json"
_MOST_BYTES = 256 * 1024 * 1024  # so that a wrong file is not read whole; the server's own limit is below that
_FEWER = "Export fewer versions: gofer pipeline export ID FILE --versions 10."


@click.command(
    "export",
    cls=Command,
    examples=[
        "gofer pipeline export nightly nightly.json",
        "gofer pipeline export nightly > nightly.json",
        "gofer pipeline export nightly nightly.json --versions 10 --force",
    ],
)
@pass_invocation
@pipeline_argument
@click.argument("file", metavar="[FILE]", default="-", type=click.Path(allow_dash=True))
@click.option("--versions", type=click.IntRange(1), metavar="N", help="Only the N newest versions, and the live one.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export(invocation: Invocation, pipeline: str, file: str, versions: int | None, force: bool) -> None:
    """Write a pipeline as one document.

    It is JSON, for `gofer pipeline import`, and goes to FILE, or - for stdout: all versions with their notes, which one
    is live, whether the pipeline is enabled, what is paused, frozen or deprecated, and the subscriptions that were
    added. No secret is in it: references to them stay as they were written. Neither are its runs and objects.
    """
    import msgspec

    from gofer.cli.output import write

    path = paths.export(invocation.namespace, pipeline)
    document = msgspec.json.format(invocation.client.text(path, {"versions": versions}).encode(), indent=2) + b"\n"
    if file == "-":
        write(document)
        return
    from gofer.cli.new_file import NewFile

    with NewFile("export", Path(file), 0o666, force).writing() as out:
        out.write(document)
    answer = {"pipeline": pipeline, "file": file, "bytes": len(document)}
    invocation.output.show(answer, lambda: [f"pipeline {pipeline} exported to {plain(file)}"])
    invocation.output.note(f"Import it into another server: gofer pipeline import {file} --host ADDRESS")


@click.command(
    "import",
    cls=Command,
    examples=[
        "gofer pipeline import nightly.json",
        "gofer pipeline import nightly.json --no-deploy --namespace team",
        "gofer pipeline export nightly | gofer pipeline import - --host other:8080",
    ],
)
@pass_invocation
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--no-deploy", is_flag=True, help="Let no version go live: that is for `gofer pipeline deploy`.")
@click.option("--force", is_flag=True, help="Abort a deployment of the pipeline that is under way.")
def import_(invocation: Invocation, file: str, no_deploy: bool, force: bool) -> None:
    """Take over a pipeline that was exported.

    FILE is what `gofer pipeline export` has written; - is stdin. A pipeline that the namespace does not have is made
    just as it was: versions with their numbers, notes, who and when. One that it has gets the versions that it lacks as
    new ones, and keeps what is its own. The version that was live goes live.
    """
    body = _read(file)
    target, query = paths.import_(invocation.namespace), {"deploy": not no_deploy, "force": force}
    try:
        answer = invocation.client.send_bytes(target, body, _JSON, query)
    except ClientError as error:
        if error.problem_status == TooLarge.status:
            error.hint = f"{_FEWER} Or have the server's setting server.max_body_bytes raised."
        raise
    imported = decode(answer, Imported, invocation.client.address)
    output = invocation.output
    for warning in imported.warnings:
        output.warn(warning)
    output.show(imported, lambda: _described(output, imported))
    if not imported.pipeline.version:
        output.note(f"No version of it is live yet: gofer pipeline deploy {imported.pipeline.id}")


def _read(file: str) -> bytes:
    try:
        if file == "-":
            found = sys.stdin.buffer.read(_MOST_BYTES + 1) if sys.stdin is not None else b""
        else:
            with Path(file).open("rb") as opened:
                found = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        hint = "Name a file that `gofer pipeline export` has written, or - for stdin."
        message = f"{plain(file)} cannot be read: {error.strerror}"
        raise CommandError(message, hint, exit_code=ExitCode.USAGE) from None
    if len(found) > _MOST_BYTES:
        raise CommandError(f"{plain(file)} is too large for an export", _FEWER, exit_code=ExitCode.USAGE)
    return found


def _described(output: Output, imported: Imported) -> Iterable[str]:
    pipeline, new = imported.pipeline, sum(one.created for one in imported.versions)
    live = f"version {pipeline.version} is live" if pipeline.version else "none is live"
    if imported.created:
        count = "1 version" if new == 1 else f"{new} versions"
        return [f"pipeline {pipeline.id} created with {count}; {live}"]
    if not new and not imported.deployed:
        return [f"pipeline {pipeline.id} unchanged: it has all of that already; {live}"]
    rows = [
        [str(one.exported), str(one.version), "new" if one.created else "was there already"]
        for one in imported.versions
    ]
    changed = f"pipeline {pipeline.id} updated, {new} of {len(rows)} versions are new; {live}"
    return [changed, *output.table(("EXPORTED", "HERE", ""), rows)]
