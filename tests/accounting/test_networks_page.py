"""docs/networks.md: our counts are the published ones, and the page is as the configs are."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from cnnlab.config.experiment import load_config

ROOT = Path(__file__).parents[2]


def _networks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("networks", ROOT / "bench" / "networks.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["networks"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


NETWORKS = _networks()


@pytest.mark.parametrize("name", NETWORKS.PUBLISHED)
def test_our_count_is_the_published_one(name):
    published = NETWORKS.PUBLISHED[name]
    assert NETWORKS.counted(load_config(name), published.of) == published.params


def test_the_page_is_current():
    """`python bench/networks.py` brings it up to date."""
    assert (ROOT / "docs" / "networks.md").read_text(encoding="utf-8") == NETWORKS.page()


def test_its_pictures_are_there():
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert len(pictures) == len(NETWORKS.DRAWN) + 1
    for picture in pictures:
        assert (ROOT / "docs" / picture).is_file(), picture
