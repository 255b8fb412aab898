"""All triggers that are to run. One that fails ends neither the server nor another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from gofer.errors import Unavailable
from gofer.models.trigger import TriggerInfo
from gofer.server.own_log import get_logger
from gofer.server.runs.engine_watch import EngineWatch
from gofer.server.runs.remove import Remover
from gofer.server.store import triggers
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers.house import House
from gofer.server.triggers.keeper import Keeper
from gofer.server.triggers.link import Link
from gofer.server.triggers.logbook import Logbook
from gofer.server.triggers.session import GOING, REPLACED, Host, TriggerSession
from gofer.server.triggers.start import SERVER_LABEL


class Supervisor:
    """Keeps a keeper for each trigger that is enabled, and knows who may dial in. Event loop only."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._keepers: dict[str, Keeper] = {}
        self._probes: dict[str, Host] = {}
        # Containers of what is only asked.
        self.asked: set[str] = set()
        self._logbooks: dict[str, Logbook] = {}
        self._new: asyncio.Queue[Keeper] = asyncio.Queue()
        self._opened = asyncio.Event()
        self._log = get_logger("gofer.triggers")

    def __iter__(self) -> Iterator[Keeper]:
        return iter(list(self._keepers.values()))

    def find(self, trigger: str) -> Keeper | None:
        """The keeper of an enabled trigger."""
        return self._keepers.get(trigger)

    def logbook(self, trigger: str) -> Logbook:
        """What the trigger says."""
        return self._logbooks.setdefault(trigger, Logbook(self.house.folder / f"{trigger}.log"))

    # -- their life

    async def begin(self) -> None:
        """Before anybody may dial in: whose secrets are good."""
        for row in await self.house.database.read(triggers.every):
            if row.enabled:
                self.add(row)

    def add(self, row: StoredTrigger) -> None:
        """It is to run."""
        keeper = Keeper(row, self.house, self.logbook(row.id))
        keeper.register()
        before = self._keepers.get(row.id)
        self._keepers[row.id] = keeper
        if before is not None:
            # It was disabled a moment ago, and ends still.
            keeper.after = before.over
        self._new.put_nowait(keeper)

    def drop(self, trigger: str, *, gone: bool = False) -> None:
        """It is not to run any more. `gone`: it is uninstalled."""
        keeper = self._keepers.get(trigger)
        if keeper is not None:
            keeper.stop(gone=gone)

    async def end_all(self, within: float) -> None:
        """End every trigger, all at once; returns when they are gone. They have so many seconds to do it in an orderly
        way. The next start of Gofer starts them anew."""
        ending = list(self._keepers.values())
        for keeper in ending:
            keeper.stop(within=within)
        await asyncio.gather(*(keeper.over.wait() for keeper in ending))

    def open(self) -> None:
        """From now on they may dial in: earlier their start would only take the processor from the server's own."""
        self._opened.set()

    async def run(self) -> None:
        """Keeps them, from `open` on and until it is cancelled, which ends no trigger."""
        await self._opened.wait()
        async with asyncio.TaskGroup() as group:
            while True:
                keeper = await self._new.get()
                group.create_task(self._keep(keeper), name=f"trigger {keeper.name}")

    async def _keep(self, keeper: Keeper) -> None:
        try:
            await keeper.run()
        except Exception:
            # The last net: what goes wrong with one is no reason to end the others.
            self._log.exception("a trigger is kept no longer", trigger=keeper.name)
        finally:
            keeper.over.set()
            if self._keepers.get(keeper.name) is keeper:
                del self._keepers[keeper.name]

    async def sweep(self, watch: EngineWatch, remover: Remover) -> None:
        """Remove what earlier lives have left at the engine, waiting for it if need be."""
        mine = {SERVER_LABEL: self.house.database.server_id}
        found = await watch.call(lambda: self.house.scheduler.list(mine))
        starts = await self.house.database.write_patiently(lambda tx: triggers.starts(tx.connection))
        for one in found:
            if one.labels.get("gofer.trigger.uid") not in starts and one.name not in self.asked:
                remover.remove(one.name)

    # -- connections

    async def serve(self, trigger: str, link: Link) -> None:
        """One connection of who has shown the secret of that trigger; returns when it is over."""
        host: Host | None = self._keepers.get(trigger) or self._probes.get(trigger)
        if host is None:
            raise Unavailable("This trigger is not run any more.", "Install it, or enable it.")
        house = self.house
        limit = house.live.settings.server.max_frame_bytes
        session = TriggerSession(link, host, house.roster, house.listener, house.times, limit)
        before = house.connections.get(trigger)
        house.connections[trigger] = session
        if before is not None:
            before.end(REPLACED, "Another connection with this secret has taken its place.")
        try:
            await session.run()
        finally:
            if house.connections.get(trigger) is session:
                del house.connections[trigger]

    def end_connections(self) -> None:
        """Gofer ends: they are to dial again."""
        for session in list(self.house.connections.values()):
            session.end(GOING, "Gofer is stopping.")

    def expect(self, host: Host) -> None:
        """Somebody who was started to be asked may dial in."""
        self._probes[host.name] = host

    def forget(self, host: Host) -> None:
        self._probes.pop(host.name, None)

    def info(self, trigger: str) -> TriggerInfo | None:
        """What an enabled trigger has told of itself, now or earlier."""
        keeper = self._keepers.get(trigger)
        return None if keeper is None or keeper.is_unwanted else keeper.row.info
