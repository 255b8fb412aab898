"""One start of a trigger: what it is called, how it dials in, and the container that the engine is asked for."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from gofer import __version__
from gofer.engines.scheduler.base import Bind, ContainerSpec
from gofer.errors import Refused
from gofer.models.built_in import SCHEME
from gofer.models.trigger import TriggerOptions
from gofer.models.units import parse_size
from gofer.server.auth.tokens import digest_of
from gofer.server.built_ins import MARK
from gofer.server.runs.access import TaskAccess

SERVER_LABEL = "gofer.trigger.server"
"""Not that of the attempts: who looks for what they have left must not find triggers, nor the other way round."""

FITS_LABEL = "gofer.trigger.fits"
_KIND = "trigger/"
_OF_BUILT_IN = "-b"


class Start(NamedTuple):
    """`uid`: no other start of any server ever has it. `digest`: of its secret."""

    trigger: str
    image: str
    uid: str
    secret: str
    digest: bytes

    @property
    def container(self) -> str:
        """What its container is called."""
        # Not by the image, which may be another by now.
        mark = f"{MARK}trigger" if self.uid.endswith(_OF_BUILT_IN) else "gofer.trigger"
        return f"{mark}.{self.trigger}.{self.uid}"


class Dial(NamedTuple):
    """How a trigger reaches this server. `socket` is empty where it dials over the network."""

    url: str
    socket: str
    bind: Bind | None


def new_uid(server_id: str, at: int, image: str) -> str:
    """For a start of that image at that time, in milliseconds since the epoch."""
    kind = _OF_BUILT_IN if image.startswith(SCHEME) else ""
    return f"{server_id}{at:x}-{secrets.token_hex(4)}{kind}"


def start_of(trigger: str, image: str, uid: str, access: TaskAccess) -> Start:
    """The start of that uid. `image` as an administrator wrote it."""
    secret = access.trigger_secret(uid)
    return Start(trigger, full_image(image), uid, secret, digest_of(secret))


def full_image(image: str) -> str:
    """`builtin:cron` is short for `builtin:trigger/cron`; all others are what they are."""
    name = image.removeprefix(SCHEME)
    return f"{SCHEME}{_KIND}{name}" if image.startswith(SCHEME) and "/" not in name else image


def short_image(image: str) -> str:
    """As people write it."""
    full = f"{SCHEME}{_KIND}"
    return f"{SCHEME}{image.removeprefix(full)}" if image.startswith(full) else image


def dial_of(trigger: str, image: str, access: TaskAccess, advertise_url: str) -> Dial:
    """Raises Refused where a container of the image cannot reach the server."""
    path = f"/api/v1/triggers/{quote(trigger)}/session"
    try:
        way = access.way(image)
    except Refused as error:
        if not advertise_url:
            raise Refused(
                f"a trigger cannot reach Gofer: {error.message}",
                "Set server.advertise_url to where containers reach this server, such as https://gofer.example.org.",
            ) from error
        scheme, _, rest = advertise_url.rstrip("/").partition("://")
        return Dial(f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}", "", None)
    return Dial(f"ws://localhost{path}", way.url.removeprefix("unix://"), way.bind)


def fits(key: str, image: str, *parts: object) -> str:
    """A mark of what was started: another means that what runs is not what is to run. `key` keeps what is in the parts
    (settings, say) from being guessed. A built-in is as old as the program."""
    version = __version__ if image.startswith(SCHEME) else ""
    text = msgspec.json.encode([full_image(image), version, *parts], order="deterministic")
    return hmac.digest(key.encode(), text, "sha256").hex()[:32]


def spec_of(
    start: Start, dial: Dial, options: TriggerOptions, variables: Mapping[str, str], labels: Mapping[str, str]
) -> ContainerSpec:
    """What the engine is asked to run. `variables`: those of the options, resolved."""
    environment = {
        **variables,
        "GOFER_TRIGGER_NAME": start.trigger,
        "GOFER_TRIGGER_URL": dial.url,
        "GOFER_TRIGGER_SECRET": start.secret,
    }
    if dial.socket:
        environment["GOFER_TRIGGER_SOCKET"] = dial.socket
    return ContainerSpec(
        name=start.container,
        image=start.image,
        labels={"gofer.trigger": start.trigger, "gofer.trigger.uid": start.uid, **labels},
        pull=options.pull,
        entrypoint=options.entrypoint,
        command=options.command,
        environment=environment,
        user=options.user,
        cpu=options.cpu,
        memory=parse_size(options.memory) if options.memory else None,
        network=options.network,
        mounts=(dial.bind,) if dial.bind is not None else (),
    )
