"""Which rungs there are, what hangs off what, and what is refused before anything trains."""

import pytest

from cnnlab.config.experiment import load_config, parse_config
from cnnlab.config.from_python import read_experiment
from cnnlab.errors import UserError
from cnnlab.ladder.changes import changes_between
from cnnlab.ladder.rungs import derive
from cnnlab.language.source import parse_yaml


def ladder(dnn="dnn", cnn="cnn", wanted=None, changes=()):
    return derive(load_config(dnn, changes), load_config(cnn, changes), wanted=wanted)


def test_the_ladder_of_the_lectures_networks():
    found = ladder()
    assert [(rung.id, rung.parent, rung.config.architecture.total_params) for rung in found.rungs] == [
        ("dnn", None, 898_510),
        ("locally_connected", "dnn", 1_662_410),
        ("cnn", "locally_connected", 137_660),
        ("cnn_strided", "cnn", 137_660),
        ("locally_connected_strided", "locally_connected", 1_662_410),
        ("cnn_average", "cnn", 137_660),
        ("cnn_activation", "cnn", 137_660),
        ("dnn_matched", "dnn", 137_681),
        ("dnn_permuted", "dnn", 898_510),
        ("locally_connected_permuted", "locally_connected", 1_662_410),
        ("cnn_permuted", "cnn", 137_660),
        ("cnn_strided_permuted", "cnn_strided", 137_660),
        ("locally_connected_strided_permuted", "locally_connected_strided", 1_662_410),
    ]
    assert found.left_out.keys() == {"dnn_recipe", "dnn_recipe_permuted", "dense_equivalent", "cnn_linear"}
    assert "38,959,910 parameters" in found.left_out["dense_equivalent"]
    by_id = found.by_id
    assert by_id["dnn"].config == found.dnn
    assert by_id["cnn"].config == found.cnn
    assert by_id["locally_connected"].ingredient == "layer sizes, pooling and locality"
    assert by_id["cnn"].ingredient == "weight sharing"


def test_a_large_rung_is_there_where_it_is_named():
    found = ladder(wanted=["dense_equivalent"])
    assert [(rung.id, rung.parent, rung.ingredient) for rung in found.rungs] == [
        ("dnn", None, ""),
        ("dense_equivalent", "dnn", "layer sizes and pooling"),
        ("cnn", "dense_equivalent", "locality and weight sharing"),
    ]
    assert found.left_out == {}


def test_what_a_rung_hangs_off_takes_part():
    found = ladder(wanted=["locally_connected_strided_permuted"])
    assert [rung.id for rung in found.rungs] == [
        "dnn", "locally_connected", "cnn", "locally_connected_strided", "locally_connected_strided_permuted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pair", [("dnn", "cnn"), ("colors_dnn", "colors_cnn"), ("cifar10_dnn", "cifar10_resnet")]
)
def test_every_rung_is_an_ordinary_config_with_one_change(pair):
    found = ladder(*pair)
    digests = [rung.config.digest for rung in found.rungs]
    assert len(set(digests)) == len(digests)
    for rung in found.rungs:
        text = rung.config.to_yaml()
        again = parse_config(parse_yaml(text, "rung.yaml"), default_name="rung")
        assert (again.name, again.digest) == (rung.config.name, rung.config.digest)
        assert bool(rung.changes) == (rung.parent is not None)
        if rung.kind == "control":
            assert [(each.key, each.before) for each in rung.changes] == [("dataset.permute_pixels", None)]
        elif rung.kind == "ablation":
            assert all(each.key.startswith("model.layers[") for each in rung.changes)


def test_the_recipe_keeps_colors_from_being_credited_to_convolution():
    found = ladder("colors_dnn", "colors_cnn")
    recipe = found.by_id["dnn_recipe"]
    assert {each.key for each in recipe.changes} == {
        "model.layers[0]", "training.epochs", "training.optimizer.learning_rate", "training.drop_last",
    }  # fmt: skip
    assert found.by_id["dnn_matched"].parent == "dnn_recipe"
    assert "dnn_recipe_permuted" in found.by_id


