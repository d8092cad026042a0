"""Labels that are wrong on purpose: which, how many, and whose."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DATASETS, load_dataset
from cnnlab.datasets.label_noise import LabelNoise
from cnnlab.datasets.mislabeling import label_steps, mislabeled, true_labels

PLAIN = DATASETS["colors"]()
NOISY = DATASETS["colors"](label_noise=0.25)


@pytest.fixture(scope="module")
def loaded():
    from cnnlab.datasets import DataPaths

    return [load_dataset(each, DataPaths.from_environment(None)) for each in (PLAIN, NOISY)]


def test_training_labels_alone_are_wrong(loaded):
    before, after = loaded
    wrong = before.train.labels != after.train.labels
    assert wrong.sum() == round(0.25 * len(wrong)) == after.provenance.label_noise["changed"]
    assert set(after.train.labels) == set(range(6))
    for part in ("validation", "test"):
        np.testing.assert_array_equal(getattr(before, part).labels, getattr(after, part).labels)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(before, part).images, getattr(after, part).images)


def test_every_other_class_is_as_likely():
    """Within four standard errors of 1/6 each: 12,000 wrong labels."""
    steps = label_steps(40_000, 7, LabelNoise(share=0.3))
    counts = np.bincount(steps, minlength=7)
    assert counts[0] == 28_000
    assert np.abs(counts[1:] - 2_000).max() < 4 * np.sqrt(12_000 * 5 / 36)
    # Neither do they gather at the beginning or the end.
    assert abs(np.flatnonzero(steps).mean() - 20_000) < 4 * 40_000 / np.sqrt(12 * 12_000)


def test_which_labels_are_wrong_follows_from_the_seed_alone():
    wrong = label_steps(12, 3, LabelNoise(share=0.5))
    assert wrong.tolist() == PINNED
    assert label_steps(12, 3, LabelNoise(share=0.5, seed=1)).tolist() != PINNED
    more = label_steps(12, 3, LabelNoise(share=0.75))
    np.testing.assert_array_equal(more[wrong > 0], wrong[wrong > 0])  # a larger share adds some


PINNED = [1, 0, 0, 2, 0, 2, 2, 1, 0, 0, 1, 0]
"""Published results depend on it."""


def test_the_run_s_seed_does_not_count(loaded):
    assert load_config("colors_cnn").with_seed(5).dataset == load_config("colors_cnn").dataset
    again = load_config("colors_cnn", ["dataset.label_noise=0.25"]).with_seed(5).dataset
    assert again.label_noise == NOISY.label_noise


def test_the_true_labels_are_found_again(loaded):
    before, after = loaded
    assert mislabeled(before.train.labels, 6, NOISY.label_noise).tolist() == after.train.labels.tolist()
    assert true_labels(after.train.labels, 6, NOISY.label_noise).tolist() == before.train.labels.tolist()
    assert true_labels(before.train.labels, 6, None).tolist() == before.train.labels.tolist()


def test_the_records_name_it_and_digests_are_those_of_the_true_labels(loaded):
    before, after = loaded
    noise = {"share": 0.25, "seed": 0, "changed": after.provenance.label_noise["changed"]}
    assert after.provenance.as_dict() == before.provenance.as_dict() | {"label_noise": noise}
    assert NOISY.full_title == "Colors, 25% label noise"


def test_it_counts_in_the_digest_only_where_it_is_set():
    plain = load_config("cnn")
    for nothing in ("null", "0", "0.0"):
        assert load_config("cnn", [f"dataset.label_noise={nothing}"]).digest == plain.digest
    noisy = load_config("cnn", ["dataset.label_noise=0.1"]).digest
    assert load_config("cnn", ["dataset.label_noise={share: 0.1, seed: 0}"]).digest == noisy
    others = ("0.2", "{share: 0.1, seed: 1}")
    digests = {load_config("cnn", [f"dataset.label_noise={each}"]).digest for each in others}
    assert len({plain.digest, noisy, *digests}) == 4


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        pytest.param(1.5, (), "expected a share from 0 to 1, found 1.5", id="above 1"),
        pytest.param(
            "some", (), "expected a share, or share and seed such as {share: 0.1, seed: 0}; found 'some'",
            id="text",
        ),
        pytest.param({"seed": 3}, ("share",), "missing; this key is required", id="no share"),
        pytest.param({"share": 0.0}, ("share",), "expected more than 0, found 0.0", id="nothing"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(value, place, message):
    with pytest.raises(ValidationError) as caught:
        DATASETS["mnist"](label_noise=value)
    found = [(each["loc"], each["msg"]) for each in caught.value.errors()]
    assert found == [(("label_noise", *place), message)]


def test_data_show_writes_both_labels(tmp_path, capsys):
    path = tmp_path / "noisy.yaml"
    path.write_text(
        "dataset: {name: xo, train_count: 60, test_count: 20, label_noise: 0.5, permute_pixels: 1}\n"
        "model: {layers: [Flatten, {Dense: {units: 2, activation: softmax}}]}\n"
    )
    sheet = str(tmp_path / "sheet.png")
    assert run(["data", "show", str(path), "-o", sheet, "--quiet", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    wrong = sum(one != other for one, other in zip(shown["labels"], shown["true_labels"], strict=True))
    assert 10 <= wrong <= 30  # half of 40
    assert run(["data", "show", str(path), "-o", sheet, "--quiet", "--json", "--test"]) == 0
    assert "true_labels" not in json.loads(capsys.readouterr().out)
