"""A trigger that tells of the same few events for each subscription, and writes down what it was answered."""

from __future__ import annotations

import os
from pathlib import Path

from gofer_sdk.trigger import NoSettings, Trigger

EVENTS = 5


class Telling(Trigger[NoSettings, NoSettings]):
    """Tells of the same few events for each subscription."""

    version = "1.0.0"

    async def run(self) -> None:
        witness = Path(os.environ["WITNESS"])
        told: set[str] = set()
        while True:
            for subscription in list(self.subscriptions.values()):
                if subscription.id not in told:
                    told.add(subscription.id)
                    for number in range(EVENTS):
                        fired = await self.fire(subscription, f"e{number}", variables={"NUMBER": str(number)})
                        with witness.open("a") as file:
                            file.write(f"e{number} {fired.outcome} {fired.run} {fired.duplicate}\n")
            await self.wait_until(self.now() + 3_600_000)


if __name__ == "__main__":
    Telling.main()
