"""What may be done with triggers: install, look at, change, uninstall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gofer.errors import Conflict, InvalidInput, NotFound, Refused
from gofer.models.built_in import BUILT_INS, SCHEME
from gofer.models.event import Kind
from gofer.models.ids import check_id, is_variable_name, shown
from gofer.models.page import Page
from gofer.models.trigger import (
    InstallTrigger,
    Trigger,
    TriggerDebug,
    TriggerInfo,
    TriggerLog,
    TriggerOptions,
    UpdateTrigger,
)
from gofer.models.units import parse_size
from gofer.server.auth.tokens import hide_tokens
from gofer.server.nearest import Nearest
from gofer.server.pipelines.images import image_hint, is_image
from gofer.server.secrets.told import told
from gofer.server.store import meta, triggers
from gofer.server.store.transaction import Transaction
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers.ask import ask
from gofer.server.triggers.contract import TriggerAway
from gofer.server.triggers.settings import check, hidden, in_clear, resolve
from gofer.server.triggers.start import full_image, short_image
from gofer.server.triggers.supervise import Supervisor

Also = Callable[[Transaction, Any], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""

BASE = ("cron", "interval")
_BASE_DONE = "base_triggers"
_SHOWN_USERS = 10
_REMEMBERED = 20
_PROBE = "probe"  # a part of the API's path stands there
_LIST = "List them with: gofer trigger list."


class Triggers:
    """One method for each use case. Each change is one transaction with its event, and one goes after the other.

    `by` says who does it, as far as that is known.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._house = supervisor.house
        self._turn = asyncio.Lock()
        # What images have told of themselves: who installs one has asked it a moment ago.
        self._told: dict[bytes, TriggerInfo] = {}

    async def install_base(self, *, is_new: bool) -> None:
        """At the first start of a new server, what nearly everybody wants; asks nobody."""
        if not is_new or not self._house.live.settings.triggers.install_base_triggers:
            return
        at = self._house.clock.now()

        def work(tx: Transaction) -> None:
            if meta.get(tx, _BASE_DONE) is not None:
                return
            meta.put(tx, _BASE_DONE, "1")
            for name in BASE:
                row = _row(InstallTrigger(id=name, image=f"{SCHEME}{name}"), TriggerInfo(), at, "")
                if triggers.insert(tx, row) is not None:
                    tx.emit(Kind.TRIGGER_INSTALLED, at, data={"trigger": name, "image": row.image})

        await self._house.database.write_patiently(work)

    async def probe(self, image: str, options: TriggerOptions) -> TriggerInfo:
        """What a trigger of the image is: it is started only to be asked. Raises InvalidInput, NotFound, Refused, and
        NoTrigger where it does not tell."""
        image = _checked_image(image)
        self._check_options(image, options)
        info = await ask(self.supervisor, image, options)
        while len(self._told) >= _REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[_mark(image, options)] = info
        return info

    async def install(self, wanted: InstallTrigger, *, by: str = "", also: Also | None = None) -> Trigger:
        """The new trigger, which starts behind the back of the caller. Raises as `probe`, and Conflict if there is one
        of that id."""
        check_id(wanted.id, "trigger")
        if wanted.id == _PROBE:
            raise InvalidInput(f"{shown(_PROBE)} cannot be the name of a trigger", "Choose another one.")
        if await self._house.database.read(lambda c: triggers.get(c, wanted.id)) is not None:
            raise _exists(wanted.id)
        image = _checked_image(wanted.image)
        # An image may be pulled for minutes: nobody else is to wait for that.
        info = await self._info(image, wanted.options)
        async with self._turn:
            await self._check_settings(wanted.settings, info, f"the trigger {shown(wanted.id)}")
            at = self._house.clock.now()
            new = _row(wanted, info, at, by)._replace(image=image)

            def work(tx: Transaction) -> StoredTrigger:
                key = triggers.insert(tx, new)
                if key is None:
                    raise _exists(new.id)
                tx.emit(Kind.TRIGGER_INSTALLED, at, data=_data(new, by))
                if also is not None:
                    also(tx, self._view(new, 0, None))
                return new._replace(key=key)

            row = await self._house.database.write(work)
            if row.enabled:
                self.supervisor.add(row)
            return self._view(row, 0, None)

    async def list(self, cursor: str | None, limit: int) -> Page[Trigger]:
        """In the order of ids; the cursor is the last id of the page before."""

        def work(connection: Any) -> Page[Trigger]:
            rows = triggers.list_page(connection, cursor or "", limit + 1)
            counts = triggers.subscribed(connection)
            items = [
                self._view(row, counts.get(row.id, 0), triggers.last_event_at(connection, row.key))
                for row in rows[:limit]
            ]
            return Page(items=items, next=items[-1].id if len(rows) > limit else None)

        return await self._house.database.read(work)

    async def get(self, trigger: str) -> Trigger:
        """Raises NotFound."""

        def work(connection: Any) -> Trigger:
            row = _require(triggers.get(connection, trigger), trigger)
            count = triggers.subscribed(connection).get(row.id, 0)
            return self._view(row, count, triggers.last_event_at(connection, row.key))

        return await self._house.database.read(work)

    async def update(self, trigger: str, change: UpdateTrigger, *, by: str = "") -> Trigger:
        """The trigger as it is now. Raises NotFound, and as `probe` for a new image."""
        if change.image is not None or change.options is not None:
            # What it tells is kept for the turn, in which nobody is to wait for that.
            await self._changed(await self._row(trigger), change)
        async with self._turn:
            before = await self._row(trigger)
            after = await self._changed(before, change)
            kinds = _kinds(before, after)
            if not kinds:
                return await self.get(trigger)

            def work(tx: Transaction) -> None:
                triggers.update(tx, after)
                for kind in kinds:
                    tx.emit(kind, after.modified_at, data=_data(after, by))

            await self._house.database.write(work)
            self._follow(before, after)
            return await self.get(trigger)

    async def restart(self, trigger: str) -> Trigger:
        """End it in an orderly way and start it anew, with its secrets as they are now.

        Raises NotFound, or Conflict for one that is disabled.
        """
        async with self._turn:
            row = await self._row(trigger)
            if not row.enabled:
                raise Conflict(
                    f"The trigger {shown(trigger)} is disabled.", f"Enable it: gofer trigger enable {trigger}."
                )
            self._follow(row, row)
        return await self.get(trigger)

    async def uninstall(self, trigger: str, *, force: bool = False, by: str = "") -> None:
        """`force`: also where pipelines use it; their subscriptions wait then for one of that name.

        Raises NotFound, or Conflict, which says who uses it.
        """
        async with self._turn:
            row = await self._row(trigger)
            at = self._house.clock.now()

            def work(tx: Transaction) -> None:
                users = triggers.users(tx, trigger, _SHOWN_USERS + 1)
                if users and not force:
                    raise _in_use(trigger, users, triggers.subscribed(tx)[trigger])
                triggers.delete(tx, row.key)
                tx.emit(Kind.TRIGGER_UNINSTALLED, at, data=_data(row, by))

            await self._house.database.write(work)
            self.supervisor.drop(trigger, gone=True)
            await self.supervisor.logbook(trigger).delete()

    async def log(self, trigger: str, limit: int, after: int) -> TriggerLog:
        """The newest lines behind the line `after`. Raises NotFound."""
        await self._row(trigger)
        return TriggerLog(lines=await self.supervisor.logbook(trigger).read(limit, after))

    async def debug(self, trigger: str) -> TriggerDebug:
        """What it tells of its state. Raises NotFound, TriggerAway, TriggerRefused."""
        await self._row(trigger)
        session = self._house.roster.find(trigger)
        if session is None:
            raise TriggerAway(
                f"The trigger {shown(trigger)} is not connected.", f"See why: gofer trigger get {trigger}."
            )
        state = (await session.request("debug", {})).get("state")
        return TriggerDebug(state=self._hidden(_plain(state)) if isinstance(state, dict) else {})

    # -- parts

    async def _row(self, trigger: str) -> StoredTrigger:
        return _require(await self._house.database.read(lambda c: triggers.get(c, trigger)), trigger)

    def _hidden(self, value: Any) -> Any:
        """Without the secrets that triggers were told: who writes one may not think of it."""
        if isinstance(value, dict):
            return {self._hidden(name): self._hidden(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._hidden(one) for one in value]
        return hide_tokens(self._house.in_use.text(value)) if isinstance(value, str) else value

    async def _info(self, image: str, options: TriggerOptions) -> TriggerInfo:
        """What it has told a moment ago, or tells now."""
        self._check_options(image, options)
        known = self._told.get(_mark(image, options))
        return known if known is not None else await self.probe(image, options)

    async def _check_settings(self, settings: Mapping[str, Any], info: TriggerInfo, what: str) -> None:
        check(settings, info.settings, what)
        await resolve(dict(settings), self._house.look)

    async def _changed(self, before: StoredTrigger, change: UpdateTrigger) -> StoredTrigger:
        image = before.image if change.image is None else _checked_image(change.image)
        options = before.options if change.options is None else change.options
        settings = {**before.settings, **(change.settings or {})}
        settings = {name: value for name, value in settings.items() if value is not None}
        info = before.info
        if (image, options) != (before.image, before.options) or (change.settings and not info.settings):
            info = await self._info(image, options)
        if settings != before.settings or info != before.info:
            await self._check_settings(settings, info, f"the trigger {shown(before.id)}")
        return before._replace(
            image=image,
            options=options,
            settings=settings,
            info=info,
            enabled=before.enabled if change.enabled is None else change.enabled,
            modified_at=self._house.clock.now(),
        )

    def _follow(self, before: StoredTrigger, after: StoredTrigger) -> None:
        """Have happen what was stored."""
        keeper = self.supervisor.find(after.id)
        if not after.enabled:
            self.supervisor.drop(after.id)
        elif keeper is None or not before.enabled:
            self.supervisor.add(after)
        else:
            keeper.restart(after)

    def _check_options(self, image: str, options: TriggerOptions) -> None:
        """Raises InvalidInput or Refused."""
        if image.startswith(SCHEME) and options != TriggerOptions():
            raise InvalidInput("A built-in trigger takes no options of a container.", "Leave them out.")
        for name in options.variables:
            if not is_variable_name(name) or name.startswith("GOFER_"):
                hint = "Letters, digits and _; what begins with GOFER_ is for Gofer's own."
                raise InvalidInput(f"{shown(name)} cannot be a variable of a trigger", hint)
        if options.memory is not None:
            try:
                parse_size(options.memory)
            except ValueError as error:
                raise InvalidInput(f"memory: {error}") from None
        allowed = self._house.live.settings.allowed_networks
        if options.network is not None and options.network not in allowed:
            raise Refused(
                f"the network {shown(options.network)} is not allowed here",
                "An administrator can add it to allowed_networks in the server's configuration.",
            )

    def _view(self, row: StoredTrigger, subscriptions: int, last_event_at: int | None) -> Trigger:
        found = Trigger(
            id=row.id,
            image=row.image,
            settings=hidden(row.settings, row.info.settings),
            options=row.options,
            enabled=row.enabled,
            subscriptions=subscriptions,
            last_event_at=last_event_at,
            info=row.info,
            created_at=row.created_at,
            created_by=row.created_by,
            modified_at=row.modified_at,
            warnings=[_in_clear(name) for name in in_clear(row.settings, row.info.settings)],
        )
        keeper = self.supervisor.find(row.id)
        if keeper is not None and row.enabled:
            found.state, found.detail, found.hint = keeper.state, keeper.detail, keeper.hint
            found.started_at, found.healthy_since = keeper.started_at, keeper.healthy_since
            found.next_start_at, found.restarts = keeper.next_start_at, keeper.restarts
            found.program = keeper.program
            session = keeper.session
            found.latency = session.latency * 1000 if session is not None and session.latency is not None else None
        elif keeper is not None:
            found.detail = "it is being stopped"
        elif row.enabled:
            found.state = "starting"
        return found


def _row(wanted: InstallTrigger, info: TriggerInfo, at: int, by: str) -> StoredTrigger:
    return StoredTrigger(
        key=0, id=wanted.id, image=wanted.image, settings=wanted.settings, options=wanted.options, info=info,
        enabled=wanted.enabled, start_uid="", started_at=None, created_at=at, created_by=by, modified_at=at,
    )  # fmt: skip


def _checked_image(image: str) -> str:
    """As it is stored. Raises InvalidInput."""
    if not image.startswith(SCHEME):
        if not is_image(image):
            raise InvalidInput(f"{shown(image)} is not the name of an image", image_hint(image))
        return image
    names = BUILT_INS["trigger"]
    name = full_image(image).removeprefix(f"{SCHEME}trigger/")
    if name not in names:
        hint = Nearest(names).hint(name) or f"There are: {', '.join(names)}."
        raise InvalidInput(f"There is no built-in trigger {shown(name)}", hint)
    return short_image(full_image(image))


def _mark(image: str, options: TriggerOptions) -> bytes:
    return msgspec.json.encode([image, options], order="deterministic")


def _kinds(before: StoredTrigger, after: StoredTrigger) -> list[Kind]:
    """What the change is called in the events."""
    kinds = []
    if (before.image, before.options, before.settings) != (after.image, after.options, after.settings):
        kinds.append(Kind.TRIGGER_UPGRADED)
    if before.enabled != after.enabled:
        kinds.append(Kind.TRIGGER_ENABLED if after.enabled else Kind.TRIGGER_DISABLED)
    return kinds


def _data(row: StoredTrigger, by: str) -> dict[str, Any]:
    return {"trigger": row.id, "image": row.image, **told(by)}


def _plain(value: Any) -> Any:
    """As JSON has it: what a frame may have besides becomes text."""
    return msgspec.to_builtins(value, builtin_types=())


def _require(row: StoredTrigger | None, trigger: str) -> StoredTrigger:
    if row is None:
        raise NotFound(f"There is no trigger {shown(trigger)}", _LIST)
    return row


def _exists(trigger: str) -> Conflict:
    hint = f"Choose another name, or change it: gofer trigger upgrade {trigger}."
    return Conflict(f"There is a trigger {shown(trigger)} already", hint)


def _in_use(trigger: str, users: list[str], count: int) -> Conflict:
    more = f" and {count - _SHOWN_USERS} more" if count > _SHOWN_USERS else ""
    who = "1 subscription uses" if count == 1 else f"{count} subscriptions use"
    return Conflict(
        f"{who} the trigger {shown(trigger)}: {', '.join(users[:_SHOWN_USERS])}{more}",
        f"To uninstall it all the same: gofer trigger uninstall {trigger} --force (in the API force=true).",
    )


def _in_clear(name: str) -> str:
    return (
        f"The setting {shown(name)} is secret, and was given in clear: keep it with `gofer secret put KEY --global`, "
        f"and set it to global_secret{{{{KEY}}}}."
    )
