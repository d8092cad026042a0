"""Random search, TPE and pruning over functions whose best value is known."""

from __future__ import annotations

import math
import sqlite3
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnlab.errors import CnnlabError, UserError
from cnnlab.reporting import Reporter
from cnnlab.run_outcomes import RunsFailed
from tests.search.functions import Reached, Sweeping

RATE = "training.optimizer.learning_rate"
RATES = {RATE: "1e-5..1e-1"}


@pytest.fixture
def sweeping(tmp_path: Path) -> Callable[..., Sweeping]:
    """A sweep of the given values, below a folder of its own."""

    def make(vary: dict[str, Any], reached: Reached, out: str = "out", **options: Any) -> Sweeping:
        return Sweeping(tmp_path / out, vary, reached, **options)

    return make


def rate_of(config):
    return config.training.optimizer.learning_rate.initial


def near_a_hundredth(config):
    """Best at 0.01, and worse the more factors of ten away."""
    return 1 - abs(math.log10(rate_of(config)) + 2) / 4


def settings_of(study):
    return [dict(point.settings) for point in study.points]


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_trials_are_points_within_the_range(sweeping, search):
    study = sweeping(RATES, near_a_hundredth, search=search, trials=12)()
    rates = [each[RATE] for each in settings_of(study)]
    assert len(set(rates)) == 12
    assert all(1e-5 <= rate <= 1e-1 for rate in rates)
    assert sum(rate < 1e-3 for rate in rates) in range(2, 11)  # evenly over the logarithms
    assert all(rate == float(f"{rate:.4g}") for rate in rates)
    best = max(study.points, key=lambda point: point.validation_accuracy.mean)
    assert study.winner is best


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_whole_numbers(sweeping, search):
    study = sweeping({"training.batch_size": "8..64"}, lambda config: 0.5, search=search, trials=10)()
    sizes = [each["training.batch_size"] for each in settings_of(study)]
    assert all(isinstance(size, int) and 8 <= size <= 64 for size in sizes)
    assert len(set(sizes)) == 10


def test_tpe_comes_closer_than_random_search(sweeping):
    """Over eight functions, whose best rates differ."""
    distances = {"random": [], "tpe": []}
    for number in range(8):
        best = -4.5 + number / 3

        def reached(config, best=best):
            return 1 - abs(math.log10(rate_of(config)) - best) / 5

        for search, found in distances.items():
            study = sweeping(RATES, reached, f"{search}-{number}", search=search, trials=25)()
            found.append(1 - study.winner.validation_accuracy.mean)
    assert statistics.mean(distances["tpe"]) < 0.6 * statistics.mean(distances["random"])
    closer = [one < other for one, other in zip(distances["tpe"], distances["random"], strict=True)]
    assert sum(closer) >= 6


def test_lists_and_mappings_are_categories(sweeping):
    optimizers = [{"name": "adam"}, {"name": "sgd", "momentum": 0.9}]
    space = {"training.optimizer": optimizers, "training.early_stopping": [None, {"patience": 2}]}
    study = sweeping(space, lambda config: 0.5 + 0.1 * (config.training.optimizer.name == "sgd"), trials=4)()
    assert len(study.points) == 4
    assert study.winner.settings["training.optimizer"] == optimizers[1]


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_a_space_with_fewer_combinations_than_trials(sweeping, search):
    notes = []

    class Notes(Reporter):
        def note(self, message):
            notes.append(message)

    space = {"training.batch_size": [10, 20, 50], "training.epochs": "2..4"}
    sweep = sweeping(space, lambda config: 0.5, search=search, trials=30, reporter=Notes())
    study = sweep()
    assert len(study.points) == len(sweep.trained) == len({each.digest for each in sweep.trained}) == 9
    assert "9 combinations are all there are, fewer than 30 trials" in notes


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_a_range_that_has_nothing_new(sweeping, search):
    """Rounded to four digits, there are three numbers."""
    study = sweeping({RATE: "0.1..0.1002"}, lambda config: 0.5, search=search, trials=5)()
    assert {point.settings[RATE] for point in study.points} <= {0.1, 0.1001, 0.1002}
    assert len(study.points) > 1


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_the_same_points_whether_it_was_interrupted_or_not(sweeping, search):
    options = {"search": search, "trials": 16}
    whole = sweeping(RATES, near_a_hundredth, "whole", **options)()
    broken = sweeping(RATES, near_a_hundredth, "broken", **options)
    for stop_after in (1, 10, 20, 25):
        with pytest.raises(KeyboardInterrupt):
            broken(stop_after=stop_after)
    assert settings_of(broken()) == settings_of(whole)


def test_more_trials_go_on_with_the_same_study(sweeping):
    sweep = sweeping(RATES, near_a_hundredth, trials=11)
    first = settings_of(sweep())
    sweep.trials = 15
    assert settings_of(sweep())[:11] == first
    sweep.trials = 3
    assert settings_of(sweep()) == first[:3]
    assert not sweep.trained


def test_a_trial_that_was_killed_before_it_had_its_settings(sweeping):
    """Optuna writes the trial first, then one parameter after the other."""
    space = RATES | {"training.batch_size": "8..64"}
    whole = sweeping(space, near_a_hundredth, "whole", trials=14)()
    sweep = sweeping(space, near_a_hundredth, "broken", trials=14)
    with pytest.raises(KeyboardInterrupt):
        sweep(stop_after=4 * 12 + 1)
    with sqlite3.connect(study_of(sweep)) as database:
        (last,) = database.execute("SELECT max(trial_id) FROM trials").fetchone()
        database.execute(
            "DELETE FROM trial_params WHERE trial_id = ? AND param_name = 'training.batch_size'", [last]
        )
    assert settings_of(sweep()) == settings_of(whole)


