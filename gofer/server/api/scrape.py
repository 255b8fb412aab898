"""The route of /metrics. What it needs is imported when it is first asked for: most servers never are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoPath, NoQuery, Text
from gofer.server.api.tally import Tally

if TYPE_CHECKING:
    from gofer.server.api.metrics import Exposition

CONTENT = "text/plain; version=0.0.4; charset=utf-8"


class Scrape:
    """Answers with the counts of `tally` and the state of the services."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._exposition: Exposition | None = None

    def endpoints(self) -> list[Endpoint]:
        """The route."""
        return [
            Endpoint(
                method="GET",
                path="/metrics",
                handler=self.metrics,
                summary="Figures for Prometheus",
                tag="health",
                permission="metrics:read",
                content=(CONTENT,),
            )
        ]

    async def metrics(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """In Prometheus' text format."""
        from gofer.server.api.metrics import Exposition, stored

        if self._exposition is None:
            self._exposition = Exposition(call.services, self._tally)
        self._exposition.stored = await call.services.database.read(stored)
        return Text(self._exposition.text(), CONTENT)
