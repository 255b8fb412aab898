"""What the engine's refusals mean."""

from __future__ import annotations

import pytest

from gofer.engines.scheduler.docker_errors import ApiError, is_missing_image, plain, pull_failed, start_failed
from gofer.models.status import Reason

LAYERS = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("manifest for busybox:nope not found: manifest unknown: manifest unknown", Reason.IMAGE_NOT_FOUND),
        ("pull access denied for x, repository does not exist or may require 'docker login'", Reason.IMAGE_NOT_FOUND),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", Reason.IMAGE_NOT_FOUND),
        ("invalid reference format", Reason.IMAGE_NOT_FOUND),
        ('Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host', Reason.PULL_FAILED),
        ("unauthorized: incorrect username or password", Reason.PULL_FAILED),
        ("toomanyrequests: You have reached your pull rate limit", Reason.PULL_FAILED),
        ("write /var/lib/docker/tmp/x: no space left on device", Reason.PULL_FAILED),
    ],
)
def test_pulls(message: str, reason: Reason) -> None:
    error = pull_failed("some/image:tag", message)
    assert error.reason == reason
    assert "some/image:tag" in error.message
    assert message in error.message
    assert error.hint


def test_a_refused_login_points_at_the_credentials() -> None:
    assert "credentials" in pull_failed("x", "unauthorized: authentication required").hint


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (LAYERS + 'exec: "nosuch": executable file not found in $PATH: unknown', "command"),
        (LAYERS + 'exec: "/etc/passwd": permission denied: unknown', "executable"),
        ("failed to initialize logging driver: x", "log_driver"),
        ('exec: "docker-init": executable file not found in $PATH', "scheduler.docker.init"),
    ],
)
def test_starts(message: str, hint: str) -> None:
    error = start_failed(message)
    assert error.reason == Reason.START_FAILED
    assert hint in error.hint
    assert "runc" not in error.message


def test_the_layers_are_left_out() -> None:
    assert plain(LAYERS + 'exec: "nosuch": executable file not found in $PATH: unknown') == (
        'exec: "nosuch": executable file not found in $PATH'
    )


def test_a_missing_image_is_told_from_other_missing_things() -> None:
    assert is_missing_image(ApiError(404, "No such image: nosuch:1"))
    assert not is_missing_image(ApiError(404, "No such container: nosuch"))
    assert not is_missing_image(ApiError(400, "invalid reference format"))


def test_an_unwell_engine_is_told_from_a_wrong_request() -> None:
    assert ApiError(503, "anything").passes
    assert ApiError(500, 'connection error: desc = "transport: error while dialing: dial unix containerd.sock"').passes
    assert not ApiError(500, "network x not found").passes
