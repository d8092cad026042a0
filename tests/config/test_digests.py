"""The digest names a run's folder: it must never change by itself, or finished runs are lost."""

import json
from pathlib import Path

import pytest

from cnnlab.config.experiment import load_config, shipped_configs

PINNED = json.loads((Path(__file__).parent / "shipped_digests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PINNED))
def test_a_shipped_config_keeps_its_digest(name):
    assert load_config(str(shipped_configs() / f"{name}.yaml")).digest == PINNED[name]


def test_every_shipped_config_is_pinned():
    assert {path.stem for path in shipped_configs().glob("*.yaml")} == PINNED.keys()
