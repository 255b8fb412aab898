from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from gofer.config.load import read
from gofer.config.rules import faults
from gofer.config.sample import PROFILES, Profile, sample
from gofer.config.settings import Settings
from gofer.config.table import flatten, table
from tests.support.certificates import Authority

PACKAGED = Path(__file__).parents[3] / "packaging" / "gofer.hcl"
PROFILE_NAMES: tuple[Profile, ...] = get_args(Profile)


def test_the_packaged_file_is_in_step() -> None:
    command = "gofer service init-config --production --force packaging/gofer.hcl"
    assert PACKAGED.read_text(encoding="utf-8") == sample("production"), command


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_it_sets_what_the_profile_says_and_nothing_else(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "gofer.hcl"
    path.write_text(sample(profile))
    found = read(path, {"HOME": "/h"}, {})
    assert found.problems == []
    assert set(found.sources) == set(PROFILES[profile])
    values = flatten(found.settings)
    assert {key: str(values[key]) for key in PROFILES[profile]} == {k: str(v) for k, v in PROFILES[profile].items()}


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_every_setting_stands_in_it_and_every_line_may_be_uncommented(profile: Profile, tmp_path: Path) -> None:
    text, count = re.subn(r"^( *)#(\w+ = )", r"\1\2", sample(profile), flags=re.MULTILINE)
    assert count == len(list(table(Settings))) - len(PROFILES[profile])
    made = Authority(tmp_path / "tls").sign("server")
    text = text.replace("/etc/gofer/tls.crt", str(made.cert)).replace("/etc/gofer/tls.key", str(made.key))
    path = tmp_path / "gofer.hcl"
    path.write_text(text)
    found = read(path, {}, {})
    assert [*found.problems, *faults(found)] == []
    assert set(found.sources) == {setting.key for setting in table(Settings)}
    values = flatten(found.settings)
    for setting in table(Settings):
        if setting.default is not None and setting.key not in PROFILES[profile]:
            assert values[setting.key] == setting.default


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_lines_are_short_and_explained(profile: Profile) -> None:
    lines = sample(profile).splitlines()
    assert max(map(len, lines)) <= 120
    for before, line in pairwise(lines):
        if re.match(r" *#?\w+ = ", line):
            assert re.match(r" *# \S", before), line
