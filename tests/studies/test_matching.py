import json
from types import SimpleNamespace

import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.errors import UserError
from cnnlab.studies.matching import match_budget as match


def configs(*names, changes=()):
    return [load_config(name, changes) for name in names]


class Stopwatch:
    """Jobs whose steps take time in proportion to the parameters; a start costs 20 s, the first of all 40."""

    def __init__(self, *, jitter=0.0, drift=0.0):
        self.jitter, self.drift, self.count = jitter, drift, 0

    def estimate_cost(self, config):
        self.count += 1
        noise = (1 + self.jitter * (-1) ** self.count) * (1 + self.drift * self.count)
        step = config.architecture.total_params * 1e-8 * noise
        start = 40 if self.count == 1 else 20
        seconds = start + 100 * step * config.training.epochs
        return SimpleNamespace(seconds_per_step=step, steps_per_epoch=100, seconds=seconds)


@pytest.mark.parametrize("budget", ["parameters", "macs"])
@pytest.mark.parametrize("pair", [("dnn", "cnn"), ("cnn", "dnn"), ("cifar10_dnn", "cifar10_cnn")])
def test_the_dnn_costs_what_the_cnn_does(budget, pair):
    found = match(configs(*pair), budget, estimate_cost=None)
    assert found.original.name.endswith("dnn")
    assert found.config.name == f"{found.original.name}_{budget}_of_{found.reference.name}"
    ours, theirs = found.config.architecture, found.reference.architecture
    cost = {"parameters": ours.total_params, "macs": ours.macs}[budget]
    assert found.reached == cost
    assert found.wanted == {"parameters": theirs.total_params, "macs": theirs.macs}[budget]
    assert cost == pytest.approx(found.wanted, rel=0.001)
    assert ours.output_shape == theirs.output_shape


def test_nothing_but_the_widths_changes():
    found = match(configs("dnn", "cnn"), "parameters", estimate_cost=None)
    after = [layer["Dense"].pop("units") for layer in found.config.plain()["model"]["layers"][1:]]
    assert after == [pair[1] for pair in found.widths] + [10]
    assert str(found) == (
        "dnn_parameters_of_cnn is dnn with widths 500, 500, 500 → 130, 131, 130: "
        "137,681 parameters against 137,660 of cnn (+0.02%)"
    )
    plain, original = found.config.plain(), found.original.plain()
    for data in (plain, original):
        del data["name"]
        for layer in data["model"]["layers"][1:]:
            del layer["Dense"]["units"]
    assert plain == original


def test_the_other_way_round_by_name():
    found = match(configs("dnn", "cnn"), "parameters", estimate_cost=None, resize="cnn")
    assert found.config.name == "cnn_parameters_of_dnn"
    assert found.config.architecture.total_params == pytest.approx(898_510, rel=0.001)
    assert len(found.widths) == 3


@pytest.mark.parametrize("jitter", [0.0, 0.04])
@pytest.mark.parametrize("pair", [("dnn", "cnn"), ("colors_dnn", "colors_cnn")])
def test_seconds_are_measured(pair, jitter):
    jobs = Stopwatch(jitter=jitter)
    found = match(configs(*pair), "seconds", estimate_cost=jobs.estimate_cost)
    assert found.reached == pytest.approx(found.wanted, rel=0.08)  # widths 5 and 2: one more is 8%
    assert jobs.count <= 12
    assert "s of training steps against" in str(found)


@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_neither_starting_nor_a_machine_that_gets_busier_counts(drift):
    found = match(configs("dnn", "cnn"), "seconds", estimate_cost=Stopwatch(drift=drift).estimate_cost)
    assert found.config.architecture.total_params == pytest.approx(137_660, rel=0.2)


def test_seconds_out_of_reach_come_as_close_as_they_can():
    class Slow(Stopwatch):
        def estimate_cost(self, config):
            return SimpleNamespace(
                seconds_per_step=0.1 if config.name == "dnn" else 0.001, steps_per_epoch=50
            )

    found = match(configs("dnn", "cnn"), "seconds", estimate_cost=Slow().estimate_cost)
    assert found.reached == 100.0


