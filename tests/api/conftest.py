"""Runs that several tests look at, trained once, in a folder of their own."""

import pytest

import cnnlab

QUICK = {"dataset.train_size": 200, "dataset.validation_size": 50, "training.epochs": 1}


@pytest.fixture(scope="session")
def experiments():
    """A DNN and a CNN that train in a second."""
    return [cnnlab.load(name, QUICK) for name in ("colors_dnn", "colors_cnn")]


@pytest.fixture(scope="session")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("api") / "experiments"


@pytest.fixture(scope="session")
def runs(experiments, out, backend):
    """Both, with seeds 0 and 1."""
    return cnnlab.train(experiments, seeds=range(2), out=out)
