"""cnnlab sweep, as a user types it."""

import html
import json
import shlex
import subprocess
import sys

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import UserError

GRID = ("--vary", "training.batch_size=50,100", "--vary", "training.optimizer.learning_rate=1e-3,3e-3")


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """A grid of four points, trained by the first test that needs it."""
    return tmp_path_factory.mktemp("sweep")


def sweep(capsys, out, *arguments):
    code = run(["sweep", *map(str, arguments), "--out", str(out), "--quiet"])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def tiny(tmp_path):
    """colors with a small network and few images."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "dataset: {name: colors, train_size: 200, validation_size: 100}\n"
        "model: {layers: [Flatten, {Dense: {units: 8, activation: relu}}, "
        "{Dense: {units: 6, activation: softmax}}]}\n"
        "training: {epochs: 1, batch_size: 50}\n"
    )
    return path


def test_a_grid(capsys, out, tiny):
    code, text, errors = sweep(capsys, out, tiny, *GRID, "--seeds", "0-1", "--json")
    assert (code, errors) == (0, "")
    document = json.loads(text)
    assert document["search"] == "grid"
    assert document["monitor"] == "validation_accuracy"
    assert [tuple(each["settings"].values()) for each in document["points"]] == [
        (50, 0.001), (50, 0.003), (100, 0.001), (100, 0.003),
    ]  # fmt: skip
    results = {}
    for point in document["points"]:
        values = [
            json.loads((path / "result.json").read_text())["validation_accuracy"]
            for seed in (0, 1)
            for path in [out / f"tiny-{point['digest'][:8]}" / f"seed-{seed}"]
        ]
        assert point["validation_accuracy"]["values"] == values
        assert point["seeds"] == [0, 1]
        assert point["state"] == "finished"
        assert point["error"] is None
        results[point["digest"]] = sum(values) / 2
    best = next(each for each in document["points"] if each["rank"] == 1)
    assert results[best["digest"]] == max(results.values())
    assert document["winner"]["settings"] == best["settings"]
    assert sorted(each["rank"] for each in document["points"]) == [1, 2, 3, 4]
    folder = out / "sweeps" / "tiny"
    assert json.loads((folder / "sweep.json").read_text())["points"] == document["points"]
    assert "test_accuracy" not in (folder / "table.csv").read_text()


def test_pictures_lie_beside_the_numbers(capsys, out, tiny):
    assert sweep(capsys, out, tiny, *GRID, "--seeds", "0-1")[0] == 0
    folder = out / "sweeps" / "tiny"
    assert {path.name for path in folder.iterdir() if path.suffix == ".png"} == {
        "map.png", "slices.png", "importance.png", "parallel.png",
    }  # fmt: skip
    document = json.loads((folder / "sweep.json").read_text())
    means = [point["validation_accuracy"]["mean"] for point in document["points"]]
    sizes = [sum(means[:2]), sum(means[2:])]
    variance = sum((mean - sum(means) / 4) ** 2 for mean in means) / 4
    by_key = {each["key"]: each["share"] for each in document["importance"]}
    expected = ((sizes[0] - sizes[1]) / 4) ** 2 / variance
    assert by_key["training.batch_size"] == pytest.approx(expected)
    assert "exact, from all combinations" in (folder / "table.md").read_text()


def test_pictures_of_an_earlier_state_do_not_stay(capsys, out, tiny, tmp_path):
    one = ("--vary", "training.batch_size=50,100", "--seeds", "0")
    folder = tmp_path / "sweeps" / "tiny"
    folder.mkdir(parents=True)
    for name in ("map.png", "importance.png", "report.html"):
        (folder / name).write_text("old")
    code, _, errors = sweep(capsys, tmp_path, tiny, *one, "--backend", "scratch")
    page = folder / "report.html"  # no page of cnnlab's: it is the user's
    assert code == 0
    assert errors == f"{page} is older than the tables; cnnlab report {folder} writes it anew\n"
    assert {path.name for path in folder.iterdir()} >= {"slices.png", "sweep.json"}
    assert not any((folder / name).exists() for name in ("map.png", "importance.png"))
    assert page.read_text() == "old"


def test_a_page_of_an_earlier_state_says_so(capsys, out, tiny):
    vary = ("--vary", "training.batch_size=50,100", "--backend", "scratch")
    assert sweep(capsys, out, tiny, *vary, "--seeds", "0")[0] == 0
    swept = cnnlab.sweep(tiny, vary={"training.batch_size": [50, 100]}, seeds=0, backend="scratch", out=out)
    page = swept.report()
    folder = page.parent
    assert "older than the tables" not in page.read_text()
    code, _, errors = sweep(capsys, out, tiny, *vary, "--seeds", "0-1")
    assert code == 0
    assert errors == f"{page} is older than the tables; cnnlab report {folder} writes it anew\n"
    assert "This page is older than the tables beside it." in page.read_text()
    now = cnnlab.sweep(
        tiny, vary={"training.batch_size": [50, 100]}, seeds=[0, 1], backend="scratch", out=out
    )
    now.save()
    assert now.older_report == page
    now.report()
    assert now.older_report is None
    assert "older than the tables" not in page.read_text()
    assert sweep(capsys, out, tiny, *vary, "--seeds", "0-1")[2] == ""


def printed_commands(capsys, *arguments):
    code = run(["sweep", *map(str, arguments), "--print-commands"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return printed.out.splitlines()


def test_each_printed_command_trains_what_the_sweep_looks_for(capsys, tiny, tmp_path):
    """Each is run alone, by a shell, and the sweep then has nothing to train."""
    mine = tmp_path / "my files" / "it's tiny.yaml"
    mine.parent.mkdir()
    mine.write_text(f"name: tiny\n{tiny.read_text()}")
    out = tmp_path / "other machine's runs"
    axes = ("--vary", "training.batch_size=50,100", "--vary", "model.layers[1].activation=relu,null")
    fixed = ("--set", "training.optimizer={name: sgd, learning_rate: 1e-3}", "--seeds", "0,2", "--out", out)
    arguments = (mine, *axes, *fixed, "--backend", "scratch", "--threads", "1")
    lines = printed_commands(capsys, *arguments, "--quiet")
    assert len(lines) == 4
    assert not out.exists()
    shell = f'cnnlab() {{ "{sys.executable}" -m cnnlab.cli "$@"; }}\n'
    for line in lines:
        subprocess.run(["bash", "-c", shell + line], check=True, capture_output=True, timeout=120)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("run.json")}
    assert len(before) == 8
    code, text, _ = sweep(capsys, out, *arguments, "--json")
    assert code == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("run.json")} == before
    assert {point["state"] for point in json.loads(text)["points"]} == {"finished"}


def test_printed_commands_as_json_are_those_of_the_library(capsys, tiny):
    arguments = ("--vary", "training.batch_size=50,100", "--seeds", "0-2", "--device", "cpu")
    lines = printed_commands(capsys, tiny, *arguments)
    assert lines == cnnlab.sweep_commands(
        str(tiny), vary={"training.batch_size": [50, 100]}, seeds=range(3), device="cpu"
    )
    assert lines[0] == f"cnnlab train {tiny} --set training.batch_size=50 --seeds 0-2 --device cpu"
    assert json.loads("\n".join(printed_commands(capsys, tiny, *arguments, "--json"))) == lines


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--search", "tpe"), "tpe chooses each point by what came of earlier ones"),
        (("--prune",), "--prune: whether a trial is stopped depends on the others"),
        (("--vary", "model.layers[1].units=8,0"), "units"),
        (("--set", "dataset.validation_size=0"), "there are no validation images"),
        (("--csv",), "--print-commands prints no table"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_no_command_is_printed_for(capsys, tiny, arguments, problem):
    code = run(["sweep", str(tiny), "--vary", "training.batch_size=50,100", *arguments, "--print-commands"])
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert problem in printed.err


def test_a_mapping_has_no_command():
    with pytest.raises(UserError, match="expected an experiment's name or path for a command line"):
        cnnlab.sweep_commands({"name": "mine"}, vary={"training.epochs": [1, 2]})


def test_the_report_on_a_sweep(capsys, out, tiny):
    assert sweep(capsys, out, tiny, *GRID, "--seeds", "0-1")[0] == 0
    folder = out / "sweeps" / "tiny"
    document = json.loads((folder / "sweep.json").read_text())
    assert run(["report", str(folder), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["report"] == str(folder / "report.html")
    page = (folder / "report.html").read_text()
    best = document["winner"]
    assert best["command"] in html.unescape(page)
    assert best["digest"][:8] in page
    assert page.count("<svg ") == 4
    assert "test_accuracy" not in json.dumps(document["points"])  # of which tables and pictures are made
    # The same sweep again leaves the page as it is.
    assert sweep(capsys, out, tiny, *GRID, "--seeds", "0-1")[0] == 0
    assert (folder / "report.html").read_text() == page


def test_the_command_on_the_page_trains_the_best_point(capsys, out, tiny):
    assert sweep(capsys, out, tiny, *GRID, "--seeds", "0-1")[0] == 0
    document = json.loads((out / "sweeps" / "tiny" / "sweep.json").read_text())
    words = shlex.split(document["winner"]["command"])
    assert words[:3] == ["cnnlab", "train", str(tiny)]
    assert run([*words[1:], "--out", str(out), "--quiet", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert {each["digest"] for each in runs} == {document["winner"]["digest"]}
    assert [each["seed"] for each in runs] == [0, 1]


def test_a_report_on_what_is_no_sweep(capsys, tmp_path):
    (tmp_path / "sweep.json").write_text('{"name": "mine"}')
    assert run(["report", str(tmp_path)]) == 2
    assert "expected a sweep's folder" in capsys.readouterr().err
    assert run(["report", str(tmp_path), "--seeds", "0"]) == 2
    assert "the report on a sweep trains nothing" in capsys.readouterr().err


def test_a_sweep_is_named_alone_or_by_its_file(capsys, out, tiny):
    assert sweep(capsys, out, tiny, *GRID, "--seeds", "0-1")[0] == 0
    folder = out / "sweeps" / "tiny"
    assert run(["report", str(folder / "sweep.json")]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    assert run(["report", "cnn", str(folder)]) == 2
    assert "is a sweep, which has a page of its own; name it alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--vary", "training.epochs=3"], "--vary: training.epochs: expected two or more values, found 1"),
        (["--vary", "training.epochs=3,4", "--trials", "5"], "--trials: a grid tries every combination"),
        (
            ["--vary", "training.epochs=3,4", "--search", "grid", "--trials", "2"],
            "--trials: a grid tries every combination",
        ),
        (["--vary", "training.epochs=5..3", "--search", "tpe"], "expected an ascending range, found 5..3"),
        (
            ["--vary", "training.epochs='8',8", "--search", "random"],
            "training.epochs: expected values that can be told apart, found '8' and 8",
        ),
        (
            ["--vary", "runtime.backend=tensorflow,jax", "--search", "tpe"],
            "expected one backend and device per command",
        ),
        (
            ["--vary", "runtime.backend=tensorflow,jax", "--prune"],
            "expected one backend and device per command",
        ),
        (["--vary", "training.epochs=3,4", "--set", "training.epochs=2"], "is set to 2 besides"),
        (
            ["--vary", "training.epoch=3,4,5"],
            "training.epoch=3 and 2 other points: --vary training.epoch: unknown key; did you mean epochs?",
        ),
        ([], "--vary: expected a setting and its values"),
    ],
)
def test_slips_are_named_before_anything_is_trained(capsys, tmp_path, tiny, arguments, problem):
    code, printed, errors = sweep(capsys, tmp_path / "out", tiny, *arguments)
    assert (code, printed) == (2, "")
    assert problem in errors
    assert not list(tmp_path.glob("out/tiny-*"))


@pytest.mark.parametrize("wrong", [{"vary": 5}, {"trials": True}, {"prune": "yes"}, {"search": "gird"}])
def test_slips_in_python_are_errors_of_the_user(tmp_path, tiny, wrong):
    given = {"vary": {"training.epochs": [1, 2]}, "search": "random"} | wrong
    with pytest.raises(cnnlab.UserError):
        cnnlab.sweep(tiny, out=tmp_path / "out", **given)


def test_values_may_come_from_an_iterator(tiny):
    lines = cnnlab.sweep_commands(tiny, vary={"training.epochs": map(int, "34")})
    assert [line.split("training.epochs=")[1].split()[0] for line in lines] == ["3", "4"]


def test_a_sweep_without_a_whole_point_fails(capsys, tmp_path, tiny):
    code, _, _ = sweep(
        capsys, tmp_path / "out", tiny, "--vary", "training.batch_size=50,100",
        "--set", "training.optimizer={name: sgd, learning_rate: 1e30}", "--seeds", "0", "--json",
    )  # fmt: skip
    assert code == 1
