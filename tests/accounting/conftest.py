"""The command as a user calls it, and small networks to count by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnlab.cli import run


@pytest.fixture
def cnnlab(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that succeeds; returns what it printed."""

    def call(*arguments: object) -> str:
        code = run([str(each) for each in arguments])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return call


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that is the user's mistake; returns the message."""

    def call(*arguments: object) -> str:
        assert run([str(each) for each in arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err

    return call


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., str]:
    """Writes a config for summaries only; returns its path."""

    def write(layers: list[Any], input_shape: tuple[int, ...] = (12, 12, 3), **sections: Any) -> str:
        path = tmp_path / "network.yaml"
        data = {"model": {"input_shape": list(input_shape), "layers": layers}, **sections}
        path.write_text(json.dumps(data), encoding="utf-8")  # JSON is YAML
        return str(path)

    return write
