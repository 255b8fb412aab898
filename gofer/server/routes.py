"""Every route of the server, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.types import ASGIApp, Scope

from gofer.models.log import LogEnd, LogFrame
from gofer.models.log_search import GroupsFrame, MatchesFrame, SearchEnd
from gofer.models.own_log import OwnLogFrame
from gofer.models.trigger import TriggerLog
from gofer.server.api import (
    backup,
    bootstrap,
    common_tasks,
    comparison,
    deployments,
    diffs,
    events,
    exports,
    grid,
    health,
    holds,
    log_search,
    login_page,
    logs,
    manifests,
    namespaces,
    objects,
    overview,
    own_log,
    pipelines,
    roles,
    runs,
    secrets,
    session,
    subscriptions,
    system,
    taskruns,
    tokens,
    trigger_events,
    triggers,
    versions,
)
from gofer.server.api.audit import RefusedRequests
from gofer.server.api.authentication import Authentication
from gofer.server.api.dispatch import Dispatcher
from gofer.server.api.documentation import Documentation
from gofer.server.api.endpoint import Endpoint, Socket
from gofer.server.api.reply import Reply
from gofer.server.api.scrape import Scrape
from gofer.server.auth.verify import Verifier
from gofer.server.services import Services
from gofer.server.site import console
from gofer.server.site.serve import ARCHIVE, Site
from gofer.server.streams.attach import ATTACH, EndOfInput, Exited, Failed, Resize, attach
from gofer.server.streams.events import EventFrame, events_stream
from gofer.server.streams.log_search import log_groups_stream, log_search_stream
from gofer.server.streams.logs import logs_stream
from gofer.server.streams.own_log import own_log_stream
from gofer.server.streams.run_search import run_search_stream
from gofer.server.streams.triggers import trigger_log_stream, trigger_session


class Application(NamedTuple):
    """The API and the pages as one ASGI application, and who is to be told of whom it, or what stands before it, has
    refused."""

    app: ASGIApp
    refused: Callable[[Scope, Reply], None]


def application(services: Services) -> Application:
    """Everything that the server answers."""
    tally = services.tally
    known = [*endpoints(), *Scrape(tally).endpoints()]
    documentation = Documentation(known, sockets())
    dispatcher = Dispatcher(services, [*known, *documentation.endpoints()], sockets(), tally)
    verifier = Verifier(services.registry, services.database, services.clock)
    site = Site(dispatcher, ARCHIVE, console.ARCHIVE, tally)
    dev_mode = services.settings.dev_mode
    known_callers = Authentication(site, verifier, services.sessions, services.failures, dev_mode=dev_mode)
    return Application(known_callers, RefusedRequests(services, dispatcher.template).note)


def endpoints() -> list[Endpoint]:
    """The routes that need nothing but the services."""
    return [
        *system.endpoints(),
        *own_log.endpoints(),
        *namespaces.endpoints(),
        *manifests.endpoints(),
        *pipelines.endpoints(),
        *overview.endpoints(),
        *grid.endpoints(),
        *exports.endpoints(),
        *versions.endpoints(),
        *holds.endpoints(),
        *diffs.endpoints(),
        *deployments.endpoints(),
        *comparison.endpoints(),
        *subscriptions.endpoints(),
        *trigger_events.endpoints(),
        *runs.endpoints(),
        *taskruns.endpoints(),
        *logs.endpoints(),
        *log_search.endpoints(),
        *secrets.endpoints(),
        *objects.endpoints(),
        *roles.endpoints(),
        *events.endpoints(),
        *health.endpoints(),
        *backup.endpoints(),
        *triggers.endpoints(),
        *tokens.endpoints(),
        *common_tasks.endpoints(),
        *bootstrap.endpoints(),
        *session.endpoints(),
        *login_page.endpoints(),
    ]


def sockets() -> list[Socket]:
    """The websockets."""
    return [
        Socket(
            path=logs.PAGE + "/stream",
            handler=logs_stream,
            summary="Follow a task run's log, from any line",
            tag=logs.TAG,
            permission="logs:read",
            sends=(LogFrame, LogEnd),
        ),
        Socket(
            path=log_search.SEARCH + "/stream",
            handler=log_search_stream,
            summary="Search a task run's log, all that there is and all that comes",
            tag=logs.TAG,
            permission="logs:read",
            sends=(MatchesFrame, SearchEnd),
        ),
        Socket(
            path=log_search.GROUPS + "/stream",
            handler=log_groups_stream,
            summary="Follow the groups of a task run's log",
            tag=logs.TAG,
            permission="logs:read",
            sends=(GroupsFrame, SearchEnd),
        ),
        Socket(
            path=log_search.RUN_SEARCH + "/stream",
            handler=run_search_stream,
            summary="Search all logs of a run, all that there is and all that comes",
            tag=logs.TAG,
            permission="logs:read",
            sends=(MatchesFrame, SearchEnd),
        ),
        Socket(
            path=events.ALL + "/stream",
            handler=events_stream,
            summary="Follow events, from any number",
            tag=events.TAG,
            permission="events:read",
            filtered=True,
            sends=(EventFrame,),
        ),
        Socket(
            path=own_log.ALL + "/stream",
            handler=own_log_stream,
            summary="Follow the server's own log",
            tag=own_log.TAG,
            permission="system:read",
            sends=(OwnLogFrame,),
        ),
        Socket(
            path=triggers.LOG + "/stream",
            handler=trigger_log_stream,
            summary="Follow what a trigger says",
            tag=triggers.TAG,
            permission="triggers:read",
            sends=(TriggerLog,),
        ),
        Socket(
            path=triggers.SESSION,
            handler=trigger_session,
            summary="Where a trigger dials in: docs/trigger-protocol.md",
            tag=triggers.TAG,
            permission="trigger_session:open",
        ),
        Socket(
            path=ATTACH,
            handler=attach,
            summary="Run a command in a running container",
            tag=taskruns.TAG,
            permission="attach:run",
            sends=(Exited, Failed),
            takes=(Resize, EndOfInput),
        ),
    ]
