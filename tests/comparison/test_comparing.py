import json
from dataclasses import replace

import jsonschema
import pytest
import scipy.stats

from cnnlab.comparison import ExperimentRuns, compare, comparing, grouped, labels_of
from cnnlab.comparison.experiments import seeds_text
from cnnlab.config.experiment import load_config
from cnnlab.datasets.distortion import Distortion
from cnnlab.errors import UserError
from cnnlab.run_folders.contents import DatasetFacts

DNN, CNN = (0.955, 0.957, 0.961), (0.981, 0.979, 0.983)
MEASURED = ("accuracy", "loss")
PARTS = ("train", "validation", "test")

SPREAD = {
    "type": "object",
    "required": ["mean", "std", "ci95", "values"],
    "additionalProperties": False,
    "properties": {
        "mean": {"type": "number"},
        "std": {"type": ["number", "null"]},
        "ci95": {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "values": {"type": "array", "items": {"type": "number"}, "minItems": 1},
    },
}
CONTRACT = {
    "type": "object",
    "required": ["dataset", "experiments", "pairs"],
    "properties": {
        "dataset": {"type": "string"},
        "pairs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["a", "b", "difference", "mcnemar_p", "verdict"],
                "properties": {
                    "a": {"type": "string"},
                    "b": {"type": "string"},
                    "difference": SPREAD,
                    "mcnemar_p": {"type": "array", "items": {"type": ["number", "null"]}},
                    "verdict": {"type": "string"},
                },
            },
        },
        "experiments": {
            "type": "array",
            "minItems": 2,
            "items": {
                "type": "object",
                "required": ["name", "seeds", "params", "macs", "test_accuracy", "seconds"],
                "properties": {
                    "name": {"type": "string"},
                    "seeds": {"type": "array", "items": {"type": "integer"}},
                    "params": {"type": "integer"},
                    "macs": {"type": "integer"},
                    "test_accuracy": SPREAD,
                    "seconds": SPREAD,
                    "validation_accuracy": {"anyOf": [SPREAD, {"type": "null"}]},
                },
            },
        },
    },
}


def test_times_and_memory_of_runs_that_shared_the_machine_are_left_out(record):
    shared = grouped([record("cnn", seed, side_by_side=4 if seed else None) for seed in range(2)])
    comparison = compare([*shared, *grouped([record("dnn", 0), record("dnn", 1)])])
    cnn, dnn = comparison.as_dict()["experiments"]
    costs = ("seconds", "seconds_per_epoch", "images_per_second", "peak_memory_bytes")
    assert [cnn[key] for key in costs] == [None] * 4
    assert None not in [dnn[key] for key in costs]
    assert cnn["test_accuracy"]
    assert comparison.notes == (
        "1 of 4 runs was trained side by side with others; the times and the memory of such experiments are "
        "not shown (–); to measure them, train one run at a time: --workers 1 --together 1 --fresh",
    )


def refusal(*experiments):
    with pytest.raises(UserError) as caught:
        compare(experiments)
    return str(caught.value)


@pytest.mark.parametrize("seeds", [pytest.param(1, id="one-seed"), pytest.param(3, id="three-seeds")])
def test_json_contract(experiment, seeds):
    comparison = compare([experiment("dnn", DNN[:seeds]), experiment("cnn", CNN[:seeds])])
    document = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    jsonschema.validate(document, CONTRACT)
    assert document["dataset"] == "mnist"
    assert [each["name"] for each in document["experiments"]] == ["dnn", "cnn"]
    assert [each["params"] for each in document["experiments"]] == [898_510, 137_660]
    assert document["experiments"][1]["macs"] == 1_639_350
    assert document["experiments"][1]["seeds"] == list(range(seeds))
    assert document["experiments"][1]["test_accuracy"]["values"] == list(CNN[:seeds])


