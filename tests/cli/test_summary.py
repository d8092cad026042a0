"""What `cnnlab summary` prints: for people, and to the letter for programs."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))

KEYS = {
    "name": str,
    "input_shape": list,
    "total_params": int,
    "trainable_params": int,
    "non_trainable_params": int,
    "macs": int,
    "neurons": int,
    "dense_equivalent_params": int,
    "layers": list,
}
LAYER_KEYS = {
    "name": str,
    "type": str,
    "output_shape": list,
    "params": int,
    "trainable_params": int,
    "macs": int,
    "neurons": int,
    "receptive_field": (list, type(None)),
    "dense_equivalent_params": int,
    "locality_saving": (float, type(None)),
    "sharing_saving": (float, type(None)),
}


@pytest.fixture(autouse=True)
def outside_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_cnn_of_the_lecture(cnnlab) -> None:
    document = cnnlab("summary", "cnn", "--json").json
    layers = document.pop("layers")
    assert {key: document[key] for key in KEYS if key != "layers"} == {
        "name": "cnn",
        "input_shape": [28, 28, 1],
        "total_params": 137_660,
        "trainable_params": 137_660,
        "non_trainable_params": 0,
        "macs": 1_639_350,
        "neurons": 16_900 + 6_050 + 100 + 10,
        "dense_equivalent_params": 38_959_910,
    }
    columns = ("name", "type", "output_shape", "params", "macs", "neurons", "receptive_field")
    assert [tuple(layer[column] for column in columns) for layer in layers] == [
        ("conv2d_1", "Conv2D", [26, 26, 25], 250, 152_100, 16_900, [3, 3]),
        ("max_pooling2d_1", "MaxPooling2D", [13, 13, 25], 0, 0, 0, [4, 4]),
        ("conv2d_2", "Conv2D", [11, 11, 50], 11_300, 1_361_250, 6_050, [8, 8]),
        ("max_pooling2d_2", "MaxPooling2D", [5, 5, 50], 0, 0, 0, [10, 10]),
        ("flatten_1", "Flatten", [1250], 0, 0, 0, [10, 10]),
        ("dense_1", "Dense", [100], 125_100, 125_000, 100, [28, 28]),
        ("dense_2", "Dense", [10], 1_010, 1_000, 10, [28, 28]),
    ]
    first, _, second = layers[:3]
    assert (first["dense_equivalent_params"], second["dense_equivalent_params"]) == (13_266_500, 25_567_300)
    assert (first["locality_saving"], first["sharing_saving"]) == (78.5, 676)
    assert second["locality_saving"] == pytest.approx(25_567_300 / (6_050 * (9 * 25 + 1)))
    assert second["sharing_saving"] == 121
    assert layers[1]["locality_saving"] is None
    assert layers[1]["sharing_saving"] is None


@pytest.mark.parametrize(
    ("name", "params"),
    [("dnn", 898_510), ("cnn", 137_660), ("cnn_mixed_format", 138_110), ("cifar10_cnn", 1_250_858)],
)
def test_the_parameters_of_the_notes(cnnlab, name: str, params: int) -> None:
    assert cnnlab("summary", name, "--json").json["total_params"] == params


@pytest.mark.parametrize("name", NAMES)
def test_json_contract(cnnlab, name: str) -> None:
    document = cnnlab("summary", name, "--json").json
    assert KEYS.keys() <= document.keys()
    for key, kind in KEYS.items():
        assert type(document[key]) is kind, key
    for layer in document["layers"]:
        assert LAYER_KEYS.keys() <= layer.keys()
        for key, kind in LAYER_KEYS.items():
            assert isinstance(layer[key], kind), key
        if layer["sharing_saving"] is not None:
            both = layer["locality_saving"] * layer["sharing_saving"]
            assert both == pytest.approx(layer["dense_equivalent_params"] / layer["params"])
    assert document["total_params"] == document["trainable_params"] + document["non_trainable_params"]
    for total, column in (("total_params", "params"), ("macs", "macs"), ("neurons", "neurons")):
        assert document[total] == sum(layer[column] for layer in document["layers"])


def test_several_names_give_a_list(cnnlab) -> None:
    both = cnnlab("summary", "cnn", "dnn", "--json").json
    assert both == [cnnlab("summary", name, "--json").json for name in ("cnn", "dnn")]


def test_no_name_gives_all(cnnlab) -> None:
    assert cnnlab("summary", "--json").json == [cnnlab("summary", name, "--json").json for name in NAMES]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_set_without_a_name(cnnlab) -> None:
    result = cnnlab("summary", "--set", "seed=1")
    assert (result.code, result.stdout) == (2, "")
    assert "the name of a config" in result.stderr


def test_csv_is_the_json_in_full_precision(cnnlab) -> None:
    rows = rows_of(cnnlab("summary", "cnn", "dnn", "--csv").stdout)
    documents = cnnlab("summary", "cnn", "dnn", "--json").json
    expected = [(document["name"], layer) for document in documents for layer in document["layers"]]
    assert len(rows) == len(expected)
    for row, (name, layer) in zip(rows, expected, strict=True):
        assert row.pop("experiment") == name
        assert list(row) == list(layer)
        for key, value in layer.items():
            if isinstance(value, list):
                assert row[key] == "×".join(map(str, value))
            elif value is None:
                assert row[key] == ""
            else:
                assert type(value)(row[key]) == value


def test_csv_of_the_overview(cnnlab) -> None:
    rows = rows_of(cnnlab("summary", "--csv").stdout)
    documents = cnnlab("summary", "--json").json
    assert [row["experiment"] for row in rows] == NAMES
    for row, document in zip(rows, documents, strict=True):
        assert int(row["params"]) == document["total_params"]
        assert int(row["macs"]) == document["macs"]
        assert math.prod(map(int, row["input_shape"].split("×"))) == math.prod(document["input_shape"])


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown(cnnlab) -> None:
    title, _, header, rule, *rows = cnnlab("summary", "cnn", "--markdown").stdout.splitlines()
    assert title == "### cnn: 28×28×1 → 10"
    assert cells(header)[:4] == ["Layer", "Type", "Output", "Params"]
    assert set(rule) <= {"|", "-", ":"}
    assert {len(cells(row)) for row in (header, rule, *rows[:8])} == {len(cells(header))}
    assert [cells(row)[0] for row in rows[:8]] == [
        *("conv2d_1", "max_pooling2d_1", "conv2d_2", "max_pooling2d_2", "flatten_1", "dense_1", "dense_2"),
        "total",
    ]
    assert cells(rows[0])[2:4] == ["26×26×25", "250"]
    assert cells(rows[7])[3] == "137,660"
    assert rows[9].startswith("137,660 parameters (137,660 trainable)")


def test_overview(cnnlab) -> None:
    header, _, *rows = cnnlab("summary").stdout.splitlines()
    assert header.split() == ["Experiment", "Dataset", "Input", "Layers", "Parameters", "MACs"]
    assert [row.split()[0] for row in rows] == NAMES
    assert ["cnn", "MNIST", "28×28×1", "7", "137,660", "1,639,350"] in [row.split() for row in rows]
    markdown = cnnlab("summary", "--markdown").stdout.splitlines()
    assert cells(markdown[0]) == header.split()
    assert len(markdown) == len(rows) + 2


def test_set_changes_the_summary(cnnlab) -> None:
    document = cnnlab("summary", "cnn", "--set", "model.layers.conv2d_1.filters=8", "--json").json
    assert document["layers"][0]["params"] == 80


def test_a_config_without_data_has_a_summary(cnnlab) -> None:
    Path("wide.yaml").write_text(
        "model: {input_shape: [227, 227, 3], layers: [Conv2D: {filters: 96, kernel_size: 11, strides: 4}]}\n"
    )
    document = cnnlab("summary", "wide.yaml", "--json").json
    assert document["name"] == "wide"
    assert document["layers"][0]["output_shape"] == [55, 55, 96]


def test_own_configs_come_first_and_broken_ones_are_named(cnnlab) -> None:
    Path("configs").mkdir()
    own = (CONFIGS / "cnn.yaml").read_text().replace("filters: 25", "filters: 1")
    Path("configs/cnn.yaml").write_text(own)
    Path("configs/broken.yaml").write_text(
        "seed: -1\ndataset: mnist\nmodel: {layers: [Flatten, Dense: {units: 10}]}\n"
    )
    result = cnnlab("summary", "--json")
    assert result.code == 2
    assert result.stderr == "configs/broken.yaml:1:7: seed: expected 0 or more, found -1\n"
    assert [document["name"] for document in result.json] == NAMES
    [document] = [each for each in result.json if each["name"] == "cnn"]
    assert document["layers"][0]["output_shape"] == [26, 26, 1]


def test_counts_beyond_what_a_machine_holds_are_exact(cnnlab) -> None:
    Path("vast.yaml").write_text(
        "model: {input_shape: [3], layers: [Dense: {units: 1000000000000000, use_bias: false}]}\n"
    )
    result = cnnlab("summary", "vast.yaml", "--json")
    assert json.loads(result.stdout)["total_params"] == 3 * 10**15
