"""What Gofer asks a trigger, one request after the other."""

from __future__ import annotations

from typing import Final

from gofer_sdk.conformance import shapes
from gofer_sdk.conformance.life import FIRST, HEARTBEAT, NAME, SECOND, Life, Outside
from gofer_sdk.conformance.step import Failed, NotOffered, Steps, within
from gofer_sdk.trigger.errors import PeerError

FRAMES: Final = "Frames"
COURSE: Final = "The course of a connection"
OF_TRIGGER: Final = "Requests of a trigger"
OF_GOFER: Final = "Requests of Gofer"
BEAT: Final = "Heartbeat"
_TWICE: Final = (("X-Twice", "1"), ("X-Twice", "2"))
_BODIES: Final = {
    "junk": b"\x00\xff{not json" * 100,
    "an empty body": b"",
    "a body of 1 MiB": b"x" * 1024 * 1024,
}


async def greet(life: Life, steps: Steps) -> bool:
    """From the start to the reply to `info`; False where there is no use in going on."""

    async def hello() -> None:
        await life.connect(life.given.start_within)
        first = life.peer.frames[0]
        if first.kind != "hello" or first.id is None:
            raise Failed("hello as the first frame, with an id", f"{first.kind}, with the id {first.id}")
        fields = life.peer.hello.result()
        if fields.get("protocol") != 1:
            raise Failed('"protocol" 1', shapes.shown(fields.get("protocol")))
        if fields.get("name") != NAME:
            raise Failed(f'"name" as GOFER_TRIGGER_NAME says, "{NAME}"', shapes.shown(fields.get("name")))
        shapes.has(fields, "program", str, "a text", missing=True)

    async def info() -> None:
        life.info = await life.ask("info", unknown_field=[1, {"a": None}])
        shapes.info(life.info)

    return await steps.attempt("dials, and says hello", OF_TRIGGER, hello) and await steps.attempt(
        "says what it is before it has settings", OF_GOFER, info
    )


async def configure(life: Life, steps: Steps) -> bool:
    """What may come before the settings, and they themselves; False where there is no use in going on."""

    async def unknown_kind() -> None:
        code = await life.error_of("no_such_kind_of_request", a=1)
        if code != "unknown_kind":
            raise Failed("the error unknown_kind", f"the error {code}")
        await life.peer.link.notice("no_such_kind_of_notice", a=1)
        await life.ask("ping")

    async def ping() -> None:
        await life.ask("ping")

    async def wrong() -> None:
        await life.error_of("configure", settings="not a map")

    async def right() -> None:
        try:
            await life.ask("configure", settings=dict(life.given.settings), unknown_field=1)
        except PeerError as error:
            raise Failed("that it takes these settings (give others with --set)", f"{error.code}: {error}") from None

    await steps.attempt("answers what it does not know with unknown_kind", FRAMES, unknown_kind)
    await steps.attempt("answers ping", OF_TRIGGER, ping)
    await steps.attempt("answers settings that are none with an error", OF_GOFER, wrong)
    return await steps.attempt("takes its settings", OF_GOFER, right)


async def subscribe(life: Life, steps: Steps) -> bool:
    """Subscriptions, up to `ready`; False where there is no use in going on."""

    async def check() -> None:
        try:
            reply = await life.ask("check", **life.wish("check"))
        except PeerError as error:
            if error.code == "unknown_kind":
                raise NotOffered from None
            raise Failed("that it takes the subscription (give settings with --subscription)", str(error)) from None
        shapes.texts(reply.get("warnings", []), "warnings")

    async def take() -> None:
        try:
            await life.subscribe(FIRST)
            await life.subscribe(SECOND)
        except PeerError as error:
            raise Failed("that it takes the subscription (give settings with --subscription)", str(error)) from None

    async def again() -> None:
        await life.subscribe(FIRST)
        await life.subscribe(FIRST, created_at=life.created_at + 1, last_event_at=life.now(), last_event="earlier")

    async def wrong() -> None:
        await life.error_of("subscribe", subscription=7, settings=[])

    async def ready() -> None:
        # The first event may come now, and perhaps no other.
        if not life.waits_for_gofer():
            life.events.hold()
        await life.ask("ready")

    await steps.attempt("says whether it would take a subscription", OF_GOFER, check)
    if not await steps.attempt("takes subscriptions", OF_GOFER, take):
        return False
    await steps.attempt("takes a subscription again, also with other settings", OF_GOFER, again)
    await steps.attempt("answers a subscription that is none with an error", OF_GOFER, wrong)
    return await steps.attempt("is ready", COURSE, ready)


async def ask(life: Life, steps: Steps) -> None:
    """What else a trigger is asked."""

    async def unsubscribe() -> None:
        await life.ask("unsubscribe", subscription=SECOND)
        await life.ask("unsubscribe", subscription="there-was-never-one")
        await life.subscribe(SECOND)

    async def heartbeat() -> None:
        life.peer.link.pinged.clear()
        await within(3 * HEARTBEAT / 1000, life.peer.link.pinged.wait(), "a ping")

    async def next_times() -> None:
        if not life.info.get("next"):
            raise NotOffered
        for count in (1, 5):
            now = life.now()
            reply = await life.ask("next", subscription=FIRST, count=count)
            shapes.times(reply.get("times"), count, now - 1_000)
        await life.error_of("next", subscription="there-was-never-one", count=1)

    async def debug() -> None:
        reply = await life.ask("debug")
        shapes.has(reply, "state", dict, "a map")

    async def event() -> None:
        if not life.info.get("events"):
            raise NotOffered
        await life.own_event(1)

    await steps.attempt("ends a subscription, and one that is not there", OF_GOFER, unsubscribe)
    await steps.attempt("sends its own ping", BEAT, heartbeat)
    await steps.attempt("tells the next times", OF_GOFER, next_times)
    await steps.attempt("tells its state", OF_GOFER, debug)
    await steps.attempt("takes Gofer's own events", OF_GOFER, event)
    for what, body in _BODIES.items():
        await _external(life, steps, what, body)


async def _external(life: Life, steps: Steps, what: str, body: bytes) -> None:
    async def send() -> None:
        if not life.info.get("external_events"):
            raise NotOffered
        try:
            shapes.answer(await life.external_event(what, Outside(query="a=1&b", headers=_TWICE, body=body)))
        except TimeoutError:
            raise Failed("an answer within 10 s", "none") from None

    await steps.attempt(f"answers an external event ({what})", OF_GOFER, send)
