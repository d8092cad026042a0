"""What a person reads: tables that fit a terminal, sums that are right, networks side by side."""

import json
import re
import subprocess
import sys
import time

import pytest

from cnnlab.config.experiment import shipped_configs

SHIPPED = sorted(path.stem for path in shipped_configs().glob("*.yaml"))

RESIDUAL = {
    "Residual": {
        "layers": [{"Conv2D": {"filters": 3, "kernel_size": 3, "padding": "same"}}],
        "activation": "relu",
    }
}


@pytest.mark.parametrize("name", SHIPPED)
def test_tables_fit_a_terminal(cnnlab, name):
    assert max(map(len, cnnlab("summary", name).splitlines())) <= 120


def test_the_lecture_line_by_line(cnnlab):
    lines = cnnlab("summary", "cnn").splitlines()
    assert lines[0] == "cnn: 28×28×1 → 10"
    assert re.split(r"  +", lines[1]) == [
        "Layer",
        "Type",
        "Output",
        "Params",
        "%",
        "MACs",
        "Receptive field",
        "Locality",
        "Sharing",
    ]
    assert lines[5].split() == [
        "conv2d_2", "Conv2D", "3×3", "11×11×50", "11,300", "8.2", "1.36", "M", "8×8", "18.7×", "121×",
    ]  # fmt: skip
    assert lines[10].split() == ["total", "137,660", "1.64", "M"]
    assert "137,660 parameters (137,660 trainable), 23,060 neurons." in lines
    assert "Per image: 1,639,350 MACs, 3,301,760 FLOPs." in lines
    assert lines[-3].startswith(
        "Compared with Dense layers of the same input and output: Locality is the factor"
    )
    assert lines[-2].endswith("Sharing the factor saved because all positions use the same kernel.")
    assert lines[-1].endswith("would need 38,959,910 parameters, 283 times as many.")


def test_a_block_has_a_line_with_its_sums(cnnlab, network):
    lines = cnnlab("summary", network([{"Repeat": {"times": 2, "layers": [RESIDUAL]}}])).splitlines()
    names = [line.split("  ")[0] for line in lines[3:]]
    assert names[:5] == ["repeat_1", "· residual_1", "· · conv2d_1", "· · add", "· · relu"]
    assert lines[3].split()[:4] == ["repeat_1", "block", "12×12×3", "168"]
    assert lines[4].split()[:5] == ["·", "residual_1", "block", "12×12×3", "84"]


def test_wide_is_one_line_a_layer_to_the_last_digit(cnnlab, network):
    path = network([{"Repeat": {"times": 2, "layers": [RESIDUAL]}}])
    layers = json.loads(cnnlab("summary", path, "--json"))["layers"]
    lines = cnnlab("summary", path, "--wide").splitlines()
    assert [line.split()[0] for line in lines[3 : 3 + len(layers)]] == [layer["name"] for layer in layers]
    assert f"{layers[0]['flops']:,}" in lines[3]


def test_two_networks_side_by_side(cnnlab):
    lines = [line.split() for line in cnnlab("summary", "dnn", "cnn").splitlines()]
    assert ["dnn", "cnn", "cnn", "÷", "dnn"] in lines
    assert ["parameters", "898,510", "137,660", "0.153×"] in lines
    assert ["stage", "2", "–", "5×5×50", "11,300", "8.2", "1.36", "M"] in lines
    assert ["dense", "1", "500", "392,500", "43.7", "392", "k", "100", "125,100", "90.9", "125", "k"] in lines


def test_three_networks_side_by_side(cnnlab):
    lines = [line.split() for line in cnnlab("summary", "dnn", "cnn", "cifar10_cnn").splitlines()]
    assert ["parameters", "898,510", "137,660", "1,250,858"] in lines
    assert ["dense", "2", "500", "250,500", "10", "1,010", "10", "5,130"] in lines


def test_side_by_side_is_a_list_in_json(cnnlab):
    documents = json.loads(cnnlab("summary", "dnn", "cnn", "--json"))
    assert [document["total_params"] for document in documents] == [898_510, 137_660]


@pytest.mark.parametrize("name", SHIPPED)
def test_stages_leave_no_parameter_out(name):
    from cnnlab.accounting.stages import stages
    from cnnlab.config.experiment import load_config

    network = load_config(name).architecture
    parts = stages(network)
    assert tuple(row for part in parts for row in part.rows) == network.rows
    assert sum(part.params for part in parts) == network.total_params


def test_a_block_with_a_stride_inside_belongs_to_the_stage_it_ends_in(cnnlab, network):
    from cnnlab.accounting.stages import stages
    from cnnlab.config.experiment import load_config

    same = {"filters": 3, "kernel_size": 3, "padding": "same"}
    down = {"Residual": {"layers": [{"Conv2D": same}, {"Conv2D": {**same, "strides": 2}}],
                         "shortcut": "projection"}}  # fmt: skip
    layers = [{"Conv2D": same}, down, "Flatten", {"Dense": {"units": 2}}, {"Dropout": {"rate": 0.5}}]
    parts = stages(load_config(network(layers)).architecture)
    assert [(part.label, part.output_shape) for part in parts] == [
        ("stage 1", (12, 12, 3)), ("stage 2", (6, 6, 3)), ("dense 1", (2,)),
    ]  # fmt: skip
    assert parts[1].params == 84 + 84 + 12


def test_options_that_need_a_name(refused):
    assert "need the name of a config" in refused("summary", "--wide")
    assert "exclude each other" in refused("summary", "cnn", "--json", "--csv")


def test_the_answer_comes_without_keras_and_soon(network):
    """The target is 0.35 s on a free core; on a busy machine the process's own time is what counts."""
    block = {"Residual": {"layers": [{"Conv2D": {"filters": 3, "kernel_size": 3, "padding": "same"}}] * 3}}
    path = network([{"Repeat": {"times": 50, "layers": [block]}}])
    code = (
        "import sys, time; from cnnlab.cli import run; run(['summary', sys.argv[1]]);"
        "print(time.process_time(), 'keras' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    )
    begun = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    seconds, keras, numpy = result.stderr.split()
    assert (keras, numpy) == ("False", "False")
    assert min(float(seconds), time.perf_counter() - begun) < 1.0


def test_side_by_side_as_markdown(cnnlab):
    lines = [line for line in cnnlab("summary", "dnn", "cnn", "--markdown").splitlines() if line]
    assert all(line.startswith("|") for line in lines[:-1])
    assert "| dnn output |" in " ".join(" ".join(lines).split())


def test_groups_and_growth_are_in_the_table(cnnlab):
    """48 of AlexNet's 96 channels, and the 32 maps that every layer of a DenseNet adds."""
    assert "conv2d_2                        5×5, 2 groups  27×27×256" in cnnlab("summary", "alexnet")
    lines = cnnlab("summary", "densenet121").splitlines()
    grown = [line for line in lines if " +" in line and "channels" in line]
    assert grown[0].split()[:4] == ["repeat_1", "+192", "channels", "56×56×256"]
    assert sum("+32 channels" in line for line in grown) == 6 + 12 + 24 + 16
    assert not any(
        "channels" in line and " +" in line for line in cnnlab("summary", "googlenet").splitlines()
    )
