from __future__ import annotations

import pytest

from gofer.server.pipelines.images import is_image

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:stable",
        "library/busybox:1.36.1-musl",
        "a/b/c/d:e",
        "my_image__x/a.b-c--d",
        "localhost/x",
        "localhost:5000/x",
        "registry:5000/team/x:TAG_1",
        "ghcr.io/acme/tool:v1.2",
        "Registry.Example.ORG/x",
        "127.0.0.1:80/x",
        "[2001:db8::1]:5000/x",
        "[::1]/x",
        f"busybox@{DIGEST}",
        f"example.org:443/x/y:tag@{DIGEST}",
        "x@sha512:" + "a" * 128,
        "x@other+b64:" + "a" * 40,
        "a" * 255,
        "x:" + "t" * 128,
        "0/1:2",
    ],
)
def test_good(image: str) -> None:
    assert is_image(image)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "Busybox",
        "Team/busybox",
        "busybox:",
        ":tag",
        "busybox:a:b",
        "busybox:-x",
        "busybox:" + "t" * 129,
        "a" * 256,
        "a//b",
        "/busybox",
        "busybox/",
        "-busybox",
        "busy box",
        "busybox\n",
        "a..b",
        "a___b",
        "a_-b",
        ".a",
        "a.",
        "_a",
        "registry:port/x",
        "registry:123456/x",
        "-a.b/x",
        "[zz]/x",
        "x@sha256:abc",
        "x@sha256:" + "a" * 63,
        "x@sha256:" + "g" * 64,
        "x@" + "a" * 64,
        "a" * 64,
        "https://x/y",
        "x;y",
        "$(x)",
        "../x",
        "büsybox",
        "x:täg",
        "a" * 1_000_000,
        "a-" * 100_000,
    ],
)
def test_bad(image: str) -> None:
    assert not is_image(image)
