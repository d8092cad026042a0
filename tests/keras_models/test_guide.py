"""The example of docs/config.md is an experiment that trains."""

import re
from pathlib import Path

from cnnlab.cli import run
from cnnlab.config.experiment import load_config

GUIDE = Path(__file__).parents[2] / "docs" / "config.md"


def test_the_guides_example_trains(tmp_path, capsys):
    section = GUIDE.read_text(encoding="utf-8").partition("### A Keras model as it is")[2]
    example = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1]
    file = tmp_path / "rows.yaml"
    file.write_text(example, encoding="utf-8")
    architecture = load_config(str(file)).architecture
    assert [row.name for row in architecture.rows] == ["rows", "there", "back", "both", "colors"]
    assert architecture.total_params == 2 * 4 * 8 * (84 + 8 + 1) + 17 * 6
    assert run(["summary", str(file), "--set", "model.keras.config.layers.there.config.units=16"]) == 0
    assert "there   LSTM" in re.sub(" +", "   ", capsys.readouterr().out)
    quick = ["--set", "training.epochs=1", "--set", "dataset.train_size=60", "--quiet"]
    assert run(["train", str(file), *quick, "--out", str(tmp_path)]) == 0