def test_every_quantity_is_its_own(record):
    keys = [f"{part}_{what}" for what in MEASURED for part in PARTS]
    keys += ["seconds", "seconds_per_epoch", "images_per_second", "peak_memory_bytes"]
    results = [{key: 10.0 * seed + place for place, key in enumerate(keys)} for seed in range(3)]
    cnn = ExperimentRuns.of(record("cnn", seed, **result) for seed, result in enumerate(results))
    dnn = ExperimentRuns.of([record("dnn")])
    outcome = compare([dnn, cnn]).as_dict()["experiments"][1]
    for place, key in enumerate(keys):
        values = [place, 10 + place, 20 + place]
        low, high = scipy.stats.t.interval(0.95, 2, 10 + place, scipy.stats.sem(values))
        assert outcome[key] == {
            "mean": 10 + place,
            "std": 10,
            "ci95": pytest.approx([low, high]),
            "values": values,
        }


@pytest.mark.parametrize("lacking", [pytest.param({0}, id="one-run"), pytest.param({0, 1}, id="all-runs")])
def test_what_was_not_measured_in_every_run_is_none(record, lacking):
    none = {"validation_accuracy": None, "validation_loss": None}
    cnn = ExperimentRuns.of(record("cnn", seed, **(none if seed in lacking else {})) for seed in (0, 1))
    outcome = compare([ExperimentRuns.of([record("dnn")]), cnn]).experiments[1]
    assert outcome.validation_accuracy is None
    assert outcome.validation_loss is None
    assert outcome.train_accuracy is not None


def test_a_quantity_that_older_runs_do_not_have_is_none(record):
    old = record("cnn", peak_memory_bytes=None)
    comparison = compare([ExperimentRuns.of([record("dnn")]), ExperimentRuns.of([old])])
    assert comparison.as_dict()["experiments"][1]["peak_memory_bytes"] is None


def test_records_come_in_any_order(record):
    cnn = ExperimentRuns.of(
        record("cnn", seed, accuracy) for seed, accuracy in ((5, 0.95), (0, 0.90), (2, 0.92))
    )
    assert cnn.seeds == (0, 2, 5)
    outcome = compare([ExperimentRuns.of([record("dnn")]), cnn]).experiments[1]
    assert outcome.seeds == (0, 2, 5)
    assert outcome.test_accuracy.values == (0.90, 0.92, 0.95)


def test_grouped_by_config_in_order_of_appearance(record):
    runs = [record("dnn", 1), record("cnn", 0), record("dnn", 0), record("cnn", 0, epochs=3)]
    groups = grouped(runs)
    assert [(each.name, each.seeds) for each in groups] == [("dnn", (0, 1)), ("cnn", (0,)), ("cnn", (0,))]
    assert groups[0].records == (runs[2], runs[0])


def test_an_experiment_is_one_config(record):
    with pytest.raises(ValueError, match="of one config"):
        ExperimentRuns.of([record("dnn"), record("cnn")])
    with pytest.raises(ValueError, match="of one config"):
        ExperimentRuns.of([])


def test_one_seed_twice(record):
    run = record("cnn", 3)
    with pytest.raises(UserError) as caught:
        ExperimentRuns.of([run, run])
    assert str(caught.value) == f"cnn: two runs with seed 3, {run.path} and {run.path}; leave one out"


def test_one_name_and_two_configs_are_told_apart_by_what_differs(experiment):
    long, short = experiment("cnn", CNN), experiment("cnn", CNN, epochs=3)
    names = [each.name for each in compare([long, experiment("dnn", DNN), short]).experiments]
    assert names == ["cnn-epochs=20", "dnn", "cnn-epochs=3"]


@pytest.mark.parametrize(
    ("changes", "suffixes"),
    [
        pytest.param([{}, {"runtime.backend": "jax"}], ["backend=tensorflow", "backend=jax"], id="backend"),
        pytest.param(
            [{}, {"training.batch_size": 10}, {"runtime.precision": "mixed_bfloat16"}],
            [
                "batch_size=100-precision=float32",
                "batch_size=10-precision=float32",
                "batch_size=100-precision=mixed_bfloat16",
            ],
            id="two",
        ),
        pytest.param(
            [{}, {"model.layers.conv2d_1.filters": 8}],
            ["conv2d_1.filters=25", "conv2d_1.filters=8"],
            id="layer",
        ),
        pytest.param([{}, {"training.keep": "best"}], ["keep=last", "keep=best"], id="word"),
        pytest.param(
            [{}, {"runtime.device": "cpu", "training.epochs": 3}], ["epochs=20", "epochs=3"], id="device"
        ),
        pytest.param([{}, {"training.metrics": ["macro_f1"]}], None, id="list"),
        pytest.param(
            [{}, {"training.epochs": 3, "training.batch_size": 9, "training.keep": "best"}], None, id="three"
        ),
    ],
)  # fmt: skip
def test_the_setting_that_differs(record, changes, suffixes):
    base = record("cnn").config
    records = []
    for each in changes:
        config = load_config("cnn", [f"{key}={json.dumps(value)}" for key, value in each.items()])
        records.append(replace(record("cnn"), config=config))
    experiments = [ExperimentRuns.of([each]) for each in records]
    expected = suffixes or [each.digest[:8] for each in experiments]
    assert labels_of(experiments) == [f"cnn-{each}" for each in expected]
    assert base.digest == experiments[0].digest


