"""Any functional or sequential Keras model as one flat graph, in which each layer is called once.

Models inside models hide their layers, and of a layer that is called twice Keras cannot say what its output
is. In the flat graph every call is a layer of its own, with the same weights.
"""

from __future__ import annotations

from typing import Any

import keras


def flattened(model: keras.Model, *, behind: keras.layers.Layer | None = None) -> keras.Model:
    """The same function of the same weights, flat; `model` stays as it is.

    Layers of a model within keep their names behind its name (backbone>conv1), and so they do where a name
    has dots, which PyTorch does not take; a second call of a layer is called conv1_call2.

    Args:
        behind: a layer that images go through beforehand.

    Raises:
        ValueError, TypeError: a model within is neither functional nor sequential.
    """
    image = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    calls: dict[str, int] = {}
    first = image if behind is None else behind(image)
    (scores,) = keras.tree.flatten(_through(model, first, "", calls))  # alone, or a list of one
    return keras.Model(image, scores, name=model.name)


def _through(model: keras.Model, inputs: Any, path: str, calls: dict[str, int]) -> Any:
    """Send symbolic tensors through new copies of all of a model's operations."""
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0])

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{path}{operation.name}".replace(".", ">")  # TensorFlow takes no other mark that fits
        if isinstance(operation, keras.Model):
            return _through(operation, args[0], f"{name}>", calls)
        calls[name] = calls.get(name, 0) + 1
        again = f"_call{calls[name]}" if calls[name] > 1 else ""
        twin = type(operation).from_config({**operation.get_config(), "name": name + again})
        outputs = twin(*args, **kwargs)
        if isinstance(operation, keras.Layer):
            twin.set_weights(operation.get_weights())
        return outputs

    # What keras.models.clone_model is made of; itself it leaves models within as they are, or copies them
    # whole, and calls a shared layer's copy as often as the layer.
    return model._run_through_graph(inputs, operation_fn=lambda operation: operation, call_fn=call)
