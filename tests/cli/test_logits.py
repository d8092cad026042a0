"""A classifier without a softmax is trained on logits, which is the same thing."""

from pathlib import Path

import numpy as np


def test_logits_are_softmax_by_other_means(
    cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path
) -> None:
    options = ("--data-dir", data_dir, "--out")
    bare = ("--set", "model.layers.dense_1.activation=null")
    softmax = cnnlab("train", configs["small"], *options, tmp_path / "softmax")
    logits = cnnlab("train", configs["small"], *options, tmp_path / "logits", *bare)
    said = "small: the last layer has no softmax; training on logits"
    assert said in logits.stderr.splitlines()
    assert said not in softmax.stderr.splitlines()
    one, other = folder_of(tmp_path / "softmax"), folder_of(tmp_path / "logits")
    assert one.path.parent.name != other.path.parent.name
    for row, twin in zip(one.history, other.history, strict=True):
        for column in ("loss", "val_loss"):
            np.testing.assert_allclose(float(row[column]), float(twin[column]), rtol=1e-5)
    for kernel, twin in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(kernel, twin, atol=1e-5)
    probabilities = other.predictions["probabilities"].astype(float)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=2e-3)
    np.testing.assert_allclose(probabilities, one.predictions["probabilities"].astype(float), atol=1e-3)
    np.testing.assert_allclose(
        one.json("result.json")["test_loss"], other.json("result.json")["test_loss"], rtol=1e-5
    )


def test_the_loss_on_class_indices_is_the_same(
    cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path
) -> None:
    options = ("--data-dir", data_dir, "--out")
    sparse = ("--set", "training.loss=sparse_categorical_crossentropy")
    assert cnnlab("train", configs["small"], *options, tmp_path / "one-hot").code == 0
    assert cnnlab("train", configs["small"], *options, tmp_path / "sparse", *sparse).code == 0
    for row, twin in zip(
        folder_of(tmp_path / "one-hot").history, folder_of(tmp_path / "sparse").history, strict=True
    ):
        np.testing.assert_allclose(float(row["loss"]), float(twin["loss"]), rtol=1e-5)
        np.testing.assert_allclose(float(row["val_loss"]), float(twin["val_loss"]), rtol=1e-5)
