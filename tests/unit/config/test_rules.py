from __future__ import annotations

import os
from pathlib import Path

import pytest

from gofer.config import rules
from gofer.config.load import Configuration, read
from gofer.config.rules import doubts, faults
from tests.support.certificates import Authority
from tests.support.closed import closed

NOW = 1_800_000_000.0
EXTERNAL = "external_events_api { enable = true host = "


def configured(folder: Path, text: str) -> Configuration:
    path = folder / "gofer.hcl"
    path.write_text(text)
    found = read(path, {"HOME": str(folder)}, {})
    assert found.problems == []
    return found


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('\nserver { host = "0.0.0.0:80" }', 2, "loopback addresses only"),
        ('server { host = "nowhere" }', 1, "which is not an address"),
        (f'server {{ host = "localhost:{"9" * 5000}" }}', 1, "which is not an address"),
        ('server { host = "example.org:80" }', 1, "which is not an IP address"),
        (f'{EXTERNAL}"0.0.0.0:81" }}', 1, "external_events_api.host is 0.0.0.0: dev mode asks nobody"),
        (f'dev_mode = false\n{EXTERNAL}"0.0.0.0:81" }}', 2, "external_events_api.host is 0.0.0.0, and no certificate"),
        (f'{EXTERNAL}"nowhere" }}', 1, 'external_events_api.host is "nowhere", which is not an address'),
        (f'{EXTERNAL}"example.org:1" }}', 1, 'external_events_api.host names "example.org", which is not an IP'),
        ('server { tls_cert_path = "/c" }', 1, "server.tls_cert_path is set, but server.tls_key_path is not"),
        ('server {\n tls_key_path = "/k" }', 2, "server.tls_key_path is set, but server.tls_cert_path is not"),
        ('server {\n tls_key_path = "/k"\n tls_cert_path = "/no/c" }', 3, "/no/c cannot be read"),
    ],
)
def test_what_would_stop_the_start(tmp_path: Path, text: str, line: int, message: str) -> None:
    (problem,) = faults(configured(tmp_path, text))
    assert problem.place == f"{tmp_path}/gofer.hcl line {line}"
    assert message in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("allow_process_engine = true\ndev_mode = false", "which isolate nothing"),
        ('server { storage_path = "/tmp/gofer" }', "/tmp/gofer does not outlive"),
        ('task_run_logs_dir = "/run/gofer"', "/run/gofer does not outlive"),
        ('task_run_logs_dir = "/dev/null/logs"', "/dev/null is no folder"),
        ("allow_privileged = true", "root on its host"),
        ('allowed_mounts = ["data"]', '"data" is not an absolute path'),
        ('allowed_mounts = ["/srv", "/"]', "who may mount / may do everything"),
        ('allowed_mounts = ["/var/run/docker.sock"]', "may do everything on the engine's host"),
        ('allowed_networks = ["host"]', "Gofer included"),
        ('scheduler { engine = "fake" }', "runs nothing"),
        ('scheduler { engine = "process" docker { init = false } }', "has no effect with the process engine"),
        ('scheduler { docker { prune_interval = "1h" } }', "has no effect while scheduler.docker.prune is false"),
        ('event_log_retention = "1h"', "looked at so seldom"),
        ('event_prune_interval = "1s"', "all the time"),
    ],
)
def test_doubts(tmp_path: Path, text: str, message: str) -> None:
    found = doubts(configured(tmp_path, text), NOW)
    assert any(message in problem.message for problem in found), found
    assert all(problem.hint for problem in found)


def test_a_sound_configuration_raises_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_FLEETING", ())  # tmp_path is doubtful by itself
    found = doubts(configured(tmp_path, f'dev_mode = false\nserver {{ storage_path = "{tmp_path}/new/data" }}'), NOW)
    assert found == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is warned")
def test_development_as_root(tmp_path: Path) -> None:
    assert any("as root" in problem.message for problem in doubts(configured(tmp_path, ""), NOW))


def test_the_certificate(tmp_path: Path) -> None:
    made = Authority(tmp_path / "tls").sign("server", names="DNS:elsewhere")
    made.key.chmod(0o644)
    text = f'server {{\n tls_cert_path = "{made.cert}"\n tls_key_path = "{made.key}"\n}}'
    configuration = configured(tmp_path, text)
    assert faults(configuration) == []
    said = {
        problem.place[-6:]: problem.message for problem in doubts(configuration, NOW * 2) if "tls" in problem.message
    }
    assert said["line 2"] == 'server.tls_cert_path: the certificate is not for "localhost", only for elsewhere'
    assert said["line 3"].startswith("server.tls_key_path: others may read or change")
    assert any("has expired" in problem.message for problem in doubts(configuration, NOW * 2))
    made.key.chmod(0o640)
    assert not any("others may" in problem.message for problem in doubts(configuration, NOW))


def test_what_may_not_be_looked_at_is_a_finding_and_no_defect(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    tls = f'tls_cert_path = "{folder}/c"\n tls_key_path = "{folder}/k"'
    text = f'server {{\n storage_path = "{folder}/data/gofer"\n {tls} }}'
    configuration = configured(tmp_path, text)
    with closed(folder):
        assert [problem.place[-6:] for problem in faults(configuration)] == ["line 3"]
        assert any("this user may not make it in" in problem.message for problem in doubts(configuration, NOW))
