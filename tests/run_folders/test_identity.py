"""Two experiments whose digests begin alike are two experiments."""

import json

import pytest

from cnnlab.cli import run
from cnnlab.comparison import compare, grouped
from cnnlab.config.experiment import load_config
from cnnlab.run_folders.holding import remove_run
from cnnlab.run_folders.identity import find_finished, finished_seeds, is_finished, run_path
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import read_record

RATE = "training.optimizer.learning_rate"
ALIKE = [f"{RATE}=0.01023248", f"{RATE}=0.01033636"]
"""Found by trying 300,000 values: both digests of colors_dnn begin with 94d0c280."""


@pytest.fixture
def pair():
    one, other = (load_config("colors_dnn", [setting]) for setting in ALIKE)
    assert one.digest[:8] == other.digest[:8]
    assert one.digest != other.digest
    return one, other


@pytest.mark.parametrize("first", [0, 1])
def test_each_has_its_folder_whichever_came_first(tmp_path, make_run, pair, first):
    one, other = pair[first], pair[1 - first]
    short = make_run(tmp_path, "colors_dnn", changes=[ALIKE[first]], accuracy=0.7)
    assert run_path(other, tmp_path).parent.name == f"colors_dnn-{other.digest[:16]}"
    assert find_finished(other, tmp_path) is None
    assert finished_seeds(other, tmp_path) == set()

    long = make_run(tmp_path, "colors_dnn", changes=[ALIKE[1 - first]], accuracy=0.8)
    assert (short, long) == (run_path(one, tmp_path), run_path(other, tmp_path))
    for config, accuracy in ((one, 0.7), (other, 0.8)):
        record = find_finished(config, tmp_path)
        assert record.result.digest == config.digest
        assert record.result.test_accuracy == pytest.approx(accuracy)


def test_the_second_stays_where_it_is_when_the_first_is_gone(tmp_path, make_run, pair):
    short = make_run(tmp_path, "colors_dnn", changes=ALIKE[:1])
    long = make_run(tmp_path, "colors_dnn", changes=ALIKE[1:])
    remove_run(short)
    assert run_path(pair[1], tmp_path) == long
    assert run_path(pair[0], tmp_path) == short


def test_they_can_be_listed_and_compared(tmp_path, make_run, capsys, pair):
    paths = [make_run(tmp_path, "colors_dnn", changes=[setting]) for setting in ALIKE]
    assert run(["runs", "list", "--json", "--out", str(tmp_path)]) == 0
    assert {row["path"] for row in json.loads(capsys.readouterr().out)} == {str(path) for path in paths}
    compared = compare(list(grouped(map(read_record, paths))))
    rates = [setting.partition("learning_rate")[2] for setting in ALIKE]
    assert [each.name for each in compared.experiments] == [
        f"colors_dnn-learning_rate{rate}" for rate in rates
    ]


def test_two_that_began_at_once_are_both_found(tmp_path, make_run, pair):
    """Each looked before the other had written: both stand in the short folder, with other seeds."""
    one = make_run(tmp_path, "colors_dnn", changes=ALIKE[:1], seed=0)
    other = make_run(tmp_path / "elsewhere", "colors_dnn", changes=ALIKE[1:], seed=1)
    both = one.with_name("seed-1")
    other.rename(both)
    assert run_path(pair[0], tmp_path) == one
    assert run_path(pair[1].with_seed(1), tmp_path) == both
    assert find_finished(pair[1].with_seed(1), tmp_path) is not None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"digest": "0" * 64},
            "expected a run of the experiment 94d0c280c9c2e0b7…, found one of 0000000000000000…",
        ),
        ({"digest": "94d0c280"}, "run.json does not say which experiment it is of"),
        ({"seed": 3}, "expected the run of seed 0, found that of seed 3"),
    ],
)
def test_a_run_that_is_not_what_its_folder_says_is_damaged(tmp_path, make_run, changed, said):
    path = make_run(tmp_path, "colors_dnn", changes=ALIKE[:1])
    status = json.loads((path / "run.json").read_text(encoding="utf-8"))
    (path / "run.json").write_text(json.dumps(status | changed), encoding="utf-8")
    with pytest.raises(DamagedRun, match=said):
        is_finished(path, load_config("colors_dnn", ALIKE[:1]))
