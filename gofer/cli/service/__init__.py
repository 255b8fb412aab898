"""`gofer service …`: the table of its commands."""

from __future__ import annotations

from gofer.cli.base import Command, Entry, Group


def _start() -> Command:
    from gofer.cli.service.start import start

    return start


def _info() -> Command:
    from gofer.cli.service.info import info

    return info


def _doctor() -> Command:
    from gofer.cli.service.doctor import doctor

    return doctor


def _backup() -> Command:
    from gofer.cli.service.backup import backup

    return backup


def _restore() -> Command:
    from gofer.cli.service.restore import restore

    return restore


def _logs() -> Command:
    from gofer.cli.service.logs import logs

    return logs


def _init_config() -> Command:
    from gofer.cli.service.init_config import init_config

    return init_config


def _printenv() -> Command:
    from gofer.cli.service.printenv import printenv

    return printenv


def _config() -> Group:
    from gofer.cli.service.config import config

    return config


def _token() -> Group:
    from gofer.cli.service.token import token

    return token


def _reload() -> Command:
    from gofer.cli.service.reload import reload

    return reload


def _install() -> Command:
    from gofer.cli.service.install import install

    return install


def _uninstall() -> Command:
    from gofer.cli.service.uninstall import uninstall

    return uninstall


def _toggle_event_ingress() -> Command:
    from gofer.cli.service.toggle_event_ingress import toggle_event_ingress

    return toggle_event_ingress


service = Group(
    "service",
    help="Start the server and ask how it is.",
    table={
        "start": Entry("Start the server, and keep it running until Ctrl-C or SIGTERM.", _start),
        "info": Entry("What the server says of itself.", _info),
        "logs": Entry("The server's own log: the newest lines that it has in memory.", _logs),
        "reload": Entry("Make the server read its configuration again.", _reload),
        "config": Entry("Check the server's configuration, and show what holds.", _config),
        "init-config": Entry("Write a configuration file with every setting in it, explained.", _init_config),
        "printenv": Entry("List every environment variable that Gofer reads.", _printenv),
        "token": Entry("The token with which everything begins.", _token),
        "toggle-event-ingress": Entry("Start no new runs, or start them again.", _toggle_event_ingress),
        "doctor": Entry("Look for what is wrong, and say what to do about it.", _doctor),
        "backup": Entry("Write everything that the server keeps into one file.", _backup),
        "restore": Entry("Put a backup in the place of a server's data, while it does not run.", _restore),
        "install": Entry(
            "Make Gofer a service of systemd: program, units, user, folders and a sample configuration.", _install
        ),
        "uninstall": Entry("Stop the service, and remove what `gofer service install` has laid down.", _uninstall),
    },
)
