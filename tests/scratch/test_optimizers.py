"""Optimizers by hand take the steps of Keras's."""

import numpy as np
import pytest

from cnnlab.config.optimizers import OPTIMIZERS
from cnnlab.scratch.optimizers import first_slots, step_of_all

TOLERANCE = {"rtol": 1e-4, "atol": 1e-6}  # Keras casts 0.999 to float32 on the way
CLIPPINGS = [{}, {"clipvalue": 0.5}, {"clipnorm": 1.0}, {"global_clipnorm": 2.0}]
KINDS = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("rmsprop", {}),
    ("rmsprop", {"rho": 0.8, "momentum": 0.9}),
    ("rmsprop", {"momentum": 0.5, "centered": True}),
    ("adam", {"beta_1": 0.8, "epsilon": 1e-3}),
    ("adam", {"amsgrad": True}),
    ("adamw", {}),
    ("lion", {}),
]


@pytest.mark.parametrize("clipping", CLIPPINGS, ids=lambda clipping: next(iter(clipping), "unclipped"))
@pytest.mark.parametrize(("name", "fields"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_optimizer_takes_the_steps_of_keras(name, fields, clipping, backend):
    import keras
    import tensorflow as tf

    described = OPTIMIZERS[name].model_validate(
        {"name": name, "weight_decay": 0.01, **fields, **clipping, "learning_rate": 0.05}
    )
    arguments, rng = described.arguments(), np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 2), (2,))]
    theirs = [keras.Variable(weight, dtype="float64", name=f"w{i}") for i, weight in enumerate(weights)]
    optimizer = getattr(keras.optimizers, described.keras_class)(learning_rate=0.05, **arguments)
    slots = [first_slots(name, arguments, weight) for weight in weights]
    for step in range(1, 6):
        gradients = [rng.normal(size=weight.shape) for weight in weights]
        if step == 3:
            gradients[0][:] = 0
        weights, slots = step_of_all(name, arguments, weights, gradients, slots, 0.05, step)
        optimizer.apply([tf.constant(each) for each in gradients], theirs)
        for weight, expected in zip(weights, theirs, strict=True):
            np.testing.assert_allclose(weight, expected.numpy(), **TOLERANCE)
    remembered = {variable.path.rpartition("/")[2]: variable.numpy() for variable in optimizer.variables[2:]}
    assert sum(len(each) for each in slots) == len(remembered)
    for number, each in enumerate(slots):
        for slot, value in each.items():
            expected = remembered[f"w{number}_{slot}"]
            np.testing.assert_allclose(value, expected, **TOLERANCE, err_msg=slot)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "lion"])
def test_single_precision_stays_single(name):
    arguments = OPTIMIZERS[name].model_validate({"name": name, "clipnorm": 0.1}).arguments()
    weight = np.ones(3, np.float32)
    (moved,), (slots,) = step_of_all(
        name, arguments, [weight], [weight], [first_slots(name, arguments, weight)], 0.1, 1
    )
    assert {moved.dtype, *(each.dtype for each in slots.values())} == {np.dtype("float32")}