@pytest.mark.parametrize(
    ("names", "resize", "message"),
    [
        (("dnn",), None, "--match: expected two experiments given as configs, found 1"),
        (("dnn", "cnn", "colors_dnn"), None, "--match: expected two experiments given as configs, found 3"),
        (
            ("cnn", "fashion_cnn"), None,
            "--match: which of cnn and fashion_cnn is to be resized? choose one with --resize NAME",
        ),
        (("dnn", "cnn"), "dn", "unknown experiment to resize: 'dn'; did you mean dnn?"),
    ],
)  # fmt: skip
def test_what_cannot_be_matched(names, resize, message):
    with pytest.raises(UserError) as caught:
        match(configs(*names), "parameters", estimate_cost=None, resize=resize)
    assert str(caught.value) == message


def test_a_budget_that_is_too_small(tmp_path):
    tiny = tmp_path / "tiny.yaml"
    layers = "[GlobalAveragePooling2D, {Dense: {units: 10, activation: softmax}}]"
    tiny.write_text(f"dataset: mnist\nmodel: {{layers: {layers}}}\n", encoding="utf-8")
    with pytest.raises(UserError, match="dnn cannot be narrowed so far: 20 is too little for it"):
        match([load_config("dnn"), load_config(str(tiny))], "parameters", estimate_cost=None, resize="dnn")
    with pytest.raises(UserError, match="tiny has no layer to widen or narrow but its output"):
        match([load_config("dnn"), load_config(str(tiny))], "parameters", estimate_cost=None, resize="tiny")


def network(folder, name, layers):
    """An experiment on the lecture's digits, read from its file."""
    output = "Flatten, {Dense: {units: 10, activation: softmax}}"
    text = f"dataset: mnist\nmodel: {{layers: [{layers}, {output}]}}\n"
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(str(path))


CONV = "{{Conv2D: {{filters: {}, kernel_size: 3, padding: same{}}}}}"
POOL = "{MaxPooling2D: {pool_size: 4}}"


def conv(filters, more=""):
    return CONV.format(filters, more)


@pytest.mark.parametrize(
    ("layers", "groups"),
    [
        pytest.param(
            f"{conv(16)}, {POOL}, {conv(32, ', groups: 4')}, {conv(24)}", (4, 4, 1), id="grouped convolution"
        ),
        pytest.param(
            f"{conv(32)}, {POOL}, {{GroupNormalization: {{groups: 8}}}}, {conv(48)}",
            (8, 1),
            id="normalization",
        ),
        pytest.param(
            f"{conv(12)}, {{DepthwiseConv2D: {{kernel_size: 3, depth_multiplier: 2}}}}, {POOL}, "
            f"{conv(30, ', groups: 6')}",
            (3, 6),
            id="a depthwise convolution doubles the channels on the way",
        ),
    ],
)
@pytest.mark.parametrize("budget", ["parameters", "macs"])
@pytest.mark.parametrize("reference", ["dnn", "cnn"])
def test_groups_keep_dividing_the_widths(tmp_path, layers, groups, budget, reference):
    config = network(tmp_path, "grouped", layers)
    found = match([config, load_config(reference)], budget, estimate_cost=None, resize="grouped")
    assert found.reached == pytest.approx(found.wanted, rel=0.02)
    assert found.config.architecture.output_shape == (10,)
    after = [pair[1] for pair in found.widths]
    assert [width % group for width, group in zip(after, groups, strict=True)] == [0] * len(groups)


def test_a_grouped_network_says_how_narrow_it_can_be(tmp_path):
    config = network(tmp_path, "grouped", f"{conv(16)}, {POOL}, {conv(32, ', groups: 16')}")
    reference = network(tmp_path, "small", "{MaxPooling2D: {pool_size: 28}}")
    with pytest.raises(UserError) as caught:
        match([config, reference], "parameters", estimate_cost=None, resize="grouped")
    assert str(caught.value) == (
        "--match: grouped cannot be narrowed so far: 20 is too little for it; with widths 16, 16 it has 8,170"
    )


