"""The chain of floors in docs/design.md is the contract that `make lint` checks."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def floors(text: str) -> set[str]:
    """The rooms of one floor."""
    return {room.strip() for room in text.split("|")}


def test_the_chain_of_floors_is_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["id"]: each for each in project["tool"]["importlinter"]["contracts"]}
    expected = [
        {room for room in floors(layer) if not room.startswith("(")}
        for layer in contracts["floors"]["layers"]
    ]  # in parentheses: not built yet
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    (chain,) = re.findall(r"^`(__main__ → [^`]*)`$", design, re.MULTILINE)
    assert [floors(floor) for floor in chain.split("→")] == expected
