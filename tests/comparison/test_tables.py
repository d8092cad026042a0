import io

import numpy as np
import pandas as pd
import pytest

from cnnlab.comparison import (
    ExperimentRuns,
    accuracy_table,
    as_text,
    caption,
    class_accuracies,
    class_table,
    compare,
    cost_table,
    grouped,
    rounded_table,
    spread,
)
from cnnlab.comparison.tables import percent
from cnnlab.run_folders.records import read_record

DNN, CNN = (0.955, 0.957, 0.961), (0.981, 0.979, 0.983)


def test_full_precision_survives_csv(experiment):
    table = accuracy_table(compare([experiment("dnn", DNN), experiment("cnn", CNN)]))
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    # pandas 2 reads a number into one of its two neighbours; pandas 3 reads exactly what was written.
    pd.testing.assert_frame_equal(read, table, rtol=1e-15, atol=0, check_dtype=False)
    assert list(table.columns) == [
        "experiment", "seeds", "params", "macs",
        "train_accuracy_mean", "train_accuracy_std", "validation_accuracy_mean", "validation_accuracy_std",
        "test_accuracy_mean", "test_accuracy_std", "seconds_per_epoch_mean", "seconds_per_epoch_std",
        "seconds_mean", "seconds_std", "images_per_second_mean", "images_per_second_std",
        "peak_memory_bytes_mean", "peak_memory_bytes_std",
        "test_accuracy_ci95_low", "test_accuracy_ci95_high", "points_per_1000_params", "rank",
    ]  # fmt: skip
    assert list(table["experiment"]) == ["dnn", "cnn"]
    assert list(table["seeds"]) == ["0 1 2", "0 1 2"]
    assert list(table["params"]) == [898_510, 137_660]
    np.testing.assert_allclose(table["test_accuracy_mean"], [np.mean(DNN), np.mean(CNN)], rtol=1e-15)
    np.testing.assert_allclose(table["test_accuracy_std"], [np.std(DNN, ddof=1), np.std(CNN, ddof=1)])
    np.testing.assert_allclose(
        table["validation_accuracy_mean"], [np.mean(DNN) - 0.001, np.mean(CNN) - 0.001]
    )
    np.testing.assert_allclose(table["seconds_per_epoch_mean"], [2.1, 2.1])


def test_what_is_unknown_is_an_empty_cell(experiment):
    none = {"validation_accuracy": None}
    table = accuracy_table(compare([experiment("dnn", DNN[:1], **none), experiment("cnn", CNN[:1], **none)]))
    assert table["validation_accuracy_mean"].isna().all()
    assert table["test_accuracy_std"].isna().all()
    assert table.to_csv(index=False).splitlines()[2].startswith("cnn,0,137660,1639350,0.999,,,,0.981,,2.0,,")


def test_rounded_over_seeds(experiment):
    comparison = compare([experiment("dnn", DNN), experiment("cnn", CNN, validation_accuracy=None)])
    table = rounded_table(comparison)
    assert table.to_dict("records")[1] == {
        "Experiment": "cnn",
        "Seeds": "3 (0-2)",
        "Parameters": "137,660",
        "MACs": "1,639,350",
        "Train": "99.90 ± 0.00%",
        "Validation": "–",
        "Test": "98.10 ± 0.20%",
        "s/epoch": "2.10 ± 0.10",
    }
    assert caption(comparison) == (
        "MNIST: accuracy on training, validation and test images, mean ± standard deviation over the seeds; "
        "trained on 10,000 images for 20 epochs"
    )


def test_rounded_for_one_seed(experiment):
    comparison = compare([experiment("dnn", DNN[:1]), experiment("cnn", CNN[:1])])
    row = rounded_table(comparison).iloc[1]
    assert (row["Seeds"], row["Test"], row["s/epoch"]) == ("1 (0)", "98.10%", "2.00")
    assert caption(comparison) == (
        "MNIST: accuracy on training, validation and test images; trained on 10,000 images for 20 epochs"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param([0.0421, 0.0437], "0.043 ± 0.001", id="milliseconds"),
        pytest.param([1.372], "1.37", id="seconds"),
        pytest.param([12.34, 12.36], "12.3 ± 0.0", id="ten"),
        pytest.param([180.4], "180", id="minutes"),
        pytest.param([None], "–", id="unknown"),
    ],
)
def test_seconds_have_some_three_digits(record, seconds, text):
    cnn = ExperimentRuns.of(record("cnn", seed, seconds_per_epoch=each) for seed, each in enumerate(seconds))
    assert rounded_table(compare([ExperimentRuns.of([record("dnn")]), cnn]))["s/epoch"][1] == text


