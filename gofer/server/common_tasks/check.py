"""What a common task may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from gofer.errors import InvalidInput, Problem
from gofer.models.built_in import BUILT_INS, SCHEME, BuiltIn, BuiltInKind
from gofer.models.common_task import CommonTask
from gofer.models.ids import ID_HINT, is_id, is_variable_name, shown
from gofer.models.manifest import Registry
from gofer.server.pipelines import bounds
from gofer.server.pipelines.images import image_hint, is_image
from gofer.server.pipelines.interpolation import Malformed, Reference, parse

KIND: Final[BuiltInKind] = "common-task"
MAX_NAMESPACES: Final = 200
_PATTERN = re.compile(r"[A-Za-z0-9_*-]{1,64}\Z")
_LOOKS_SECRET = re.compile(r"(?i)(token|secret|passw|credential|api_?key|private_?key|webhook_url)")


def normal_image(image: str) -> str:
    """`builtin:NAME` as it is stored: `builtin:common-task/NAME`."""
    if image.startswith(SCHEME) and "/" not in image:
        return BuiltIn(KIND, image.removeprefix(SCHEME)).image
    return image


def normal_registry(registry: Registry | None) -> Registry | None:
    """A mere key is that of a global secret, as a common task has none of its own."""
    if registry is None or not is_id(registry.password_secret):
        return registry
    return Registry(user=registry.user, password_secret=f"global_secret{{{{{registry.password_secret}}}}}")


def require_valid(task: CommonTask) -> None:
    """Raises InvalidInput with all that is wrong."""
    problems = list(_problems(task))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InvalidInput(f"The common task {shown(task.id)} has {count}", "Mend what is listed.", problems)


def secrets_of(task: CommonTask) -> list[str]:
    """The keys of the global secrets that it uses, each once."""
    texts = [*task.variables.values(), *([task.registry.password_secret] if task.registry else [])]
    found = {part.key: None for text in texts for part in parse(text) if isinstance(part, Reference)}
    return list(found)


def doubts(task: CommonTask) -> Iterator[str]:
    """What is allowed and looks like a mistake, as sentences."""
    for name, value in sorted(task.variables.items()):
        if _LOOKS_SECRET.search(name) and not any(isinstance(part, Reference) for part in parse(value)):
            yield (
                f"{name} looks like a secret, and its value is stored as it is and not hidden from logs: "
                f"gofer secret put KEY --global, then --set {name}=global_secret{{{{KEY}}}}."
            )


def _problems(task: CommonTask) -> Iterator[Problem]:
    if not is_id(task.id):
        yield Problem(place="id", message=f"{shown(task.id)} is not a valid id of a common task", hint=ID_HINT)
    if len(task.description) > bounds.MAX_DESCRIPTION:
        yield Problem(place="description", message=f"has more than {bounds.MAX_DESCRIPTION} characters")
    yield from _image(task)
    for place, words in (("entrypoint", task.entrypoint), ("command", task.command)):
        for i, word in enumerate(words or ()):
            if "\0" in word or len(word.encode(errors="replace")) > bounds.MAX_VALUE_BYTES:
                yield Problem(place=f"{place}[{i}]", message="has a NUL character, or too many bytes")
    yield from _variables(task)
    yield from _registry(task)
    yield from _namespaces(task.namespaces)


def _image(task: CommonTask) -> Iterator[Problem]:
    if not task.image.startswith(SCHEME):
        if not is_image(task.image):
            message = f"{shown(task.image)} is not the name of an image"
            yield Problem(place="image", message=message, hint=image_hint(task.image))
        return
    known = [BuiltIn(KIND, name).image for name in BUILT_INS[KIND]]
    if task.image not in known:
        names = ", ".join(f"{SCHEME}{name}" for name in BUILT_INS[KIND])
        message = f"there is no built-in common task {shown(task.image)}"
        yield Problem(place="image", message=message, hint=f"There are: {names}.")
    for place in ("entrypoint", "command", "registry"):
        if getattr(task, place) is not None:
            yield Problem(place=place, message="does not go with a built-in", hint="Leave it out.")


def _variables(task: CommonTask) -> Iterator[Problem]:
    if len(task.variables) > bounds.MAX_VARIABLES:
        yield Problem(place="variables", message=f"has more than {bounds.MAX_VARIABLES}")
    for name, value in task.variables.items():
        place = f"variables.{shown(name, 40).strip(chr(34))}"
        if not is_variable_name(name):
            hint = "Use letters, digits and '_', and do not begin with a digit."
            yield Problem(place=place, message="is not the name of an environment variable", hint=hint)
        elif name.upper().startswith(bounds.RESERVED_PREFIX):
            hint = "Choose another name: Gofer itself sets those."
            yield Problem(place=place, message=f"begins with {bounds.RESERVED_PREFIX}", hint=hint)
        yield from _text(place, value)


def _text(place: str, value: str) -> Iterator[Problem]:
    if "\0" in value or len(value.encode(errors="replace")) > bounds.MAX_VALUE_BYTES:
        yield Problem(place=place, message=f"has a NUL character, or more than {bounds.MAX_VALUE_BYTES} bytes")
    hint = "Only global_secret{{key}} is replaced here: a common task knows no pipeline."
    for part in parse(value):
        if isinstance(part, Malformed):
            yield Problem(place=place, message=part.problem, hint=hint)
        elif isinstance(part, Reference) and part.kind != "global_secret":
            yield Problem(place=place, message=f"{part} would not be replaced", hint=hint)


def _registry(task: CommonTask) -> Iterator[Problem]:
    if task.registry is None:
        return
    if not task.registry.user:
        yield Problem(place="registry.user", message="is empty", hint="Write the name that you log in with.")
    parts = list(parse(task.registry.password_secret))
    if len(parts) != 1 or not isinstance(parts[0], Reference) or parts[0].kind != "global_secret":
        message = "is not the key of a global secret"
        hint = f"Never put the password itself here. {ID_HINT}"
        yield Problem(place="registry.password_secret", message=message, hint=hint)


def _namespaces(namespaces: Sequence[str]) -> Iterator[Problem]:
    hint = 'Name ids of namespaces, or patterns in which "*" stands for any characters; "*" alone is all of them.'
    if not namespaces:
        yield Problem(place="namespaces", message="the list is empty, so that nobody could use it", hint=hint)
    if len(namespaces) > MAX_NAMESPACES:
        yield Problem(place="namespaces", message=f"there are {len(namespaces)} of at most {MAX_NAMESPACES}", hint=hint)
    for i, pattern in enumerate(namespaces[:MAX_NAMESPACES]):
        if not _PATTERN.match(pattern):
            message = f"{shown(pattern, 40)} is neither a namespace's id nor a pattern"
            yield Problem(place=f"namespaces[{i}]", message=message, hint=hint)
