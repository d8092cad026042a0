"""The digest names a run's folder: it must never change by itself, or finished runs are lost."""

import json
from pathlib import Path

import pytest

from cnnlab.config.decisive import decides
from cnnlab.config.experiment import load_config, shipped_configs
from cnnlab.config.other_optimizers import SGD
from cnnlab.layers.core import Dense

PINNED = json.loads((Path(__file__).parent / "shipped_digests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PINNED))
def test_a_shipped_config_keeps_its_digest(name):
    assert load_config(str(shipped_configs() / f"{name}.yaml")).digest == PINNED[name]


def test_every_shipped_config_is_pinned():
    assert {path.stem for path in shipped_configs().glob("*.yaml")} == PINNED.keys()


class Grown(Dense):
    """Dense, some versions later."""

    __module__ = "cnnlab.layers.core"

    swing: float = 0.5

    @classmethod
    def type(cls):
        return "Dense"


class GrownSGD(SGD):
    """An optimizer, some versions later."""

    __module__ = "cnnlab.config.optimizers"

    patience: int = 3


def grown(config, swing=0.5, patience=3):
    """The same experiment in a later version, in which layers and optimizers have got new fields."""

    def fields(each):
        return {name: getattr(each, name) for name in type(each).model_fields}

    layers = tuple(
        Grown.model_validate(fields(each) | {"swing": swing}) if type(each) is Dense else each
        for each in config.model.layers
    )
    optimizer = GrownSGD.model_validate(fields(config.training.optimizer) | {"patience": patience})
    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"layers": layers}),
            "training": config.training.model_copy(update={"optimizer": optimizer}),
        }
    )


@pytest.fixture
def config():
    return load_config("dnn", ["training.optimizer={name: sgd}"])


def test_a_new_field_at_its_default_changes_no_digest(config):
    later = grown(config)
    assert "swing: 0.5" in later.to_yaml()
    assert "patience: 3" in later.to_yaml()
    assert later.digest == config.digest


def test_a_new_field_counts_where_it_is_set(config):
    settings = ({}, {"swing": 0.25}, {"swing": 1.0}, {"patience": 4})
    assert len({grown(config, **each).digest for each in settings}) == 4


@pytest.mark.parametrize(
    "setting",
    ["seed=7", "description=mine", "runtime.device=cpu", "name=other", "training.keep_epochs=true"],
)
def test_what_does_not_decide_the_result_changes_no_digest(setting):
    assert load_config("cnn", [setting]).digest == load_config("cnn").digest


@pytest.mark.parametrize(
    "setting",
    ["dataset.stratified=true", "runtime.precision=mixed_bfloat16", "training.epochs=3",
     "model.layers[0].name=mine"],
)  # fmt: skip
def test_what_decides_the_result_changes_the_digest(setting):
    usual = "dataset.train_size=1000"
    assert load_config("cnn", [usual, setting]).digest != load_config("cnn", [usual]).digest


def test_what_a_plugin_inherits_counts_as_it_does_here():
    """A new key of all datasets, at its default, changes no digest of a plug-in's either."""
    from cnnlab.config.decisive import decides
    from cnnlab.datasets.sources.generated import Generated

    class Stripes(Generated):
        width: int = 3

    Stripes.model_rebuild(force=True)
    stripes = Stripes(name="stripes")
    counting = {field for field in Stripes.model_fields if decides(stripes, field)}
    assert {"name", "train_size", "generator_seed", "width"} <= counting
    assert "distort" not in counting
    assert decides(Stripes(name="stripes", distort={"rotation": 45}), "distort")


def test_all_fields_of_a_plugin_count(config):
    """Nobody keeps its defaults from changing: a network with another default is another network."""

    def digest(strength):
        class Blur(Dense):
            strength: float

            @classmethod
            def type(cls):
                return "Blur"

        Blur.model_fields["strength"].default = strength
        Blur.model_rebuild(force=True)
        layers = (Blur(units=10), *config.model.layers[1:])
        return config.model_copy(update={"model": config.model.model_copy(update={"layers": layers})}).digest

    assert digest(3.0) == digest(3.0) != digest(5.0)


class GrownPlugin(Grown):
    """A plug-in's layer, derived from one of cnnlab's that has got a new field."""

    __module__ = "somebody.layers"

    blur: int = 1


def test_a_new_field_of_cnnlab_leaves_the_digests_of_plugins_as_they_are():
    plain = GrownPlugin(units=3)
    assert [decides(plain, field) for field in ("units", "use_bias", "blur")] == [True, True, True]
    assert not decides(plain, "swing")
    assert decides(GrownPlugin(units=3, swing=0.7), "swing")