@pytest.mark.parametrize(
    ("dnn", "cnn", "wanted", "message"),
    [
        ("cnn", "fashion_cnn", None, "cnn: expected a network without convolutions first"),
        ("dnn", "dnn_60000", None, "dnn_60000: expected a network with convolutions second"),
        ("dnn", "dnn", None, "expected experiments of different names, found dnn twice"),
        (
            "dnn",
            "fashion_cnn",
            None,
            "expected the same data, found MNIST for dnn and Fashion-MNIST for fashion_cnn",
        ),
        ("dnn", "cnn_60000", None, "dataset.train_size"),
        ("dnn", "cnn", ["cnn_stridet"], "unknown rung 'cnn_stridet'; did you mean cnn_strided?"),
        (
            "dnn",
            "cnn",
            ["dnn_recipe"],
            "dnn_recipe does not apply: input, loss and training of dnn are those",
        ),
        (
            "dnn",
            "cnn",
            ["cnn_linear"],
            "cnn_linear does not apply: its convolutions have no activations; see cnn_activation",
        ),
        ("first_layer_dense", "cnn", None, "has no dataset"),
    ],
)
def test_refused(dnn, cnn, wanted, message):
    with pytest.raises(UserError) as caught:
        ladder(dnn, cnn, wanted)
    assert message in str(caught.value)


def test_pixels_that_are_permuted_already_have_no_control():
    found = ladder(changes=["dataset.permute_pixels=3"])
    assert found.left_out["cnn_permuted"] == "its pixels are permuted already"
    assert not any(rung.kind == "control" for rung in found.rungs)


@pytest.mark.parametrize(
    ("dnn", "cnn", "rung", "ingredient"),
    [
        ("dnn", "cnn", "locally_connected", "layer sizes, pooling and locality"),
        ("cifar10_dnn", "cifar10_cnn", "cnn", "layer sizes, pooling, dropout, locality and weight sharing"),
        ("cifar10_dnn", "cifar10_resnet", "dnn_recipe", "input and training"),
        ("larger_norm_dnn", "larger_norm_cnn", "dnn_recipe", "training"),
        ("go_dnn", "go_policy", "locally_connected", "layer sizes and locality"),
    ],
)
def test_the_ingredients_are_what_differs(dnn, cnn, rung, ingredient):
    assert ladder(dnn, cnn).by_id[rung].ingredient == ingredient


def test_a_large_parent_of_a_wanted_rung_is_trained_too():
    found = ladder("cifar10_dnn", "cifar10_cnn", wanted=["locally_connected_strided_permuted"])
    assert found.by_id["locally_connected"].config.architecture.total_params > 10_000_000
    left_out = ladder("cifar10_dnn", "cifar10_cnn").left_out["locally_connected_strided"]
    assert "locally_connected is left out (" in left_out
    assert "name it with --rungs" in left_out


def test_how_a_network_takes_its_images_is_part_of_the_recipe():
    dnn, cnn = load_config("dnn", ["dataset.standardize=true"]), load_config("cnn")
    recipe = derive(dnn, cnn).by_id["dnn_recipe"]
    assert [change.key for change in recipe.changes] == ["dataset.standardize"]
    assert recipe.ingredient == "input"


def test_changes_name_settings_as_set_does():
    before = load_config("cnn")
    settings = {"model.layers[0].filters": 8, "training.epochs": 3, "training.optimizer": "sgd"}
    after = read_experiment("cnn", settings)
    changes = {each.key: (each.before, each.after) for each in changes_between(before, after)}
    assert changes["model.layers[0].filters"] == (25, 8)
    assert changes["training.epochs"] == (20, 3)
    assert changes["training.optimizer"][0]["name"] == "adam"
    assert changes["training.optimizer"][1]["name"] == "sgd"
    assert len(changes) == 3
    assert changes_between(before, before.with_seed(7)) == ()