def test_percent_rounds_only_what_is_shown():
    assert percent(spread([1.0])) == "100.00%"
    assert percent(spread([0.123456])) == "12.35%"
    assert percent(None) == "–"


def test_three_are_ranked(experiment):
    table = rounded_table(
        compare([experiment("dnn", DNN), experiment("cnn", CNN), experiment("colors_dnn", [0.97] * 3)])
    )
    assert list(table["Experiment"]) == ["cnn", "colors_dnn", "dnn"]


def test_rank_in_the_csv(experiment):
    comparison = compare(
        [experiment("dnn", DNN), experiment("cnn", CNN), experiment("colors_dnn", [0.97] * 3)]
    )
    table = accuracy_table(comparison)
    assert list(table["experiment"]) == ["dnn", "cnn", "colors_dnn"]
    assert list(table["rank"]) == [3, 1, 2]


def test_csv_and_json_agree_on_the_rank(experiment):
    accuracies = {"first": [0.9, 0.91], "second": [0.99, 0.98], "third": [0.95, 0.96]}
    comparison = compare([experiment("cnn", values, name=name) for name, values in accuracies.items()])
    ranks = [each["rank"] for each in comparison.as_dict()["experiments"]]
    assert ranks == list(accuracy_table(comparison)["rank"]) == [3, 1, 2]


def test_no_interval_goes_beyond_what_an_accuracy_can_be(experiment):
    table = cost_table(compare([experiment("dnn", [0.1, 0.9]), experiment("cnn", CNN)]))
    assert table["Test, 95% CI"][0] == "0.00 to 100.00%"


def test_what_accuracy_costs(experiment):
    table = cost_table(compare([experiment("dnn", DNN), experiment("cnn", CNN, peak_memory_bytes=None)]))
    assert table.to_dict("records")[1] == {
        "Experiment": "cnn",
        "Test, 95% CI": "97.60 to 98.60%",
        "Seconds": "42.5 ± 1.0",
        "Images/s": "4,999",
        "Peak memory": "–",
        "Points per 1,000 parameters": "0.713",
    }
    assert table["Peak memory"][0] == "668 MiB"


def test_class_by_class(make_run, tmp_path):
    paths = [make_run(tmp_path, name, seed=seed) for name in ("colors_dnn", "colors_cnn") for seed in (0, 1)]
    comparison = compare(grouped(read_record(path) for path in paths))
    table = class_table(comparison)
    assert list(table.columns) == ["Class", "Images", "colors_dnn", "colors_cnn", "colors_dnn − colors_cnn"]
    assert list(table["Class"]) == ["red", "yellow", "green", "cyan", "blue", "purple"]
    long = class_accuracies(comparison)
    assert len(long) == 12
    red = comparison.experiments[1].classes[0].accuracy
    assert table["colors_cnn"][0] == f"{100 * red.mean:.2f} ± {100 * red.std:.2f}%"
    assert long.loc[6, "test_accuracy_mean"] == red.mean


def test_class_by_class_without_predictions(experiment):
    comparison = compare([experiment("dnn", DNN), experiment("cnn", CNN)])
    assert class_table(comparison).empty
    assert class_accuracies(comparison).empty


TABLE = pd.DataFrame(
    {"Experiment": ["a_b", "c"], "Test": ["98.10 ± 0.20%", "–"], "a − b": ["−1.20", "+0.30"]}
)


def test_as_terminal_text():
    assert as_text(TABLE, "terminal").splitlines() == [
        "Experiment           Test  a − b",
        "----------  -------------  -----",
        "a_b         98.10 ± 0.20%  −1.20",
        "c                       –  +0.30",
    ]


def test_as_markdown():
    assert as_text(TABLE, "markdown").splitlines() == [
        "| Experiment   |          Test |   a − b |",
        "|:-------------|--------------:|--------:|",
        "| a_b          | 98.10 ± 0.20% |   −1.20 |",
        "| c            |             – |   +0.30 |",
    ]


def test_as_latex():
    assert as_text(TABLE, "latex").splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r" Experiment & Test & a $-$ b \\",
        r"\midrule",
        r" a\_b & 98.10 $\pm$ 0.20\% & $-$1.20 \\",
        r" c & -- & +0.30 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
