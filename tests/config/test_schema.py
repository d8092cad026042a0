"""The JSON Schema against the reader: whatever a config may say, an editor must not mark."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.cli import run
from cnnlab.config import schema
from cnnlab.config.experiment import parse_config, shipped_configs
from cnnlab.config.optimizers import OPTIMIZERS
from cnnlab.config.schedules import SCHEDULES
from cnnlab.config.schema import config_schema
from cnnlab.config.sections import EarlyStopping, ModelConfig, ReduceOnPlateau, RuntimeConfig, TrainingConfig
from cnnlab.config.vocabulary import MEANINGS
from cnnlab.datasets import DATASETS, OWN_DATA
from cnnlab.errors import UserError
from cnnlab.language.source import parse_yaml, read_yaml
from cnnlab.layers import LAYERS

CONFIGS = sorted(shipped_configs().glob("*.yaml"))


@cache
def schema_of_configs() -> dict[str, Any]:
    return config_schema()


@cache
def validator(definition: str | None = None) -> jsonschema.Draft202012Validator:
    schema = schema_of_configs()
    if definition:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return jsonschema.Draft202012Validator(schema)


def reader_accepts(data: Any) -> bool:
    try:
        parse_config(parse_yaml(json.dumps(data), "it.yaml"), default_name="it")
    except UserError:
        return False
    return True


def test_it_is_a_schema(capsys):
    assert run(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed == json.loads(json.dumps(schema_of_configs()))


def test_it_does_not_come_from_docstrings():
    """`python -OO` removes them."""
    without = subprocess.run(
        [sys.executable, "-OO", "-m", "cnnlab.cli", "schema"], capture_output=True, text=True, check=True
    )
    assert json.loads(without.stdout) == json.loads(json.dumps(schema_of_configs()))


def test_the_file_beside_the_configs_is_current():
    """`cnnlab schema > configs/schema.json` brings it up to date."""
    written = (shipped_configs() / "schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == json.loads(json.dumps(schema_of_configs()))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs(path):
    assert [error.message for error in validator().iter_errors(read_yaml(path).plain())] == []
    line = re.search(r"^# yaml-language-server: \$schema=(\S+)$", path.read_text(encoding="utf-8"), re.M)
    assert line, "configs carry the line that editors look for"
    assert (path.parent / line[1]).is_file()


def test_everything_is_described_and_nothing_left_open():
    for name, definition in schema_of_configs()["$defs"].items():
        assert definition["description"], name
        for field, shape in definition.get("properties", {}).items():
            if name == "Layer":
                continue
            assert shape.get("description"), (
                f"{name}.{field}: give it a description, or a line in vocabulary.py"
            )
            assert set(shape) - {"description", "default"}, f"{name}.{field}: anything goes; see _shorthands"


def test_a_field_is_described_once():
    tables = (LAYERS, DATASETS, OWN_DATA, OPTIMIZERS, SCHEDULES)
    for kind in (each for table in tables for each in table.values()):
        assert not (kind.about and kind.__name__ in MEANINGS), kind.__name__
        for name, field in kind.model_fields.items():
            assert not (field.description and f"{kind.__name__}.{name}" in MEANINGS), (
                f"{kind.__name__}.{name}"
            )


BASE = {
    "dataset": {"name": "mnist"},
    "model": {"layers": ["Flatten", {"Dense": {"units": 10, "activation": "softmax"}}]},
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"modell": {}}, id="unknown section"),
        pytest.param({"dataset": {"name": "mnsit"}}, id="unknown dataset"),
        pytest.param({"dataset": {"name": "mnist", "train_sise": 5}}, id="unknown dataset key"),
        pytest.param({"dataset": {"name": "mnist", "train_size": 0}}, id="no images"),
        pytest.param({"model": {}}, id="no layers"),
        pytest.param({"model": {"layers": []}}, id="empty layers"),
        pytest.param({"model": {"layers": ["Flaten"]}}, id="unknown layer"),
        pytest.param({"model": {"layers": ["Dense"]}}, id="a layer that needs settings, alone"),
        pytest.param({"model": {"layers": [{"Dense": None}]}}, id="a layer without its settings"),
        pytest.param({"model": {"layers": [{"Dense": {"unit": 10}}]}}, id="misspelt layer setting"),
        pytest.param({"model": {"layers": [{"Flatten": {}, "Dense": {"units": 10}}]}}, id="two in one"),
        pytest.param({"model": {"layers": [{"Dense": {"units": 2.5}}]}}, id="half a unit"),
        pytest.param(
            {"model": {"layers": [{"Dense": {"units": 9, "activation": "rellu"}}]}}, id="activation"
        ),
        pytest.param(
            {"model": {"layers": [{"Conv2D": {"filters": 5, "kernel_size": [3, 3, 3]}}]}}, id="three sizes"
        ),
        pytest.param(
            {"model": {"layers": [{"Residual": {"layers": ["Flaten"]}}]}}, id="unknown layer in a block"
        ),
        pytest.param({"training": {"epochs": True}}, id="true epochs"),
        pytest.param({"training": {"epoch": 3}}, id="misspelt key"),
        pytest.param({"training": {"optimizer": "adan"}}, id="unknown optimizer"),
        pytest.param({"training": {"optimizer": {"name": "sgd", "beta_1": 0.9}}}, id="another's argument"),
        pytest.param({"training": {"optimizer": {"momentum": 0.9}}}, id="not an argument of the default"),
        pytest.param({"training": {"optimizer": {"name": "sgd", "learning_rate": 0}}}, id="no steps"),
        pytest.param({"training": {"keep": "first"}}, id="unknown word"),
        pytest.param({"seed": -1}, id="seed"),
        pytest.param({"runtime": {"backend": "theano"}}, id="backend"),
        pytest.param({"name": "a b"}, id="blank in a name"),
    ],
)
def test_broken_configs_are_marked_by_both(change):
    assert reader_accepts(BASE)
    assert validator().is_valid(BASE)
    data = {**BASE, **change}
    assert not validator().is_valid(data)
    assert not reader_accepts(data)


def candidates(schema: dict[str, Any]) -> list[Any]:
    """Values to try for a field: every kind of thing, and the words and numbers of its own schema."""
    words = re.findall(r'"(?:enum|const)": (\[[^]]*\]|"[^"]*")', json.dumps(schema))
    own = [word for text in words for word in (json.loads(text) if text[0] == "[" else [json.loads(text)])]
    shorts = ["l1", "l2", "l1_l2", "max_norm", "non_neg", "unit_norm", "identity", "projection", "balanced",
              "adam", "mnist", "cosine", "Flatten", "word", ""]  # fmt: skip
    return [
        None, True, False, 0, 1, 2, 3, 7, -1, 0.0, 0.1, 0.5, 0.99, 1.0, 1.5, -0.5, 1e9, [], [1], [2, 3],
        [0, 0], [1, 2, 3], [3, 1, 2], [-1, 3], [0.1, 0.2], [-0.5, 0.5], [[1, 1], [2, 2]], [[0, 1], 2], [[1]],
        [[], []], [["Flatten"], []], ["Flatten"], [{"Dense": {"units": 1}}], ["0", "1"], ["top_5_accuracy"],
        {}, {"l2": 0.1}, {"max_norm": 1.5}, {"name": "adam"}, {"name": "cosine", "initial": 0.1}, {"0": 1.5},
        {"patience": 3}, {"name": "mnist"}, *shorts, *own,
    ]  # fmt: skip


NEEDED = {
    "filters": 4, "kernel_size": 3, "units": 5, "activation": "relu", "rate": 0.5, "stddev": 0.1,
    "scale": 2.0, "dims": [1], "target_shape": [-1], "height": 4, "width": 4, "factor": 0.1,
    "height_factor": 0.1, "width_factor": 0.1, "layers": ["Flatten"], "times": 2, "branches": [[], []],
    "initial": 0.1, "every": 3, "patience": 3, "groups": 1,
}  # fmt: skip

CLASSES = {
    each.__name__: (each, name)
    for table in (LAYERS, DATASETS, OPTIMIZERS, SCHEDULES)
    for name, each in table.items()
} | {
    each.__name__: (each, None)
    for each in (ModelConfig, TrainingConfig, RuntimeConfig, EarlyStopping, ReduceOnPlateau)
}


@pytest.mark.parametrize("definition", CLASSES)
def test_what_the_reader_takes_the_schema_takes(definition):
    """One field after the other, with all sorts of values."""
    settings_class, name = CLASSES[definition]
    required = {field for field, each in settings_class.model_fields.items() if each.is_required()}
    required |= {"layers"} if definition == "ModelConfig" else set()  # or keras in their place
    base = {field: NEEDED[field] for field in required if field != "name"}
    if name is not None and definition not in LAYERS:
        base["name"] = name
    settings_class.model_validate(base)
    properties = schema_of_configs()["$defs"][definition]["properties"]
    accepted = 0
    for field in settings_class.model_fields:
        for value in candidates(properties[field]):
            data = {**base, field: value}
            try:
                settings_class.model_validate(data)
            except ValidationError:
                continue
            accepted += 1
            assert validator(definition).is_valid(data), f"{definition}: {data}"
    assert accepted >= len(settings_class.model_fields)


@st.composite
def changed_configs(draw: st.DrawFn) -> Any:
    """A shipped config with something in it replaced, renamed or taken out."""
    data = read_yaml(draw(st.sampled_from(CONFIGS))).plain()
    node: Any = data
    while isinstance(node, dict | list) and node:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or draw(st.integers(0, 3)) == 0:
            break
        node = node[key]
    if isinstance(node, dict) and draw(st.booleans()):
        value = node.pop(key)
        if draw(st.booleans()):
            node[f"{key}s"] = value
    else:
        node[key] = draw(st.sampled_from(candidates({})))
    return data


@settings(max_examples=150)
@given(data=changed_configs())
def test_what_the_schema_rejects_the_reader_rejects(data):
    if not validator().is_valid(data):
        assert not reader_accepts(data)


def test_two_classes_of_one_name_are_refused():
    class Colors(DATASETS["xo"]):
        """A plug-in's."""

    with pytest.raises(UserError) as caught:
        schema._by_class_name([*DATASETS.values(), Colors])
    assert str(caught.value) == (
        f"the schema needs one name for each class, found Colors in cnnlab.datasets.sources.colors and in "
        f"{__name__}\n   rename the class of the plug-in, or uninstall it"
    )
