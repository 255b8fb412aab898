"""Task: one node of a pipeline."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from gofer_sdk import artifacts, bounds, checks
from gofer_sdk.errors import PipelineError, mistake
from gofer_sdk.images import image as checked_image
from gofer_sdk.node import Node, Scalar, scalar
from gofer_sdk.references import checked as replaceable
from gofer_sdk.references import is_secret, references

PullPolicy = Literal["always", "if_not_present", "never"]
Level = Literal["run", "pipeline"]

_PULL_POLICIES = ("always", "if_not_present", "never")
_LEVELS = ("run", "pipeline")


class Task(Node):
    """A container that runs once in each run of its pipeline: `Task("dump", "postgres:16").command("pg_dump", "shop")`.

    A task is a value. Each method returns a new task; `depends_on`, `variable`, `variables`, `input`, `output`,
    `cache`, `matrix` and `mount` add to what is there, all others replace it. Every method raises PipelineError for a
    value that cannot be.
    """

    __slots__ = ()
    _order = (
        *("id", "image", "description", "pull", "registry", "entrypoint", "command", "script"),
        *("working_directory", "user", "variables", "inputs", "outputs", "caches", "depends_on"),
        *("matrix", "retries", "timeout", "stop_timeout"),
        *("allow_failure", "limits", "network", "mounts", "privileged", "inject_api_token"),
    )

    def __init__(self, id: str, image: str) -> None:  # noqa: A002  # `Task(id=…)` is what its author would write
        """`id` is unique in the pipeline; `image` is what the container engine runs."""
        checked = checks.identifier("Task()", id, "the id of a task")
        super().__init__({"id": checked, "image": checked_image(f'Task "{checked}"', image)})

    @property
    def image(self) -> str:
        """The image it was given."""
        return str(self._parts["image"])

    def with_image(self, image: str) -> Self:
        """The same task on another image."""
        return self._with(image=checked_image(self._where("with_image"), image))

    def command(self, *words: str) -> Self:
        """The program and its arguments, word by word; no shell reads them. Instead of `script`."""
        self._refuse_both("command", "script")
        fix = 'Write .command("echo", "hello"), or .script("echo hello") for a shell.'
        return self._with(command=_words(self._where("command"), words, fix))

    def script(self, script: str) -> Self:
        """Lines for `/bin/sh -e -c`, which stops at the first command that fails. Instead of `command`.

        Common indentation and empty lines at both ends are removed, so that a text in triple quotes may be indented.
        A parameter is its variable there, `"$name"`; `param("name")` is refused.
        """
        self._refuse_both("script", "command")
        self._refuse_both("script", "entrypoint")
        fix = 'Write .script("echo hello").'
        where = self._where("script")
        lines = _dedented(checks.text(where, script, "a script", fix))
        return self._with(script=replaceable(where, checks.content(where, lines, "a script", fix), script=True))

    def entrypoint(self, *words: str) -> Self:
        """Instead of the image's own entrypoint."""
        self._refuse_both("entrypoint", "script")
        fix = 'Write .entrypoint("/bin/tool").'
        return self._with(entrypoint=_words(self._where("entrypoint"), words, fix))

    def working_directory(self, path: str) -> Self:
        """The absolute path that the command begins in."""
        where = self._where("working_directory")
        fix = 'Write .working_directory("/data").'
        checked = replaceable(where, checks.text(where, path, "a path", fix))
        if not references(checked):
            checks.path(where, checked, "a path", fix)
        return self._with(working_directory=checked)

    def user(self, user: str) -> Self:
        """Who the command runs as, by name or number: `"postgres"`, `"1000"`, `"1000:1000"`."""
        where = self._where("user")
        fix = 'Write .user("postgres") or .user("1000:1000").'
        checked = replaceable(where, checks.text(where, user, "a user", fix))
        if not references(checked):
            what = "a user, by name or number"
            checks.matching(where, checked, what, fix, pattern=bounds.USER_PATTERN, most=bounds.MAX_USER)
        return self._with(user=checked)

    def registry(self, user: str, *, password_secret: str) -> Self:
        """Credentials for the image's registry: the user, and the key of the secret that holds the password.

        A key is that of the pipeline's own secret; `global_secret("key")` stands for a global one.
        """
        where = self._where("registry")
        fix = 'Write .registry("robot", password_secret="registry-password").'
        name = replaceable(where, checks.line(where, user, "a user", fix, most=bounds.MAX_USER), variable=True)
        if not is_secret(password_secret):
            what = "password_secret, the key of a secret and not the password itself"
            checks.identifier(where, password_secret, what)
        return self._with(registry={"user": name, "password_secret": password_secret})

    def pull(self, policy: PullPolicy) -> Self:
        """When the image is pulled: `always`, `if_not_present` (where this is not said) or `never`."""
        return self._with(pull=checks.one_of(self._where("pull"), policy, _PULL_POLICIES, 'Write .pull("always").'))

    def variable(self, name: str, value: Scalar) -> Self:
        """One environment variable. `param("name")` and `matrix("key")` may stand anywhere in the value."""
        return self._with(variables=self._variables(self._where("variable"), {name: value}))

    def variables(self, variables: Mapping[str, Scalar]) -> Self:
        """Several environment variables at once."""
        where = self._where("variables")
        if not isinstance(variables, Mapping):
            raise mistake(where, "names and their values", variables, 'Write .variables({"NAME": "value"}).')
        return self._with(variables=self._variables(where, variables))

    def input(self, key: str, path: str, *, level: Level = "run") -> Self:
        """Place the object `key` at `path` before the container starts; one that is a tar becomes a folder there.

        `level` says whose object it is: the run's or the pipeline's. `param("name")` and `matrix("key")` may stand
        in `key` and `path`. A path is absolute, or below the working directory.
        """
        where = self._where("input")
        fix = 'Write .input("report", "in/report.html").'
        given = {"key": artifacts.key(where, key, fix), "path": artifacts.path(where, path, fix)}
        given["level"] = checks.one_of(where, level, _LEVELS, 'Write level="pipeline".')
        inputs = [*self._parts.get("inputs", ()), given]
        checks.few(where, inputs, bounds.MAX_ARTIFACTS, "inputs")
        checks.distinct(where, (each["path"].rstrip("/") for each in inputs), "the list of paths")
        return self._with(inputs=inputs)

    def output(self, key: str, path: str) -> Self:
        """Keep what the container has left at `path` when it ends, a file or a folder, as the run's object `key`.

        Also of a failed task. `param("name")` and `matrix("key")` may stand in `key` and `path`. A path is absolute, or
        below the working directory.
        """
        where = self._where("output")
        fix = 'Write .output("report", "out/report.html").'
        given = {"key": artifacts.key(where, key, fix), "path": artifacts.path(where, path, fix)}
        outputs = [*self._parts.get("outputs", ()), given]
        checks.few(where, outputs, bounds.MAX_ARTIFACTS, "outputs")
        checks.distinct(where, (each["key"] for each in outputs), "the list of keys")
        return self._with(outputs=outputs)

    def cache(self, key: str, paths: str | Sequence[str]) -> Self:
        """Keep `paths` from run to run, as the pipeline's object `key`: restored before the start, saved after success.

        `param("name")` and `matrix("key")` may stand in all of them.
        """
        where = self._where("cache")
        fix = 'Write .cache("pip", [".cache/pip"]).'
        kept = [artifacts.path(where, path, fix) for path in artifacts.listed(where, paths, fix)]
        checks.few(where, kept, bounds.MAX_CACHE_PATHS, "paths")
        checks.distinct(where, (path.rstrip("/") for path in kept), "the list of paths")
        caches = [*self._parts.get("caches", ()), {"key": artifacts.key(where, key, fix), "paths": kept}]
        checks.few(where, caches, bounds.MAX_ARTIFACTS, "caches")
        checks.distinct(where, (each["key"] for each in caches), "the list of keys")
        return self._with(caches=caches)

    def limits(self, *, cpu: float | None = None, memory: str | None = None) -> Self:
        """At most `cpu` cores (0.5 is half of one) and `memory` (`"512MB"`); without one there is no such limit."""
        where = self._where("limits")
        limits: dict[str, Any] = {}
        if cpu is not None:
            fix = "Write cpu=0.5 for half a core."
            limits["cpu"] = checks.number(where, cpu, "cpu", fix, least=bounds.MIN_CPU, most=bounds.MAX_CPU)
        if memory is not None:
            least, most = bounds.MIN_MEMORY, bounds.MAX_MEMORY
            limits["memory"] = checks.size(where, memory, 'memory="512MB"', least=least, most=most)
        if not limits:
            raise PipelineError(
                f'{where}: expected cpu, memory or both, got none. Write .limits(cpu=1, memory="512MB").'
            )
        return self._with(limits=limits)

    def network(self, network: str) -> Self:
        """The engine's network to join. Refused by a server whose configuration does not allow it."""
        where = self._where("network")
        what, fix = "the name of a network", 'Write .network("none").'
        pattern, most = bounds.NETWORK_PATTERN, bounds.MAX_NETWORK
        return self._with(network=checks.matching(where, network, what, fix, pattern=pattern, most=most))

    def mount(self, source: str, target: str, *, read_only: bool = True) -> Self:
        """A folder of the engine's host at `target`. Refused by a server whose configuration does not allow it."""
        where = self._where("mount")
        mount = {
            "source": _mounted(where, source, "source"),
            "target": _mounted(where, target, "target"),
            "read_only": checks.boolean(where, read_only, "Write read_only=False."),
        }
        mounts = [*self._parts.get("mounts", ()), mount]
        checks.few(where, mounts, bounds.MAX_MOUNTS, "mounts")
        checks.distinct(where, (each["target"].rstrip("/") for each in mounts), "the list of targets")
        return self._with(mounts=mounts)

    def privileged(self, privileged: bool = True) -> Self:
        """All rights on the host. Refused by a server whose configuration does not allow it."""
        where = self._where("privileged")
        return self._with(privileged=checks.boolean(where, privileged, "Write .privileged()."))

    def inject_api_token(self, inject: bool = True) -> Self:
        """Give it GOFER_API_TOKEN and a way to Gofer's API, for its own namespace: see `gofer_sdk.client`."""
        where = self._where("inject_api_token")
        return self._with(inject_api_token=checks.boolean(where, inject, "Write .inject_api_token()."))

    def _refuse_both(self, method: str, other: str) -> None:
        if other in self._parts:
            raise PipelineError(
                f"{self._where(method)}: the task has .{other}(…) already, and takes only one of the two. Remove one."
            )

    def _variables(self, where: str, added: Mapping[str, Scalar]) -> dict[str, str]:
        """The variables that it has and those added, checked."""
        variables = dict(self._parts.get("variables", {}))
        for name, value in added.items():
            checked = checks.own_variable_name(where, name, "the name of a variable")
            variables[checked] = replaceable(where, scalar(where, value, checked), variable=True)
        checks.few(where, variables, bounds.MAX_VARIABLES, "variables")
        return variables


def _words(where: str, words: Sequence[object], fix: str) -> list[str]:
    """The words of a command line: at least one."""
    if not words:
        raise PipelineError(f"{where}: expected at least one word, got none. {fix}")
    if len(words) == 1 and isinstance(words[0], list | tuple):
        raise mistake(where, "words one by one", words[0], "Put a star before the list, as in .command(*words).")
    checks.few(where, words, bounds.MAX_ARGUMENTS, "words")
    return [replaceable(where, checks.content(where, word, "a word", fix)) for word in words]


def _mounted(where: str, path: object, what: str) -> str:
    fix = 'Write .mount("/srv/data", "/data").'
    checked = checks.path(where, path, what, fix)
    if ":" in checked or (what == "target" and not checked.rstrip("/")):
        raise mistake(where, f"{what} without a colon, which engines read as a separator, and not the root", path, fix)
    return checked


def _dedented(script: str) -> str:
    lines = textwrap.dedent(script).split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    return "\n".join(lines)
