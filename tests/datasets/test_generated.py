"""What all generated sets have in common."""

import numpy as np
import pytest
from pydantic import ValidationError

from cnnlab.datasets import DATASETS, load_dataset
from cnnlab.datasets.content import digest
from cnnlab.datasets.sources.generated import Generated

NAMES = [name for name, each in DATASETS.items() if issubclass(each, Generated)]

# Another digest means other pictures under the same seed: every figure measured on them is void.
DIGESTS = {
    "shapes": "390f523a8c396760",
    "colored_shapes": "edf50ef9846e5822",
    "xo": "0bf3aedb4bcc7bf7",
    "tones": "e66f1afdb2a855f6",
    "larger_norm": "a4ba72c4f9ddb8b7",
    "go": "61d6dfba839cd10c",
}


def drawn(name, **fields):
    return DATASETS[name](**{"train_count": 60, "test_count": 20, **fields})


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_what_its_config_says(name):
    config = drawn(name, validation_size=0)
    data = load_dataset(config, None)
    assert data.train.images.shape == (60, *config.image_shape)
    assert data.test.images.shape == (20, *config.image_shape)
    assert data.train.images.dtype == data.test.images.dtype == np.uint8
    assert data.train.images.max() <= config.brightest
    assert 0 <= data.train.labels.min() <= data.train.labels.max() < config.num_classes
    assert data.provenance.status == data.provenance.origin == "generated"
    assert len({image.tobytes() for image in data.train.images}) == 60


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_draws_the_same_set_again_and_another_seed_another(name):
    first, again, other = (drawn(name, generator_seed=seed).read(None) for seed in (0, 0, 1))
    assert first.provenance == again.provenance
    assert first.provenance.digest != other.provenance.digest
    assert first.provenance.test_digest != other.provenance.test_digest
    assert digest(first.train_images[:20]) != digest(first.test_images)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_a_seed_are_known_for_good(name):
    assert drawn(name).read(None).provenance.digest[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "go"])
def test_classes_come_equally_often(name):
    config = DATASETS[name](train_count=600)
    counts = np.bincount(config.read(None).train_labels, minlength=config.num_classes)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_size_noise_and_difficulty_are_parameters(name):
    config = drawn(name, size=9 if name == "go" else 20, noise=0.2, difficulty=1.0)
    images = config.read(None).train_images
    assert images.shape[1:] == config.image_shape
    easy = drawn(name, noise=0.0, difficulty=0.0)
    assert easy.read(None).provenance.digest != config.read(None).provenance.digest


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        pytest.param(
            {"train_size": 61},
            ("train_size",),
            "expected at most 60 training images (train_count), found 61",
            id="more than are drawn",
        ),
        pytest.param(
            {"train_size": 20, "validation_size": 50},
            ("validation_size",),
            "expected fewer than the 20 training images used, found 50",
            id="nothing left",
        ),
        pytest.param({"noise": 1.5}, ("noise",), "expected 1 or less, found 1.5", id="noise"),
        pytest.param({"train_count": 1}, ("train_count",), "expected 10 or more, found 1", id="too few"),
        pytest.param({"size": 8}, ("size",), "expected 16 or more, found 8", id="size"),
    ],
)
def test_config_errors_point_at_their_field(fields, place, message):
    with pytest.raises(ValidationError) as caught:
        drawn("shapes", **fields)
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [(place, message)]
