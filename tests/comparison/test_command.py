"""`cnnlab compare` on finished runs, as a user calls it: nothing is trained here."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from cnnlab.cli import run
from cnnlab.comparison import ComparedOutcomes, grouped
from cnnlab.comparison import compare as compare_records
from cnnlab.comparison.confusion import confusion
from cnnlab.run_folders.listing import latest_run
from cnnlab.run_folders.records import read_record
from cnnlab.studies.pictures import pictures
from cnnlab.version import ARITHMETIC

MEAN = re.compile(r"\d+\.\d+ ± \d+\.\d+")


@pytest.fixture(scope="module")
def out(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("experiments")
    for seed in range(6):
        make_run(folder, "colors_dnn", seed=seed, accuracy=0.75 + seed / 200)
        make_run(folder, "colors_cnn", seed=seed, accuracy=0.9)
        make_run(folder, "colors_cnn_minimal", seed=seed, accuracy=0.8 - seed / 100)
    return folder


@pytest.fixture
def compare(out, capsys, no_pictures):
    def call(*arguments, experiments=("colors_dnn", "colors_cnn")):
        assert run(["compare", *experiments, "--out", str(out), *arguments]) == 0
        return capsys.readouterr()

    return call


def test_terminal(compare, out):
    text = compare("--per-class").out
    paragraphs = text.strip().split("\n\n")
    assert paragraphs[0] == (
        "Colors: accuracy on training, validation and test images, mean ± standard deviation over the seeds; "
        "trained: colors_dnn on 4,500 images for 100 epochs; colors_cnn on 4,500 images for 20 epochs; "
        "different learning rate (colors_dnn: 0.01, colors_cnn: 0.1), drop last (colors_dnn: no, colors_cnn: "
        "yes), preprocessing (colors_dnn: Grayscale, colors_cnn: none)"
    )
    assert [each.split()[0] for each in paragraphs[1:4]] == ["Experiment", "Experiment", "Class"]
    assert paragraphs[2].endswith(
        "\nPoints per 1,000 parameters: test accuracy in percent ÷ parameters in thousands"
    )
    assert paragraphs[4].startswith(
        "colors_cnn outperforms colors_dnn in 6 of 6 seeds, by 13.75 percentage points"
    )
    assert "statistically significant across seeds (sign-flip test over 6 seeds, p = 0.031)" in paragraphs[4]
    folder = out / "comparisons" / "colors_dnn-vs-colors_cnn"
    assert paragraphs[5].startswith(f"{folder}: ")
    assert all((folder / name).is_file() for name in paragraphs[5].split(": ")[1].split(", "))


def test_json_is_one_document(compare, out):
    """The one that the folder keeps."""
    document = json.loads(compare("--json").out)
    written = out / "comparisons" / "colors_dnn-vs-colors_cnn" / "comparison.json"
    assert json.loads(written.read_text(encoding="utf-8")) == document
    (pair,) = document["pairs"]
    assert len(pair["mcnemar_p"]) == 6
    assert pair["verdict"].startswith("colors_cnn outperforms colors_dnn")


def test_the_folder_of_an_experiment_stands_for_all_its_runs(compare, out):
    [folder] = out.glob("colors_cnn-*")
    document = json.loads(compare("--json", experiments=("colors_dnn", str(folder))).out)
    assert [each["seeds"] for each in document["experiments"]] == [list(range(6))] * 2
    assert len(document["pairs"][0]["mcnemar_p"]) == 6


def test_experiments_stand_in_the_order_given_and_folders_are_found_below_out(compare, out):
    [folder] = out.glob("colors_cnn-????????")
    for experiments in [(folder.name, "colors_dnn"), ("colors_dnn", folder.name)]:
        document = json.loads(compare("--json", experiments=experiments).out)
        names = [each["name"] for each in document["experiments"]]
        assert names == [each.removesuffix(folder.name[-9:]) for each in experiments]


def test_runs_go_by_their_name_where_no_config_does(tmp_path, make_run, capsys, no_pictures):
    for seed in (0, 1):
        mine = make_run(tmp_path, "colors_dnn", seed=seed, changes=("name=mine",))
        make_run(tmp_path, "colors_cnn", seed=seed)
    assert run(["compare", "mine", "colors_cnn", "--out", str(tmp_path), "--json"]) == 0
    first, _ = json.loads(capsys.readouterr().out)["experiments"]
    assert (first["name"], first["seeds"]) == ("mine", [0, 1])
    assert run(["compare", "min", "colors_cnn", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "unknown experiment 'min'; did you mean mine?\n"
    other = make_run(tmp_path, "colors_dnn", changes=("name=mine", "training.epochs=3"))
    folders = sorted(each.parent.name for each in (mine, other))
    assert run(["compare", "mine", "colors_cnn", "--out", str(tmp_path)]) == 2
    said = f"mine: 2 experiments have this name; give one of {folders[0]}, {folders[1]}\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("test", "train", "unlearned", "said"),
    [
        ((0.95, 0.17, 0.96), (0.99, 0.18, 0.99), [1], "colors_cnn failed to learn with seed 1 (1 of 3): "),
        ((0.16, 0.17, 0.15), (0.17, 0.16, 0.17), [0, 1, 2], "colors_cnn failed to learn with seeds 0-2"),
        ((0.95, 0.20, 0.96), (0.99, 0.20, 0.99), [], None),  # better than guessing
        ((0.95, 0.17, 0.96), (0.99, 0.50, 0.99), [], None),  # has learned, though nothing of use
    ],
)  # fmt: skip
def test_seeds_that_learned_nothing_are_named(
    tmp_path, make_run, settle, capsys, no_pictures, test, train, unlearned, said
):
    """Of 1,000 images of six colours, 167 are right by guessing, 190 by a lucky guess."""
    for seed, accuracy in enumerate(test):
        make_run(tmp_path, "colors_dnn", seed=seed, accuracy=0.8)
        path = make_run(tmp_path, "colors_cnn", seed=seed, accuracy=accuracy) / "result.json"
        result = json.loads(path.read_text(encoding="utf-8")) | {"train_accuracy": train[seed]}
        path.write_text(json.dumps(result), encoding="utf-8")
        settle(path.parent)
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path)]) == 0
    paragraphs = capsys.readouterr().out.split("\n\n")
    found = [each for each in paragraphs if "failed to learn" in each]
    assert len(found) == bool(said)
    assert all(each.startswith(said) for each in found)
    written = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "comparison.json"
    found = json.loads(written.read_text(encoding="utf-8"))["experiments"]
    assert [each["unlearned_seeds"] for each in found] == [[], unlearned]


def test_warnings_of_trainings_are_repeated(tmp_path, make_run, settle, capsys, no_pictures):
    dead = {"kind": "dead_relu", "epoch": 3, "layer": "conv2d_1", "message": "conv2d_1: all units are 0"}
    for seed in range(3):
        make_run(tmp_path, "colors_dnn", seed=seed, accuracy=0.8)
        path = make_run(tmp_path, "colors_cnn", seed=seed) / "result.json"
        warnings = [dead | {"epoch": 3 + seed}] if seed else []
        result = json.loads(path.read_text(encoding="utf-8")) | {"warnings": warnings}
        path.write_text(json.dumps(result), encoding="utf-8")
        settle(path.parent)
    note = "colors_cnn, seeds 1-2: conv2d_1: all units are 0 (seed 1, epoch 4)"
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path)]) == 0
    assert f"{note}." in capsys.readouterr().out.split("\n\n")
    written = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "comparison.json"
    document = json.loads(written.read_text(encoding="utf-8"))
    assert note in document["notes"]
    assert [each["warnings"] for each in document["experiments"]] == [
        [], [{"seed": seed, **dead, "epoch": 3 + seed} for seed in (1, 2)],
    ]  # fmt: skip
    from cnnlab.api.comparing import compare as compare_from_python

    page = (
        compare_from_python(["colors_dnn", "colors_cnn"], out=tmp_path).report().read_text(encoding="utf-8")
    )
    assert note in page


def test_csv_is_all_of_stdout(compare):
    rows = list(csv.DictReader(io.StringIO(compare("--csv").out)))
    assert [row["experiment"] for row in rows] == ["colors_dnn", "colors_cnn"]
    rows = list(csv.DictReader(io.StringIO(compare("--csv", "--per-class").out)))
    assert len(rows) == 12


def test_the_same_numbers_everywhere(compare, out):
    document = json.loads(compare("--json").out)
    numbers = MEAN.findall(compare("--per-class").out)
    assert len(numbers) > 20
    assert MEAN.findall(compare("--markdown", "--per-class").out) == numbers
    latex = compare("--latex", "--per-class").out.replace(r" $\pm$ ", " ± ")
    assert MEAN.findall(latex) == numbers
    for outcome in document["experiments"]:
        test = outcome["test_accuracy"]
        assert f"{100 * test['mean']:.2f} ± {100 * test['std']:.2f}" in numbers
    page = (out / "comparisons" / "colors_dnn-vs-colors_cnn" / "table.md").read_text(encoding="utf-8")
    assert set(numbers) <= set(MEAN.findall(page))


def test_latex_is_latex(compare):
    for line in compare("--latex").out.splitlines():
        assert not line or line.startswith(("%", "\\", " "))


def test_three_experiments(compare):
    text = compare(experiments=("colors_dnn", "colors_cnn_minimal", "colors_cnn")).out
    assert "colors_cnn is the best of 3: " in text
    assert text.count("adjusted for 3 pairs") == 2
    first = [line.split()[0] for line in text.splitlines() if line.startswith("colors_cnn")]
    assert first[0] == "colors_cnn"


def test_warnings_about_the_data_are_shown(tmp_path, make_run, settle, capsys, no_pictures):
    for name in ("colors_dnn", "colors_cnn"):
        path = make_run(tmp_path, name) / "environment.json"
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["dataset"]["warning"] = "not the official files"
        path.write_text(json.dumps(facts), encoding="utf-8")
        settle(path.parent)
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path), "--quiet"]) == 0
    streams = capsys.readouterr()
    assert streams.err.splitlines() == ["not the official files"]
    page = (tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "table.md").read_text(encoding="utf-8")
    assert "Note: not the official files" in page
    for style, line in {
        "--markdown": "not the official files.",
        "--latex": "% not the official files.",
    }.items():
        assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path), "--quiet", style]) == 0
        assert line in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("arguments", [("--json", "--csv"), ("--markdown", "--latex")])
def test_one_format_at_a_time(arguments, capsys):
    assert run(["compare", "colors_dnn", "colors_cnn", *arguments]) == 2
    assert "--markdown, --latex, --csv and --json exclude each other" in capsys.readouterr().err


def test_pictures(out):
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(out), "--quiet"]) == 0
    folder = out / "comparisons" / "colors_dnn-vs-colors_cnn"
    expected = {"accuracy", "confusion", "curves", "images", "only_one_right", "parameters"}
    assert {path.stem for path in folder.glob("*.png")} == expected


@pytest.mark.usefixtures("unrendered")
def test_pictures_that_can_no_longer_be_drawn_do_not_stay(tmp_path, make_run):
    paths = [make_run(tmp_path, name) for name in ("colors_dnn", "colors_cnn")]
    call = ["compare", *map(str, paths), "--out", str(tmp_path), "--quiet"]
    folder = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn"
    assert run(call) == 0
    assert (folder / "confusion.png").exists()
    (paths[0] / "predictions.npz").unlink()
    assert run(call) == 0
    assert {path.stem for path in folder.glob("*.png")} == {"accuracy", "curves", "parameters"}


@pytest.mark.parametrize(
    ("seeds", "shown", "said"),
    [
        pytest.param(([0, 2, 3], [1, 2]), (2, 2), "seed 2", id="common"),
        pytest.param(([0, 1, 3], [3, 1]), (3, 3), "seed 3", id="several in common"),
        pytest.param(([1, 2], [0, 3]), (2, 3), "the latest run of each", id="none in common"),
        pytest.param(([3], [0, 3], [1]), (3, 3, 1), "the latest run of each", id="not common to all"),
    ],
)
def test_sheets_say_whose_answers_they_show(out, monkeypatch, seeds, shown, said):
    drawn = {}

    def draw(comparison, answers):
        drawn.update(answers=answers, pictures=pictures(comparison, answers))
        return {}

    monkeypatch.setattr("cnnlab.studies.writing.pictures", draw)
    names = ("colors_dnn", "colors_cnn", "colors_cnn_minimal")[: len(seeds)]
    folders = {name: next(out.glob(f"{name}-????????")) for name in names}
    runs = [
        str(folders[name] / f"seed-{seed}") for name, own in zip(names, seeds, strict=True) for seed in own
    ]
    assert run(["compare", *runs, "--out", str(out), "--quiet"]) == 0
    for name, seed in zip(names, shown, strict=True):
        record = read_record(folders[name] / f"seed-{seed}")
        np.testing.assert_array_equal(drawn["answers"].predicted[name], record.predictions.predicted)
    sheets = [drawn["pictures"][name] for name in ("images", "only_one_right") if name in drawn["pictures"]]
    assert len(sheets) == (2 if len(names) == 2 else 1)
    assert all(figure.axes[0].texts[0].get_text().endswith(f", {said}") for figure in sheets)


def test_compare_and_explain_show_the_same_run(tmp_path, make_run, monkeypatch):
    """That which was finished last, in whatever order the seeds were trained."""
    drawn = {}
    monkeypatch.setattr(
        "cnnlab.studies.writing.pictures", lambda _, answers: drawn.update(shown=answers) or {}
    )
    for seed in (0, 2, 1):
        for name in ("colors_dnn", "colors_cnn"):
            made = make_run(tmp_path, name, seed=seed)
            status = json.loads((made / "run.json").read_text(encoding="utf-8"))
            status["updated"] = f"2999-01-0{1 + (0, 2, 1).index(seed)}T00:00:00+00:00"
            (made / "run.json").write_text(json.dumps(status), encoding="utf-8")
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path), "--quiet"]) == 0
    assert drawn["shown"].whose == "seed 1"
    for name in ("colors_dnn", "colors_cnn"):
        latest = read_record(latest_run(name, tmp_path))
        assert latest.seed == 1
        np.testing.assert_array_equal(drawn["shown"].predicted[name], latest.predictions.predicted)


@pytest.mark.parametrize("command", ["compare", "report"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--seeds", "0-5"], "--seeds"),
        (["--set", "training.epochs=3"], "--set"),
        (["--backend", "jax", "--device", "cpu"], "--backend, --device"),
        (["--precision", "float32"], "--precision"),
        (["--fresh", "--force"], "--fresh, --force"),
    ],
)
def test_options_of_training_need_something_to_train(out, capsys, no_pictures, command, arguments, named):
    runs = [str(next(out.glob(f"{name}-????????"))) for name in ("colors_dnn", "colors_cnn")]
    assert run([command, *runs, "--out", str(out), *arguments]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    message = f"{named}: these are finished runs; give the experiment's config to train more"
    assert message in " ".join(streams.err.split())


def test_options_of_training_are_for_the_configs_among_runs(out, compare):
    folder = next(out.glob("colors_dnn-????????"))
    found = compare("--seeds", "1,2", "--device", "cpu", "--json", experiments=("colors_cnn", str(folder)))
    assert [each["seeds"] for each in json.loads(found.out)["experiments"]] == [[1, 2], list(range(6))]


def test_only_what_was_written_now_is_named(tmp_path, make_run, capsys, monkeypatch):
    runs = [str(make_run(tmp_path, name)) for name in ("colors_dnn", "colors_cnn")]
    folder = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn"
    folder.mkdir(parents=True)
    for name in ("another.yaml", "notes.txt"):
        (folder / name).write_text("of an earlier day", encoding="utf-8")
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    assert run(["compare", *runs, "--out", str(tmp_path), "--quiet"]) == 0
    streams = capsys.readouterr()
    assert streams.out.splitlines()[-1] == f"{folder}: comparison.json, table.csv, table.md"
    assert streams.err == ""
    assert {"another.yaml", "notes.txt"} <= {each.name for each in folder.iterdir()}


def test_a_page_stays_and_says_where_it_is_older_than_the_tables(tmp_path, make_run, capsys, monkeypatch):
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    monkeypatch.setattr("cnnlab.studies.pictures.answers_on_images", lambda comparison, jobs: None)
    pairs = [
        [str(make_run(tmp_path, name, seed=seed)) for name in ("colors_dnn", "colors_cnn")] for seed in (0, 1)
    ]
    page = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "report.html"
    older = "This page is older than the tables beside it."

    def call(command, *runs):
        assert run([command, *runs, "--out", str(tmp_path), "--quiet"]) == 0
        return page.read_text(encoding="utf-8"), capsys.readouterr().err

    call("report", *pairs[0])
    written = page.read_text(encoding="utf-8")
    assert call("compare", *pairs[0]) == (written, "")
    says = f"{page} is older than the tables; cnnlab report, with the same arguments, writes it anew\n"
    for _ in range(2):
        text, told = call("compare", *pairs[0], *pairs[1])
        assert told == says
        assert text.count(older) == 1
        assert [line for line in text.splitlines() if older not in line] == [
            line for line in written.splitlines() if line != "<!-- notice -->"
        ]
    assert call("compare", *pairs[0]) == (written, "")
    call("compare", *pairs[0], *pairs[1])
    text, told = call("report", *pairs[0], *pairs[1])
    assert (older in text, told) == (False, "")


def test_a_page_that_is_not_of_cnnlab_stays_as_it_is(tmp_path, make_run, capsys):
    runs = [str(make_run(tmp_path, name)) for name in ("colors_dnn", "colors_cnn")]
    page = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "report.html"
    page.parent.mkdir(parents=True)
    for content in (b"<p>My own words.\r\n", b"\xff\xfe"):
        page.write_bytes(content)
        assert run(["compare", *runs, "--out", str(tmp_path), "--quiet"]) == 0
        assert f"{page} is older than the tables" in capsys.readouterr().err
        assert page.read_bytes() == content


def test_a_folder_belongs_to_experiments_and_their_settings(tmp_path, make_run, capsys):
    """Others of the same names get a folder of their own, and stay there."""
    first = [str(make_run(tmp_path, name)) for name in ("colors_dnn", "colors_cnn")]
    changed = [
        first[0],
        str(make_run(tmp_path, "colors_cnn", changes=["training.epochs=3"])),
    ]

    def folder_of(runs):
        assert run(["compare", *runs, "--out", str(tmp_path), "--quiet"]) == 0
        return Path(capsys.readouterr().out.splitlines()[-1].split(": ")[0])

    shared, own = folder_of(first), folder_of(changed)
    assert shared.name == "colors_dnn-vs-colors_cnn"
    assert re.fullmatch("colors_dnn-vs-colors_cnn-[0-9a-f]{8}", own.name)
    kept = (shared / "comparison.json").read_bytes()
    assert folder_of(changed) == own
    assert (shared / "comparison.json").read_bytes() == kept
    assert folder_of([*first, str(make_run(tmp_path, "colors_cnn", seed=1))]) == shared  # more seeds
    digests = [each["digest"] for each in json.loads((own / "comparison.json").read_text())["experiments"]]
    assert digests == [read_record(Path(each)).config.digest for each in changed]
    assert json.loads((own / "experiments.json").read_text())["experiments"] == [
        {"name": name, "digest": digest}
        for name, digest in zip(("colors_dnn", "colors_cnn"), digests, strict=True)
    ]
    shutil.rmtree(shared)
    assert folder_of(changed) == own  # even if the shorter name is free


def test_the_page_of_a_comparison_with_a_number_that_is_none_stays(tmp_path, make_run, monkeypatch):
    runs = [str(make_run(tmp_path, name)) for name in ("colors_dnn", "colors_cnn")]
    page = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn" / "report.html"
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    as_dict = ComparedOutcomes.as_dict
    monkeypatch.setattr(ComparedOutcomes, "as_dict", lambda self: {**as_dict(self), "ratio": float("nan")})
    assert run(["compare", *runs, "--out", str(tmp_path), "--quiet"]) == 0
    page.write_text("of the same comparison", encoding="utf-8")
    assert run(["compare", *runs, "--out", str(tmp_path), "--quiet"]) == 0
    assert page.exists()


def test_a_run_that_was_killed_is_not_finished(tmp_path, make_run, capsys):
    killed = make_run(tmp_path, "colors_dnn", state="running")
    assert run(["compare", str(killed), "colors_cnn", "--out", str(tmp_path)]) == 2
    said = f"{killed}: expected a finished run, this one is interrupted; train it again to resume it\n"
    assert capsys.readouterr().err == said


def test_confusion_counts_every_run(out, make_run):
    runs = [read_record(path) for path in out.glob("colors_cnn-*/seed-*")]
    counts = confusion(compare_records(grouped([*runs, *other_runs(out)])).experiments[0])
    assert counts.sum() == 6 * 1000
    right = sum(record.predictions.right.sum() for record in runs)
    assert np.trace(counts) == right


def other_runs(out):
    return [read_record(path) for path in out.glob("colors_dnn-*/seed-*")]


COUNTED = (
    "1 of 4 runs was trained with another arithmetic version of cnnlab than the present one, "
    f"{ARITHMETIC}; new runs can differ from it in the last digits"
)


@pytest.mark.parametrize("number", [99, None], ids=["numbered", "unnumbered"])
@pytest.mark.parametrize("given", ["folders", "configs"])
def test_runs_of_another_arithmetic_version_are_counted(
    tmp_path, make_run, settle, capsys, no_pictures, given, number
):
    """Where configs name them, training has said so already; the comparison keeps the count all the same."""
    paths = [make_run(tmp_path, name, seed=seed) for name in ("colors_dnn", "colors_cnn") for seed in (0, 1)]
    environment = paths[1] / "environment.json"
    facts = json.loads(environment.read_text(encoding="utf-8")) | {"arithmetic": number}
    environment.write_text(json.dumps(facts), encoding="utf-8")
    settle(paths[1])
    folders = [str(path.parent) for path in paths[::2]]
    experiments = folders if given == "folders" else ["colors_dnn", "colors_cnn"]
    assert run(["compare", *experiments, "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.err.count(COUNTED) == (given == "folders")
    assert told.err.count("reusing runs that were trained") == (given == "configs")
    assert COUNTED not in told.out
    folder = tmp_path / "comparisons" / "colors_dnn-vs-colors_cnn"
    assert json.loads((folder / "comparison.json").read_text(encoding="utf-8"))["warnings"] == [COUNTED]
    assert COUNTED in (folder / "table.md").read_text(encoding="utf-8")