def test_points_that_fail(sweeping):
    """The others go on; what failed is tried again by the next sweep."""
    broken = True

    def reached(config):
        return CnnlabError("diverged") if broken and rate_of(config) > 1e-2 else near_a_hundredth(config)

    sweep = sweeping(RATES, reached, trials=12)
    study = sweep()
    failed = [point for point in study.points if point.settings[RATE] > 1e-2]
    assert failed
    assert {point.state for point in failed} == {"failed"}
    assert {point.error for point in failed} == {"diverged"}
    assert study.winner.settings[RATE] <= 1e-2
    broken = False
    again = sweep()
    assert settings_of(again) == settings_of(study)
    assert {point.state for point in again.points} == {"finished"}
    assert settings_of(sweep()) == settings_of(study)


def test_all_points_fail(sweeping):
    for search in ("grid", "tpe"):
        vary = {RATE: [1e-3, 1e-2]} if search == "grid" else RATES
        with pytest.raises(RunsFailed, match="diverged") as raised:
            sweeping(vary, lambda config: CnnlabError("diverged"), search, search=search)()
        assert raised.value.exit_code == 1


def test_an_impossible_value_is_found_before_anything_is_tried(sweeping):
    for search in ("grid", "random", "tpe"):
        sweep = sweeping({"training.batch_size": [10, -1]}, lambda config: 0.5, search, search=search)
        with pytest.raises(UserError, match=r"training\.batch_size=-1: "):
            sweep()
        assert not sweep.trained
        assert not (sweep.out / "sweeps").exists()


def study_of(sweep) -> Path:
    return sweep.out / "sweeps" / "function" / "study.db"


def test_pruning_stops_what_is_worse_than_the_median(sweeping):
    """In the order of a grid: the sixth is the first that can be stopped, after epoch 2 at the earliest."""
    rates = [1e-2, 9e-3, 1.1e-2, 1.2e-2, 8e-3, 1e-4, 1.05e-2, 1e-5]
    sweep = sweeping({RATE: rates}, near_a_hundredth, search="grid", prune=True)
    study = sweep()
    assert [point.state for point in study.points] == [
        *["finished"] * 5, "pruned", "finished", "pruned",
    ]  # fmt: skip
    assert study.points[5].error == "pruned after epoch 2: it was worse than others at that epoch"
    assert study.points[5].validation_accuracy is None
    assert study.winner.settings[RATE] == 1e-2
    again = sweep()
    assert [point.state for point in again.points] == [point.state for point in study.points]
    assert not sweep.trained  # what was pruned stays so
    assert again.points[5].error == study.points[5].error


def test_every_seed_can_be_pruned(sweeping):
    """The seeds of a point are trained one after the other; of the last point the second one is bad."""

    def reached(config):
        return 0.1 if rate_of(config) == 6e-3 and config.seed == 1 else 0.9

    rates = [1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3]
    sweep = sweeping({RATE: rates}, reached, search="grid", prune=True, seeds=(0, 1, 2))
    study = sweep()
    last = study.points[-1]
    assert last.state == "pruned"
    assert [record.result.seed for record in last.records] == [0]
    assert [(rate_of(each), each.seed) for each in sweep.trained[-2:]] == [(6e-3, 0), (6e-3, 1)]
    assert study.ranked == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_pruning_is_the_same_after_interruptions(sweeping, search):
    options = {"search": search, "trials": 16, "prune": True}
    whole = sweeping(RATES, near_a_hundredth, "whole", **options)()
    broken = sweeping(RATES, near_a_hundredth, "broken", **options)
    for stop_after in (2, 23, 15, 11):
        with pytest.raises(KeyboardInterrupt):
            broken(stop_after=stop_after)
    study = broken()
    assert [(each.settings, each.state, each.error) for each in study.points] == [
        (each.settings, each.state, each.error) for each in whole.points
    ]
    assert "pruned" in {each.state for each in study.points}


def test_the_mean_over_seeds_is_told(sweeping):
    def reached(config):
        return near_a_hundredth(config) - 0.1 * config.seed

    sweep = sweeping(RATES, reached, trials=3, seeds=(0, 1))
    study = sweep()
    import optuna

    told = optuna.load_study(study_name=None, storage=f"sqlite:///{study_of(sweep)}")
    assert [trial.value for trial in told.trials] == [
        pytest.approx(near_a_hundredth(point.config) - 0.05) for point in study.points
    ]
    assert [trial.state.name for trial in told.trials] == ["COMPLETE"] * 3
    assert sorted(told.trials[0].intermediate_values) == [
        1,
        2,
        3,
        4,
        1_000_001,
        1_000_002,
        1_000_003,
        1_000_004,
    ]


@pytest.mark.parametrize("prune", [False, True])
def test_a_grid_is_in_the_study_too(sweeping, prune):
    import optuna

    sweep = sweeping(
        {RATE: [1e-3, 1e-2], "training.epochs": [2, 3]}, near_a_hundredth, search="grid", prune=prune
    )
    study = sweep()
    sweep()
    told = optuna.load_study(study_name=None, storage=f"sqlite:///{study_of(sweep)}")
    assert [trial.value for trial in told.trials] == [
        point.validation_accuracy.mean for point in study.points
    ]
    assert [trial.params[RATE] for trial in told.trials] == ["0.001", "0.001", "0.01", "0.01"]


def test_fresh_begins_the_study_anew(sweeping):
    sweep = sweeping(RATES, near_a_hundredth, trials=4)
    before = settings_of(sweep())
    sweep.reached = lambda config: 0.5
    assert settings_of(sweep(fresh=True)) == before
    import optuna

    told = optuna.load_study(study_name=None, storage=f"sqlite:///{study_of(sweep)}")
    assert [trial.value for trial in told.trials] == [0.5] * 4