def test_costs_on_other_backends_are_not_those_of_the_networks(record):
    on_jax = replace(record("cnn"), config=load_config("cnn", ["runtime.backend=jax"]))
    (note,) = compare([ExperimentRuns.of([record("cnn")]), ExperimentRuns.of([on_jax])]).notes
    assert note == (
        "different backends: cnn-backend=tensorflow on tensorflow, cnn-backend=jax on jax; their seconds, "
        "images/s and peak memory do not compare the networks, because each backend compiles, computes and "
        "reserves memory in its own way"
    )


def test_costs_on_other_devices_are_not_those_of_the_networks(record):
    on_gpu, on_cpu = (
        replace(record(name), environment={**record(name).environment, "device": device})
        for name, device in (("cnn", "gpu"), ("dnn", "cpu"))
    )
    (note,) = compare([ExperimentRuns.of([on_gpu]), ExperimentRuns.of([on_cpu])]).notes
    assert note.startswith("different devices: some runs computed on a CPU, others on a GPU; their times")


def test_histories_are_those_of_the_runs(experiment):
    dnn, cnn = experiment("dnn", DNN), experiment("cnn", CNN)
    assert compare([dnn, cnn]).histories == {
        "dnn": tuple(record.history for record in dnn.records),
        "cnn": tuple(record.history for record in cnn.records),
    }


def test_too_few(experiment):
    expected = "expected two or more different experiments to compare, found "
    assert refusal() == f"{expected}none"
    assert refusal(experiment("cnn", CNN)) == f"{expected}cnn"
    assert refusal(experiment("cnn", CNN), experiment("cnn", CNN)) == f"{expected}cnn, cnn"


def test_different_datasets_are_refused(experiment):
    colors = {
        "name": "colors",
        "title": "colours",
        "origin": "generated",
        "status": "generated",
        "digest": "e" * 64,
        "test_digest": "b2" * 32,
        "warning": None,
    }
    assert refusal(experiment("dnn", DNN), experiment("colors_cnn", CNN, dataset=colors)) == (
        "cannot compare experiments that are tested on different images\n"
        "   dnn: mnist, /data/mnist, test digest a1a1a1a1\n"
        "   colors_cnn: colors, generated, test digest b2b2b2b2\n"
        "   use the same dataset in all configs"
    )


def test_files_that_changed_between_seeds_are_refused(record):
    changed = dict(record().environment["dataset"], test_digest="c3" * 32, origin="/data/new")
    cnn = ExperimentRuns.of([record("cnn", 0), record("cnn", 1), record("cnn", 2, dataset=changed)])
    assert refusal(ExperimentRuns.of([record("dnn")]), cnn) == (
        "cannot compare experiments that are tested on different images\n"
        "   dnn: mnist, /data/mnist, test digest a1a1a1a1\n"
        "   cnn (seeds 0-1): mnist, /data/mnist, test digest a1a1a1a1\n"
        "   cnn (seed 2): mnist, /data/new, test digest c3c3c3c3\n"
        "   the dataset's files have changed in between; train again with --fresh so that all runs use the "
        "same files"
    )


