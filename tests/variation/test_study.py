"""Two experiments at several values: what is trained, compared, adjusted, said. The runs are made up."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from cnnlab.config.axes import Axis, value_text
from cnnlab.config.from_python import read_experiment
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_outcomes import RunsFailed
from cnnlab.variation import study as room
from cnnlab.variation.document import document_of, read_document
from cnnlab.variation.pictures import picture
from cnnlab.variation.study import vary
from cnnlab.variation.tables import reading_table, value_table
from cnnlab.variation.writing import variation_text
from tests.comparison.conftest import OFFICIAL, make_record

SIZE = Axis("dataset.train_size", (100, 1000, 10000))


def derive(settings):
    dnn, cnn = (read_experiment(name, settings) for name in ("dnn", "cnn"))
    return dnn, cnn


class MadeUpJobs:
    """Runs that reach what `accuracy(name, config, seed)` says; None: they diverge."""

    out = None

    def __init__(self, accuracy, content=lambda config: config.dataset.train_size):
        self.accuracy, self.content = accuracy, content
        self.trained = []

    def dataset(self, config):
        provenance = SimpleNamespace(digest=str(self.content(config)))
        return SimpleNamespace(
            train=SimpleNamespace(labels=np.zeros(config.dataset.train_size)), provenance=provenance
        )

    def finished(self, configs):
        records, failures = [], []
        for config in configs:
            self.trained.append((config.name, config.digest, config.seed))
            reached = self.accuracy(config.name, config, config.seed)
            if reached is None:
                failures.append((config, CnnlabError("training diverged: the loss is nan\nin epoch 1")))
                continue
            made = make_record(config.name, config.seed, reached, train_accuracy=1.0)
            result = replace(made.result, digest=config.digest)
            records.append(replace(made, config=config, result=result))
        if failures:
            raise RunsFailed(records, failures)
        return records


@pytest.fixture(autouse=True)
def one_dataset(monkeypatch):
    monkeypatch.setattr(room, "dataset_facts", lambda config, data: DatasetFacts.from_dict(OFFICIAL))


def carried_out(accuracy, axes=(SIZE,), *, seeds=range(6), equal_steps=False):
    return vary(derive, axes, seeds=list(seeds), jobs=MadeUpJobs(accuracy), equal_steps=equal_steps)


def crossing(name, config, seed):
    """The CNN wins with few images, the DNN with many; all seeds agree."""
    lead = {100: 0.1, 1000: 0.02, 10000: -0.01}[config.dataset.train_size]
    return 0.8 + seed / 1000 + (lead + seed / 5000 if name == "cnn" else 0)


def test_every_value_is_compared_over_the_same_seeds():
    study = carried_out(crossing)
    assert [point.values for point in study.points] == [(100,), (1000,), (10000,)]
    for point, lead in zip(study.points, (0.1, 0.02, -0.01), strict=True):
        dnn, cnn = point.comparison.experiments
        assert (dnn.name, cnn.name, dnn.seeds) == ("dnn", "cnn", tuple(range(6)))
        assert cnn.test_accuracy.mean - dnn.test_accuracy.mean == pytest.approx(lead + 0.0005)
    assert study.lead_changes == ((1, 2),)


def test_p_values_are_adjusted_for_the_number_of_values():
    study = carried_out(crossing)
    raw = [point.comparison.pairs[0].sign_flip.p for point in study.points]
    np.testing.assert_allclose(study.p_holm, multipletests(raw, method="holm")[1])


def test_what_two_values_share_is_trained_once():
    jobs = MadeUpJobs(crossing)
    vary(derive, [SIZE], seeds=[0, 1], jobs=jobs)
    assert len(jobs.trained) == len(set(jobs.trained)) == 3 * 2 * 2


def test_equal_steps_keep_the_steps_of_the_plain_experiment():
    study = carried_out(crossing, equal_steps=True)
    assert [point.steps.epochs for point in study.points] == [(2000, 2000), (200, 200), (20, 20)]
    assert {point.steps.steps for point in study.points} == {(2000, 2000)}
    document = document_of(study)
    assert document["equal_steps"] is True
    assert "about the same number of training steps at every value (2,000" in document["trained_for"]
    plain = document_of(carried_out(crossing))
    assert plain["steps"] == [[20, 20], [200, 200], [2000, 2000]]
    assert plain["trained_for"] == "20 epochs at every value, which are 20 to 2,000 training steps"


def test_steps_that_do_not_divide_are_rounded_to_whole_epochs():
    sizes = Axis("dataset.train_size", (300, 700))
    study = carried_out(lambda name, config, seed: 0.9, [sizes], equal_steps=True)
    assert [point.steps.epochs for point in study.points] == [(667, 667), (286, 286)]
    assert [point.steps.steps for point in study.points] == [(2001, 2001), (2002, 2002)]


def test_equal_steps_and_epochs_that_vary_exclude_each_other():
    with pytest.raises(UserError, match=r"equal_steps: it changes training\.epochs"):
        carried_out(crossing, [Axis("training.epochs", (1, 2))], equal_steps=True)


def test_a_value_whose_runs_diverge_is_left_out_and_the_others_are_kept():
    def accuracy(name, config, seed):
        return None if name == "cnn" and config.dataset.train_size == 1000 else 0.9 + seed / 1000

    document = document_of(carried_out(accuracy))
    assert document["values"] == [[100], [10000]]
    [failure] = document["failures"]
    assert (failure["values"], failure["name"], failure["seeds"]) == ([1000], "cnn", list(range(6)))
    failed = "cnn failed at 1000 with seeds 0-5: training diverged: the loss is nan; this value is left out"
    assert failed in document["verdict"]


def test_a_seed_that_diverges_costs_itself_only():
    def accuracy(name, config, seed):
        return None if name == "dnn" and seed == 2 and config.dataset.train_size == 100 else 0.9

    study = carried_out(accuracy)
    assert study.points[0].pair.seeds == (0, 1, 3, 4, 5)
    assert "dnn failed at 100 with seed 2" in document_of(study)["verdict"]
    assert "its other seeds count" in document_of(study)["verdict"]


def test_nothing_is_left_if_all_diverge():
    with pytest.raises(RunsFailed, match="training diverged"):
        carried_out(lambda name, config, seed: None)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=7))
def test_the_lead_changes_where_the_sign_does_ties_aside(signs):
    points = [SimpleNamespace(place=(place,), lead=sign) for place, sign in enumerate(signs)]
    axis = Axis("a", tuple(range(len(signs))))
    study = room.Variation(("a", "b"), (None, None), (axis,), tuple(points), (), (0,), equal_steps=False)
    leads = [(place, sign) for place, sign in enumerate(signs) if sign]
    expected = tuple((one, other) for (one, a), (other, b) in pairwise(leads) if a != b)
    assert study.lead_changes == expected


def test_in_a_grid_the_lead_changes_between_neighbors_along_both_settings():
    def accuracy(name, config, seed):
        wins = config.dataset.train_size == 100 and config.training.batch_size == 50
        return 0.9 + (0.01 if name == "cnn" and wins else 0.005 if name == "dnn" else 0)

    axes = [Axis("dataset.train_size", (100, 1000)), Axis("training.batch_size", (50, 100))]
    study = carried_out(accuracy, axes, seeds=[0])
    assert [point.values for point in study.points] == [(100, 50), (100, 100), (1000, 50), (1000, 100)]
    assert study.lead_changes == ((0, 1), (0, 2))
    document = document_of(study)
    assert document["keys"] == ["dataset.train_size", "training.batch_size"]
    assert list(reading_table(document).columns[:2]) == document["keys"]


@pytest.mark.parametrize(
    ("axes", "problem"),
    [
        ([Axis("a", (1, 2)), Axis("b", (1, 2)), Axis("c", (1, 2))], "expected at most 2 settings, found 3"),
        ([Axis("dataset.train_siz", (1, 2))], "train_siz"),
        ([Axis("model.layers[0].filters", (1, 2))], "filters"),
        ([Axis("dataset.train_size", (100, -1))], "train_size"),
    ],
)
def test_refused_before_anything_trains(axes, problem):
    jobs = MadeUpJobs(crossing)
    with pytest.raises(UserError) as caught:
        vary(derive, axes, seeds=[0], jobs=jobs)
    assert problem in str(caught.value)
    assert jobs.trained == []


def test_numbers_are_neighbors_in_their_order_however_they_were_given():
    axis = Axis("dataset.train_size", (10000, 100, 1000))
    assert carried_out(crossing, [axis]).lead_changes == ((2, 0),)


def test_a_few_seeds_at_one_value_do_not_hide_what_the_others_show():
    def accuracy(name, config, seed):
        lost = name == "cnn" and config.dataset.train_size == 100 and seed > 1
        return None if lost else crossing(name, config, seed)

    document = document_of(carried_out(accuracy, seeds=range(10)))
    assert document["p_holm"][0] == 0.5
    assert "significant at 1000 (p = 0.0059) and 10000 (p = 0.0059)." in document["verdict"]


def test_without_a_common_seed_nothing_is_claimed_and_the_rest_is_drawn():
    def accuracy(name, config, seed):
        lost = config.dataset.train_size == 100 and seed == (0 if name == "cnn" else 1)
        return None if lost else crossing(name, config, seed)

    document = document_of(carried_out(accuracy, seeds=[0, 1]))
    assert document["p_holm"][0] is None
    assert "At 100 they have no seed in common" in document["verdict"]
    assert "tied" not in document["verdict"]
    assert len(picture(document).axes) == 4

    def apart(name, config, seed):
        return None if seed == (0 if name == "cnn" else 1) else 0.9

    document = document_of(carried_out(apart, seeds=[0, 1]))
    assert "At 100, 1000 and 10000 they have no seed in common" in document["verdict"]
    assert "significant" not in document["verdict"]
    assert len(picture(document).axes) == 4


def test_a_cell_whose_runs_failed_stays_empty_and_in_its_place():
    def accuracy(name, config, seed):
        failed = config.dataset.train_size == 100 and config.training.batch_size == 50
        return None if failed else 0.9

    axes = [Axis("dataset.train_size", (100, 1000)), Axis("training.batch_size", (50, 100))]
    drawn = picture(document_of(carried_out(accuracy, axes, seeds=[0])))
    first = drawn.axes[0].images[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(first)).tolist() == [[True, False], [False, False]]
    assert [label.get_text() for label in drawn.axes[0].get_xticklabels()] == ["50", "100"]


@pytest.mark.parametrize(
    "axis",
    [Axis("dataset.label_noise", (None, 0)), Axis("dataset.permute_pixels", (3, {"seed": 3})),
     Axis("runtime.device", ("cpu", "auto"))],
)  # fmt: skip
def test_values_that_make_the_same_experiments_are_refused(axis):
    with pytest.raises(UserError, match="make the same experiments; leave one out"):
        vary(derive, [axis], seeds=[0], jobs=MadeUpJobs(crossing))


def test_two_sets_of_one_name_are_not_taken_for_each_other():
    """As two folders with one last name."""
    axis = Axis("runtime.device", ("cpu", "gpu"))
    jobs = MadeUpJobs(crossing, content=lambda config: config.runtime.device)
    with pytest.raises(UserError, match="whose data has one name; rename one of them"):
        vary(derive, [axis], seeds=[0], jobs=jobs)
    assert jobs.trained == []


def test_two_experiments_of_one_name_are_refused():
    def same(settings):
        config = read_experiment("cnn", settings)
        return config, config

    with pytest.raises(UserError, match="expected experiments of different names, found cnn twice"):
        vary(same, [SIZE], seeds=[0], jobs=MadeUpJobs(crossing))


def test_the_verdict_says_who_leads_where_and_what_the_seeds_support():
    few = document_of(carried_out(crossing))["verdict"]
    assert few.startswith(
        "cnn is more accurate than dnn at 2 of 3 values of dataset.train_size, by 2.05 (1000) to 10.05 "
        "percentage points (100), on average over the seeds. dnn is more accurate than cnn at 1 of 3 values"
    )
    assert "The lead changes hands between 1000 and 10000." in few
    assert "With 6 seeds no difference can be statistically significant after adjustment for 3 values" in few
    many = document_of(carried_out(crossing, seeds=range(8)))["verdict"]
    assert (
        "Adjusted for 3 values (sign-flip tests, Holm), the difference is statistically significant" in many
    )
    assert "gap between training and test accuracy is wider for dnn at 2 and for cnn at 1 of 3 values" in many


def test_tables_have_the_numbers_of_the_comparisons():
    document = document_of(carried_out(crossing))
    table = value_table(document)
    assert list(table["dataset.train_size"]) == [100, 100, 1000, 1000, 10000, 10000]
    assert list(table["experiment"]) == ["dnn", "cnn"] * 3
    for number, comparison in enumerate(document["comparisons"]):
        rows = table.iloc[2 * number : 2 * number + 2]
        means = [each["test_accuracy"]["mean"] for each in comparison["experiments"]]
        assert list(rows["test_accuracy_mean"]) == means
        assert set(rows["difference_mean"]) == {comparison["pairs"][0]["difference"]["mean"]}
    text = reading_table(document)
    assert list(text["dnn − cnn"]) == ["−10.05", "−2.05", "+0.95"]
    assert text["95% interval"][2] == "+0.91 to +0.99"


def test_what_is_odd_about_a_value_is_said_below_the_verdict():
    document = document_of(carried_out(crossing))
    document["comparisons"][0]["notes"] = ["cnn, seed 1: dead ReLUs", "backends differ"]
    document["comparisons"][2]["notes"] = ["cnn, seed 1: dead ReLUs"]
    *_, verdict, first, second = variation_text(document, "terminal").split("\n\n")
    assert verdict == document["verdict"]
    assert first == "100 and 10000: cnn, seed 1: dead ReLUs."
    assert second == "100: backends differ."
    document["comparisons"][1]["notes"] = ["cnn, seed 1: dead ReLUs"]
    assert variation_text(document, "latex").split("\n\n")[-2] == "% cnn, seed 1: dead ReLUs."


def test_a_document_is_read_as_it_was_written():
    document = document_of(carried_out(crossing))
    assert read_document(document) == document
    assert read_document({"keys": []}) is None
    assert read_document(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (300, "300"), (0.001, "0.001"), (0.123456789, "0.123456789"), (True, "true"), (None, "null"),
        ("same", "same"), ([3, 3], "[3, 3]"), ({"seed": 0, "block": 4}, "{seed: 0, block: 4}"),
    ],
)  # fmt: skip
def test_values_are_written_as_a_config_has_them(value, text):
    assert value_text(value) == text
