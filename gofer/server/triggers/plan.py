"""What a trigger is started with: everything that its settings name, looked up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from gofer.models.trigger import Field, TriggerOptions
from gofer.server.auth.tokens import hide_tokens
from gofer.server.logs.mask import Masks
from gofer.server.logs.thread import in_thread
from gofer.server.triggers.hide import with_beginnings
from gofer.server.triggers.house import House
from gofer.server.triggers.settings import resolve, secret_texts
from gofer.server.triggers.start import Dial, dial_of, fits


class Plan(NamedTuple):
    """`settings` and `variables` with their secrets in clear: never to be shown. `fits`: see `start.fits`."""

    settings: Mapping[str, Any]
    variables: Mapping[str, str]
    dial: Dial
    masks: Masks
    fits: str

    def mask(self, text: str) -> str:
        """`text` without what nobody may see."""
        return self.masks.text(hide_tokens(text))


async def make_plan(
    house: House,
    trigger: str,
    image: str,
    options: TriggerOptions,
    settings: Mapping[str, Any],
    fields: list[Field],
) -> Plan:
    """Raises NotFound for a secret that is not there, InvalidInput, Refused where the trigger could not dial in, and
    what the secret store raises."""
    found = await resolve(dict(settings), house.look)
    variables = await resolve(options.variables, house.look)
    hidden = found.secrets | variables.secrets | secret_texts(found.value, fields)
    masks = Masks(with_beginnings(hidden))
    if masks:
        await in_thread(partial(_compile, masks))
    dial = dial_of(trigger, image, house.access, house.live.settings.server.advertise_url)
    mark = fits(house.access.trigger_secret("fits"), image, options, found.value, variables.value, dial.url)
    return Plan(found.value, variables.value, dial, masks, mark)


def _compile(masks: Masks) -> None:
    masks.compile()
