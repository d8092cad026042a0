"""Loss, accuracy and probabilities, held against NumPy."""

import numpy as np
import pytest


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("activation", ["softmax", "linear"])
def test_evaluation_is_cross_entropy_and_accuracy(
    backend, experiment, dataset, loss: str, activation: str
) -> None:
    from cnnlab.training.evaluation import evaluate
    from cnnlab.training.train import prepare

    layers = f"[Flatten, Dense: {{units: 10, activation: {activation}}}]"
    data = dataset(validation=31)
    learner, steps = prepare(experiment(layers, training=f"loss: {loss}"), data)
    kernel, bias = learner.model.get_weights()
    labels = data.validation.labels
    scores = (data.validation.images.reshape(31, 784) / 255) @ kernel + bias
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    for batch_size in (1, 7, 31, 500):
        found = evaluate(steps, learner.objective, data.validation, batch_size=batch_size)
        np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-6)
        np.testing.assert_allclose(found.loss, cross_entropy(probabilities, labels), rtol=1e-5)
        assert found.accuracy == np.mean(scores.argmax(axis=1) == labels)


def test_what_is_recorded_is_what_numpy_finds(trained, experiment, dataset, weights_of) -> None:
    data = dataset()
    record = trained(experiment(training="epochs: 2, batch_size: 16"), data)
    kernel, bias = weights_of(record)
    for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        scores = (split.images.reshape(len(split), 784) / 255) @ kernel + bias
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        expected = cross_entropy(probabilities, split.labels)
        np.testing.assert_allclose(getattr(record.result, f"{name}_loss"), expected, rtol=1e-5)
        assert getattr(record.result, f"{name}_accuracy") == np.mean(scores.argmax(axis=1) == split.labels)


def test_dropout_rests_while_evaluating(backend, experiment, dataset) -> None:
    from cnnlab.training.train import prepare

    layers = "[Flatten, Dropout: {rate: 0.5}, Dense: {units: 10}]"
    data = dataset()
    learner, steps = prepare(experiment(layers), data)
    kernel, bias = learner.model.get_weights()
    expected = (data.test.images.reshape(20, 784) / 255) @ kernel + bias
    np.testing.assert_allclose(steps.outputs(data.test.images, 7), expected, rtol=1e-4, atol=1e-5)


def test_few_images_at_once_where_each_takes_much_memory(experiment) -> None:
    from cnnlab.accounting.memory import evaluation_batch

    assert evaluation_batch(experiment().architecture) == 500
    wide = experiment("[Flatten, Dense: {units: 10000000}, Dense: {units: 10}]")
    assert evaluation_batch(wide.architecture) == 6  # 6 · 10,000,794 numbers of 4 bytes are 229 MiB
    vast = experiment("[Flatten, Dense: {units: 1000000000}, Dense: {units: 10}]")
    assert evaluation_batch(vast.architecture) == 1


def test_fewer_images_at_once_where_windows_are_written_out() -> None:
    """VGG-16: 224 · 224 windows of 3 · 3 · 64 numbers are 110 MiB, and the outputs for each image 58 MiB."""
    from cnnlab.config.experiment import load_config

    assert load_config("vgg16").evaluation_batch == 4
    assert load_config("vgg16", ["runtime.backend=scratch"]).evaluation_batch == 2


def test_each_thread_of_the_engine_has_the_windows_of_an_image(monkeypatch):
    from cnnlab.config.experiment import load_config

    def bytes_with(threads, batch_size):
        monkeypatch.setattr("cnnlab.config.experiment.threads_of", lambda backend: (threads, 1))
        config = load_config("cnn", ["runtime.backend=scratch", f"training.batch_size={batch_size}"])
        return config.training_memory.activations_bytes

    windows = 4 * 11 * 11 * 225  # of its second convolution
    assert bytes_with(3, 8) - bytes_with(1, 8) == 2 * windows
    assert bytes_with(64, 2) - bytes_with(1, 2) == windows


@pytest.mark.parametrize(("size", "images"), [(28, 500), (64, 50), (224, 1)])
def test_a_spatial_transformer_takes_memory_on_the_way(size, images) -> None:
    """For each output position the weights of all rows and columns, and a line of pixels."""
    from cnnlab.accounting.memory import evaluation_batch
    from cnnlab.config.experiment import ExperimentConfig

    layers = [{"SpatialTransformer": {"layers": [{"MaxPooling2D": {"pool_size": 4}}, "Flatten"]}}]
    layers += ["GlobalAveragePooling2D", {"Dense": {"units": 2}}]
    config = ExperimentConfig.model_validate(
        {"name": "turned", "model": {"input_shape": [size, size, 3], "layers": layers}}
    )
    assert evaluation_batch(config.architecture) == images
    working = size**2 * (size + size + 3 * size) * 4
    assert config.architecture.working_bytes == working
    memory = config.training_memory
    outputs = config.architecture.activation_bytes
    assert memory.activations_bytes == memory.batch_size * (outputs + working)