def test_data_can_be_checked_before_anything_is_trained():
    facts = {"origin": "here", "status": "generated", "digest": "d" * 64}
    digits, colors = (
        DatasetFacts(name=name, title=name, test_digest=name, **facts) for name in ("digits", "colors")
    )
    comparing.check_same_data([comparing.RunDataset("dnn", seed, digits) for seed in range(3)])
    comparing.check_same_data([])
    with pytest.raises(UserError, match="colors_cnn: colors, here, test digest colors"):
        comparing.check_same_data(
            [comparing.RunDataset("dnn", 0, digits), comparing.RunDataset("colors_cnn", 0, colors)]
        )


@pytest.mark.parametrize(
    "distortions", [(None, Distortion(rotation=9)), (Distortion(rotation=9), Distortion(shift=0.1))]
)
def test_other_distortions_of_one_set_are_named(distortions):
    facts = {"name": "mnist", "origin": "here", "status": "official", "digest": "d" * 64}
    runs = [
        comparing.RunDataset(
            f"cnn{seed}",
            seed,
            DatasetFacts(title="MNIST, distorted" if each else "MNIST", test_digest=str(seed) * 64, **facts),
            each,
        )
        for seed, each in enumerate(distortions)
    ]
    with pytest.raises(UserError) as caught:
        comparing.check_same_data(runs)
    assert "   cnn1: MNIST, distorted, here, test digest 11111111" in str(caught.value)
    assert str(caught.value).endswith("\n   set the same dataset.distort in all configs")


def test_other_training_images_are_no_obstacle(record):
    more = dict(record().environment["dataset"], digest="e" * 64)
    compare([ExperimentRuns.of([record("dnn")]), ExperimentRuns.of([record("cnn", dataset=more)])])


def test_permuted_and_plain_images_are_compared_and_both_named(record):
    """They are tested on the same raw images."""
    changes = {"title": "MNIST, pixels permuted", "permute_pixels": {"seed": 0, "block": 1}}
    moved = record().environment["dataset"] | changes
    comparison = compare(
        [ExperimentRuns.of([record("dnn")]), ExperimentRuns.of([record("cnn", dataset=moved)])]
    )
    assert comparison.dataset_title == "MNIST and MNIST, pixels permuted"


def test_warnings_about_the_data_are_kept_once(record):
    odd = dict(record().environment["dataset"], warning="not the official files")
    comparison = compare(
        [ExperimentRuns.of([record("dnn", dataset=odd)]), ExperimentRuns.of([record("cnn", dataset=odd)])]
    )
    assert comparison.warnings == ("not the official files",)


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        pytest.param([0], "0", id="one"),
        pytest.param([0, 1, 2], "0-2", id="range"),
        pytest.param([5, 0, 2, 1], "0-2,5", id="mixed"),
        pytest.param([0, 2, 4], "0,2,4", id="list"),
    ],
)
def test_seeds_as_the_option_takes_them(seeds, text):
    assert seeds_text(seeds) == text


def test_runs_of_one_experiment_that_differ_in_arithmetic_are_noted(record):
    def under(seed, name="cnn", **facts):
        made = record(name, seed)
        return replace(made, environment={**made.environment, "device": "cpu", **facts})

    cnn = grouped(
        [under(0, threads=2, onednn=True), under(1, threads=1), under(2, threads=2, resumed_elsewhere=True)]
    )
    dnn = grouped([under(0, "dnn", threads=8), under(1, "dnn"), under(2, "dnn", threads=8)])
    (note,) = compare([*cnn, *dnn]).notes
    assert note == (
        "cnn: its runs differ in arithmetic (threads: 2, 1; seed 2 resumed under other arithmetic)"
    )


@pytest.mark.parametrize(
    ("old", "note"),
    [
        pytest.param(0, (), id="none"),
        pytest.param(
            1,
            (
                "1 of 4 runs was trained with cnnlab 0.1.0, which recorded no digests of files; damage to it "
                "cannot be detected",
            ),
            id="one",
        ),
        pytest.param(
            4,
            (
                "4 of 4 runs were trained with cnnlab 0.1.0, which recorded no digests of files; damage to "
                "them cannot be detected",
            ),
            id="all",
        ),
    ],
)
def test_runs_that_cannot_be_checked_are_counted(record, old, note):
    runs = [record(name, seed) for name in ("dnn", "cnn") for seed in (0, 1)]
    runs = [replace(run, checked=place >= old) for place, run in enumerate(runs)]
    assert compare(grouped(runs)).notes == note
