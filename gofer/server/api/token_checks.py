"""Whether people and programs will still be let in tomorrow."""

from __future__ import annotations

import ipaddress

from gofer.checkup.finding import found
from gofer.models.access import Token
from gofer.models.system import Check
from gofer.models.units import format_duration
from gofer.server.services import Services

_SOON = 14 * 86_400_000
_LATELY = 7 * 86_400_000
_SHOWN = 3


async def tokens(services: Services) -> Check:
    """What of the tokens needs somebody to do something, the most urgent first."""
    if services.is_unclaimed:
        hint = "On this machine, as root or Gofer's own user: gofer service token bootstrap."
        return found("tokens", "error", "No token was made yet, so nobody is served.", hint)
    now = services.clock.now()
    known = [stored.token for stored in services.registry.tokens() if stored.token.disabled_at is None]
    ending = [token for token in known if token.expires_at is not None and now < token.expires_at <= now + _SOON]
    if ending:
        ending.sort(key=lambda token: token.expires_at or 0)
        names = ", ".join(_ends(token, now) for token in ending[:_SHOWN])
        more = f", and {len(ending) - _SHOWN} more" if len(ending) > _SHOWN else ""
        hint = "An expiry stays as it is: make others in their place (gofer token create), then delete them."
        return found("tokens", "warning", f"Tokens expire soon: {names}{more}.", hint)
    for token in known:
        if token.root and now - (token.last_used_at or 0) < _LATELY and _is_elsewhere(token.last_used_from):
            message = f"The root token, which may do everything for ever, is used from {token.last_used_from}."
            hint = "Make one with less for that (gofer token create), and rotate the root token: gofer token rotate."
            return found("tokens", "warning", message, hint)
    return found("tokens", "ok", f"{len(known)} {'token is' if len(known) == 1 else 'tokens are'} in use.")


def _ends(token: Token, now: int) -> str:
    what = f" ({token.description})" if token.description else ""
    return f"{token.id}{what} in {format_duration((token.expires_at or now) - now)}"


def _is_elsewhere(address: str) -> bool:
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
