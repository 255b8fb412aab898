"""Addresses of the machine that tests run on."""

from __future__ import annotations

import socket

import pytest


def own_address() -> str:
    """One by which others reach it. Skips the test where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chosen:
        try:
            # Nothing is sent: the kernel only chooses from where it would be (192.0.2.0/24 is for documents).
            chosen.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has a loopback address only")
        return str(chosen.getsockname()[0])
