"""Where external events come in: a socket of its own, beside the API's."""

from __future__ import annotations

import socket

from gofer.config.address import Address
from gofer.config.settings import Settings
from gofer.server.api.peer import Peers
from gofer.server.api.tally import Tally
from gofer.server.external_app import ExternalApp
from gofer.server.listen import listen_for_external
from gofer.server.own_log import get_logger
from gofer.server.services import Services
from gofer.server.triggers.external import ExternalEvents
from gofer.server.triggers.take_external import Takers
from gofer.server.web import WebServer


class ExternalListener:
    """It listens from its making on, so that an address which is taken stops the start, and nobody who calls while the
    server starts is turned away; it is answered from `serve` on."""

    def __init__(self, listener: socket.socket, address: Address, peers: Peers, tally: Tally) -> None:
        self._listener = listener
        self._address = address
        self._peers = peers
        self._tally = tally

    @property
    def url(self) -> str:
        """What its addresses begin with."""
        return self._address.url

    async def serve(self, web: WebServer, services: Services) -> None:
        """To be called once triggers may dial in; it ends with `web`."""
        supervisor = services.triggers.supervisor
        takers = Takers(supervisor.info, supervisor.house.roster)
        events = ExternalEvents(takers, services.live, self._tally.refusals, services.clock.monotonic)
        await web.serve_too(self._listener, ExternalApp(events, services.live, self._peers, self._tally))
        get_logger("gofer").info("listens for external events", address=self.url)

    def close(self) -> None:
        """Idempotent."""
        self._listener.close()


def open_external(settings: Settings, scheme: str, peers: Peers, tally: Tally) -> ExternalListener | None:
    """None where the settings want none. Raises ConfigError."""
    found = listen_for_external(settings)
    if found is None:
        return None
    listener, address = found
    return ExternalListener(listener, address._replace(scheme=scheme), peers, tally)
