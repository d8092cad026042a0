import subprocess
import sys

import pytest
from pydantic import ValidationError

from cnnlab.datasets import DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_facts_of_every_dataset_agree_with_each_other(name):
    config = DATASETS[name]()
    height, width, channels = config.image_shape
    assert config.name == name
    assert config.title
    assert config.input_shape == (height, width, channels)
    assert DATASETS[name](data_format="channels_first").input_shape == (channels, height, width)
    assert len(set(config.class_names)) == config.num_classes >= 2
    assert config.train_count > config.test_count > 0


@pytest.mark.parametrize("name", DATASETS)
def test_a_config_written_and_read_again_is_the_same(name):
    config = DATASETS[name](train_size=50, validation_size=0.25, scale=[-1, 1], data_format="channels_first")
    assert DATASETS[name].model_validate(config.model_dump(mode="json")) == config


def test_importing_the_package_imports_nothing_heavy():
    heavy = [
        "numpy",
        "PIL",
        "rich",
        "urllib.request",
        "tarfile",
        "pandas",
        "filelock",
        "platformdirs",
        "keras",
    ]
    program = (
        "import sys; from cnnlab.datasets import DATASETS; DATASETS['colors'](train_size=3);"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "fields", "place", "message"),
    [
        pytest.param(
            "mnist",
            {"train_size": 70_000},
            "train_size",
            "expected at most 60000 training images, found 70000",
            id="more than there are",
        ),
        pytest.param(
            "colors",
            {"train_size": 3000, "validation_size": 4000},
            "validation_size",
            "expected fewer than the 3000 training images used, found 4000",
            id="nothing left to train on",
        ),
        pytest.param(
            "cifar10",
            {"validation_size": 50_000},
            "validation_size",
            "expected fewer than the 50000 training images used, found 50000",
            id="all of them validate",
        ),
        pytest.param("mnist", {"train_size": 0}, "train_size", "expected 1 or more, found 0", id="none"),
        pytest.param(
            "mnist",
            {"validation_size": True},
            "validation_size",
            "expected a count (0 or more) or a fraction below 1, found true",
            id="true is no count",
        ),
        pytest.param(
            "mnist",
            {"validation_size": 1.0},
            "validation_size",
            "expected a count (0 or more) or a fraction below 1, found 1.0",
            id="all as a fraction",
        ),
        pytest.param(
            "mnist",
            {"validation_size": float("nan")},
            "validation_size",
            "expected a count (0 or more) or a fraction below 1, found nan",
            id="not a number",
        ),
        pytest.param(
            "mnist", {"scale": [1, 1]}, "scale", "expected two ascending numbers, found [1.0, 1.0]", id="flat"
        ),
        pytest.param(
            "mnist",
            {"scale": [-1, 1], "standardize": True},
            "standardize",
            "standardize and scale exclude each other; remove one of them",
            id="two scalings",
        ),
    ],
)
def test_config_errors_point_at_their_field(name, fields, place, message):
    with pytest.raises(ValidationError) as caught:
        DATASETS[name](**fields)
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [((place,), message)]


def test_validation_images_may_follow_however_few_train():
    assert DATASETS["mnist"](train_size=10, validation_size=59_990).validation_size == 59_990
