"""constraints.txt pins everything that pyproject.toml asks for, within the bounds it gives."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")

REQUIREMENTS = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]


def pins() -> dict[str, str]:
    """Package → its one version."""
    lines = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    pinned = [Requirement(line) for line in lines]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pinned}
    assert len(versions) == len(lines), (
        "two versions of one package: results would depend on the Python version"
    )
    return versions


@pytest.mark.parametrize("requirement", [Requirement(line) for line in REQUIREMENTS], ids=str)
def test_requirement_is_pinned(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_constraints_name_no_host() -> None:
    assert "://" not in CONSTRAINTS