@pytest.mark.parametrize(
    ("layers", "tied"),
    [
        pytest.param(
            f"{POOL}, {conv(16)}, {{Residual: {{layers: [{conv(20)}, {conv(16)}]}}}}", (0, 2), id="identity"
        ),
        pytest.param(
            f"{conv(8)}, {POOL}, {{Residual: {{layers: [{conv(16)}, {conv(12)}], shortcut: [{conv(12)}]}}}}",
            (2, 3),
            id="a shortcut of layers",
        ),
        pytest.param(
            f"{conv(8)}, {POOL}, {{Parallel: {{branches: [[{conv(12)}], [{conv(12)}]], merge: maximum}}}}",
            (1, 2),
            id="branches that are merged",
        ),
    ],
)
@pytest.mark.parametrize("budget", ["parameters", "macs"])
@pytest.mark.parametrize("reference", ["dnn", "cnn"])
def test_branches_that_meet_stay_alike(tmp_path, layers, tied, budget, reference):
    config = network(tmp_path, "branched", layers)
    found = match([config, load_config(reference)], budget, estimate_cost=None, resize="branched")
    assert found.reached == pytest.approx(found.wanted, rel=0.01)
    after = [pair[1] for pair in found.widths]
    assert len({after[place] for place in tied}) == 1
    assert all(before != now for before, now in found.widths)


def test_branches_that_add_up_stay_in_proportion(tmp_path):
    branches = f"{{Parallel: {{branches: [[{conv(8)}], [{conv(16)}]]}}}}"
    config = network(tmp_path, "sum", f"{conv(24)}, {{Residual: {{layers: [{branches}]}}}}, {POOL}")
    found = match([config, load_config("dnn")], "parameters", estimate_cost=None, resize="sum")
    stem, first, second = (pair[1] for pair in found.widths)
    assert stem == first + second
    assert second == 2 * first
    assert found.reached == pytest.approx(898_510, rel=0.02)


def test_a_width_that_the_image_decides_stays(tmp_path):
    config = network(tmp_path, "held", f"{{Residual: {{layers: [{conv(6)}, {conv(1)}]}}}}, {POOL}, {conv(5)}")
    found = match([config, load_config("cnn")], "parameters", estimate_cost=None, resize="held")
    assert [before == after for before, after in found.widths] == [False, True, False]
    only = network(tmp_path, "only", f"{{Residual: {{layers: [{conv(1)}]}}}}")
    with pytest.raises(UserError) as caught:
        match([only, load_config("cnn")], "parameters", estimate_cost=None, resize="only")
    assert str(caught.value) == (
        "--match: no width of only can be changed: the branches have different shapes: 28×28×2 and 28×28×1"
    )


@pytest.fixture
def out(tmp_path, make_run):
    """Finished runs of colors_cnn, and of colors_dnn as --match parameters resizes it."""
    found = match(configs("colors_dnn", "colors_cnn"), "parameters", estimate_cost=None)
    widths = [pair[1] for pair in found.widths]
    changes = [f"model.layers.dense_{place}.units={width}" for place, width in enumerate(widths, start=1)]
    make_run(tmp_path, "colors_cnn", accuracy=0.95)
    make_run(tmp_path, "colors_dnn", accuracy=0.7, changes=(f"name={found.config.name}", *changes))
    return tmp_path


def test_compare_on_equal_terms(out, capsys, monkeypatch):
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    call = ["compare", "colors_dnn", "colors_cnn", "--match", "parameters", "--out", str(out), "--quiet"]
    assert run([*call, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    dnn, cnn = document["experiments"]
    assert dnn["name"] == "colors_dnn_parameters_of_colors_cnn"
    assert dnn["params"] == pytest.approx(cnn["params"], rel=0.01)
    (note,) = document["notes"]
    assert note.startswith("colors_dnn_parameters_of_colors_cnn is colors_dnn with widths 128, 64 → ")
    assert run(call) == 0
    told = capsys.readouterr().out
    assert note in told
    resized = "colors_dnn_parameters_of_colors_cnn.yaml"
    assert told.splitlines()[-1].endswith(f": {resized}, comparison.json, table.csv, table.md")
    folder = out / "comparisons" / "colors_dnn_parameters_of_colors_cnn-vs-colors_cnn"
    saved = load_config(str(folder / resized))
    assert saved.digest == dnn["digest"]
    assert note in (folder / "table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resize", "colors_dnn"], "--resize needs --match"),
        (["--match", "watts"], "'watts' is not one of 'parameters', 'macs', 'seconds'"),
    ],
)
def test_options(arguments, message, capsys):
    assert run(["compare", "colors_dnn", "colors_cnn", *arguments]) == 2
    assert message in capsys.readouterr().err
