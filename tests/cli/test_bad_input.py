"""Bad input, each with its error: where, expected, found, way out. The whole message is the interface."""

import pickle
import struct
from pathlib import Path

import pytest

from cnnlab.cli import COMMANDS
from cnnlab.config.optimizers import OPTIMIZERS

CONFIGS = Path(__file__).parents[2] / "configs"
OPTIMIZER_NAMES = ", ".join(OPTIMIZERS)
SHIPPED = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.yaml")))

GOOD = """\
dataset: colors
model: {layers: [Flatten, Dense: {units: 6, activation: softmax}]}
"""


def mnist(layers: str, size: str = "") -> str:
    return f"dataset: {{name: mnist{size}}}\nmodel:\n  layers:\n{layers}"


CONVOLUTION = "  - Conv2D: {filters: 3, kernel_size: 5}\n"

ALIAS_BOMB = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"a{step}: &a{step} [{', '.join([f'*a{step - 1}'] * 10)}]\n" for step in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"", "mine.yaml: the file is empty", id="empty"),
        pytest.param("# nothing\n", "mine.yaml: the file is empty", id="only-comment"),
        pytest.param(
            b"ab\x80\xff", "mine.yaml: not a text file: byte 0x80 at offset 2 is not UTF-8", id="binary"
        ),
        pytest.param(
            "# é\nname: a\x01\n\n\n",
            "mine.yaml:2: not a text file: character 0x01 is not allowed in YAML",
            id="control-character",
        ),
        pytest.param(
            b"a" * 1_000_001, "mine.yaml: expected a config of at most 1,000,000 bytes, found more", id="huge"
        ),
        pytest.param(
            "name: [a, b\n",
            "mine.yaml:2:1: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence",
            id="syntax",
        ),
        pytest.param(
            "name: a\n\tepochs: 1\n",
            "mine.yaml:2:1: not valid YAML: found a tab character that violates indentation "
            "while scanning a plain scalar",
            id="tab",
        ),
        pytest.param(
            "dataset: {name: mnist}\nmodel: [Flatten]\n",
            "mine.yaml:2:8: model: expected a mapping of keys to values, found a list; write the layers "
            "under model.layers",
            id="list-of-layers",
        ),
        pytest.param(
            GOOD + "lr: 0.1\n",
            "mine.yaml:3:1: lr: unknown key; did you mean training.optimizer.learning_rate?",
            id="learning-rate-on-top",
        ),
        pytest.param(
            GOOD + "batch_size: 10\n",
            "mine.yaml:3:1: batch_size: unknown key; did you mean training.batch_size?",
            id="batch-size-on-top",
        ),
        pytest.param(
            "- a\n- b\n", "mine.yaml:1:1: expected a mapping of keys to values, found a list", id="list"
        ),
        pytest.param(
            GOOD + "---\nname: b\n",
            "mine.yaml:3:1: a second YAML document begins here; expected one",
            id="two-documents",
        ),
        pytest.param(
            GOOD + "seed: 1\nseed: 2\n",
            "mine.yaml:4:1: duplicate key 'seed'; it was first given at 3:1",
            id="duplicate-key",
        ),
        pytest.param("? [a]\n: 1\n", "mine.yaml:1:3: expected a plain word as key", id="list-as-key"),
        pytest.param(
            'name: !!python/object/apply:os.system ["true"]\n',
            "mine.yaml:1:7: tag tag:yaml.org,2002:python/object/apply:os.system is not allowed; "
            "expected plain values",
            id="python-tag",
        ),
        pytest.param("a: *b\n", "mine.yaml:1:4: alias *b has no anchor above it", id="unknown-alias"),
        pytest.param("a: &a [*a]\n", "mine.yaml:1:8: alias *a contains itself", id="alias-in-itself"),
        pytest.param(
            ALIAS_BOMB, "mine.yaml:5:5: more than 20,000 values once aliases are expanded", id="alias-bomb"
        ),
        pytest.param("a: " + "[" * 100_000, "mine.yaml:1:64: nested more than 60 levels deep", id="nesting"),
        pytest.param(
            f"{GOOD}seed: {'9' * 40}\n",
            f"mine.yaml:3:7: seed: expected less than 4294967296, found {'9' * 40}",
            id="long-number",
        ),
        pytest.param(
            f"{GOOD}seed: {'9' * 240}\n",
            f"mine.yaml:3:7: seed: expected less than 4294967296, found {'9' * 57}…",
            id="longer-number",
        ),
        pytest.param(
            f"{GOOD}training: {{optimizer: {{name: adam, epsilon: -{'9' * 239}}}}}\n",
            f"mine.yaml:3:45: training.optimizer.epsilon: expected more than 0, found -{'9' * 56}…",
            id="long-number-for-a-float",
        ),
        pytest.param(
            f"seed: {'9' * 1301}\n",
            "mine.yaml:1:7: expected a number of at most 240 digits, found 1,301; put it in quotes if it "
            "is text",
            id="number-without-end",
        ),
        pytest.param(
            mnist("  - Conv2D:\n    filters: 8\n    kernel_size: [3, 3]\n  - Flatten\n"),
            "mine.yaml:4:5: model.layers[0]: indent the fields of Conv2D further than its name\n"
            "   - Conv2D:\n"
            "       filters: 8\n"
            "       kernel_size: [3, 3]",
            id="fields-beside-their-layer",
        ),
        pytest.param(
            mnist("  - Dense: {units: 10}\n    activation: softmax\n    name: a\n    use_bias: false\n"),
            "mine.yaml:4:5: model.layers[0]: indent the fields of Dense further than its name\n"
            "   - Dense:\n"
            "       units: 10\n"
            "       activation: softmax\n"
            "       name: a\n"
            "       …",
            id="some-fields-beside-their-layer",
        ),
        pytest.param(
            mnist("  - Activation: relu\n"),
            "mine.yaml:4:5: model.layers[0]: expected a mapping of keys to values, found 'relu'; "
            "write Activation: {activation: relu}",
            id="word-for-the-only-field",
        ),
        pytest.param(
            mnist("  - Permute: [3, 1, 2]\n"),
            "mine.yaml:4:5: model.layers[0]: expected a mapping of keys to values, found a list; "
            "write Permute: {dims: [3, 1, 2]}",
            id="list-for-the-only-field",
        ),
        pytest.param(
            mnist("  - Dense: relu\n"),
            "mine.yaml:4:5: model.layers[0]: expected a mapping of keys to values, found 'relu'; "
            "write Dense: {units: …}",
            id="wrong-word-for-the-only-field",
        ),
        pytest.param(
            mnist("  - Conv2D: 8\n"),
            "mine.yaml:4:5: model.layers[0]: expected a mapping of keys to values, found 8; "
            "write Conv2D: {kernel_size: …, filters: …}",
            id="number-for-several-fields",
        ),
        pytest.param(
            mnist("  - MaxPooling2D: 2\n"),
            "mine.yaml:4:5: model.layers[0]: expected a mapping of keys to values, found 2; "
            "known: name, data_format, pool_size, strides, padding",
            id="number-for-fields-with-defaults",
        ),
        pytest.param(
            mnist("  - Conv2D: {filters: 3, kernel_size: -1}\n"),
            "mine.yaml:4:39: model.layers[0].kernel_size: expected 1 or more, found -1",
            id="kernel-negative",
        ),
        pytest.param(
            mnist("  - Conv2D: {filters: 3, kernel_size: [-1, 3]}\n"),
            "mine.yaml:4:40: model.layers[0].kernel_size[0]: expected 1 or more, found -1",
            id="kernel-negative-in-height",
        ),
        pytest.param(
            mnist("  - ZeroPadding2D: {padding: -1}\n"),
            "mine.yaml:4:30: model.layers[0].padding: expected 0 or more, found -1",
            id="padding-negative",
        ),
        *(
            pytest.param(
                f"dataset: {{name: colors, scale: {scale}}}\n"
                "model: {layers: [Flatten, Dense: {units: 6}]}\n",
                f"mine.yaml:1:32: dataset.scale: expected two numbers: [lowest, highest]; found {found}",
                id=f"scale-{found}",
            )
            for scale, found in (("[1]", "a list of 1"), ("[0, 1, 2]", "a list of 3"), ("1", "1"))
        ),
        pytest.param(
            GOOD + '"trai\\e[31m\\nning": 3\n',
            r"mine.yaml:3:1: trai\x1b[31m\nning: unknown key; did you mean training?",
            id="escape-in-a-key",
        ),
        pytest.param(
            GOOD + 'training: {class_weights: {"\\e[31m": 1}}\n',
            r"mine.yaml:3:28: training.class_weights.\x1b[31m: unknown class '\x1b[31m'; "
            "known: red, yellow, green, cyan, blue, purple",
            id="escape-in-a-class",
        ),
        pytest.param(
            GOOD + "trainig: {epochs: 3}\n",
            "mine.yaml:3:1: trainig: unknown key; did you mean training?",
            id="unknown-key",
        ),
        pytest.param(
            GOOD + "zzz: 3\n",
            "mine.yaml:3:1: zzz: unknown key; "
            "known: name, description, dataset, model, training, seed, runtime, sweep",
            id="unknown-key-without-match",
        ),
        pytest.param(
            GOOD + "training: {epoch: 3}\n",
            "mine.yaml:3:12: training.epoch: unknown key; did you mean epochs?",
            id="unknown-key-of-a-section",
        ),
        pytest.param(
            GOOD + "training: {epochs: true}\n",
            "mine.yaml:3:20: training.epochs: expected a whole number, found true",
            id="epochs-true",
        ),
        pytest.param(
            GOOD + "training: {epochs: -1}\n",
            "mine.yaml:3:20: training.epochs: expected 1 or more, found -1",
            id="epochs-negative",
        ),
        pytest.param(
            GOOD + "training: {epochs: 1e3}\n",
            "mine.yaml:3:20: training.epochs: expected a whole number, found 1000.0",
            id="epochs-float",
        ),
        pytest.param(
            GOOD + "training: {epochs: '3'}\n",
            "mine.yaml:3:20: training.epochs: expected a whole number, found '3'",
            id="epochs-quoted",
        ),
        pytest.param(
            GOOD + "training: [3]\n",
            "mine.yaml:3:11: training: expected a mapping of keys to values, found a list",
            id="section-list",
        ),
        pytest.param(
            GOOD + "training: {optimizer: {momentum: 0.1}}\n",
            "mine.yaml:3:24: training.optimizer.momentum: unknown key; did you mean ema_momentum?",
            id="optimizer-without-name",
        ),
        pytest.param(
            GOOD + "training: {optimizer: 3}\n",
            "mine.yaml:3:23: training.optimizer: expected the optimizer's name or settings, found 3",
            id="optimizer-number",
        ),
        pytest.param(
            GOOD + "training: {optimizer: {name: adam, epsilon: .inf}}\n",
            "mine.yaml:3:45: training.optimizer.epsilon: expected a finite number, found inf",
            id="infinite",
        ),
        pytest.param(
            GOOD + "training: {optimizer: {name: adam, epsilon: 0}}\n",
            "mine.yaml:3:45: training.optimizer.epsilon: expected more than 0, found 0",
            id="zero",
        ),
        pytest.param(
            GOOD + "training: {optimizer: {name: adam, epsilon: true}}\n",
            "mine.yaml:3:45: training.optimizer.epsilon: expected a number, found true",
            id="true-for-a-number",
        ),
        pytest.param(
            GOOD + "training: {optimizer: adma}\n",
            "mine.yaml:3:23: training.optimizer.name: unknown optimizer 'adma'; did you mean adam?",
            id="unknown-optimizer",
        ),
        pytest.param(
            GOOD + "training: {loss: crossentropy}\n",
            "mine.yaml:3:18: training.loss: unknown value 'crossentropy'; "
            "did you mean categorical_crossentropy?",
            id="unknown-loss",
        ),
        pytest.param(
            GOOD + "training: {keep: bets}\n",
            "mine.yaml:3:18: training.keep: unknown value 'bets'; did you mean best?",
            id="unknown-word",
        ),
        pytest.param(
            GOOD + "seed: 4294967296\n",
            "mine.yaml:3:7: seed: expected less than 4294967296, found 4294967296",
            id="seed-large",
        ),
        pytest.param(
            "dataset: {name: mnsit}\nmodel: {layers: [Flatten, Dense: {units: 10}]}\n",
            "mine.yaml:1:17: dataset.name: unknown dataset 'mnsit'; did you mean mnist?",
            id="unknown-dataset",
        ),
        pytest.param(
            mnist("  - Flatten\n  - Dnse: {units: 10}\n"),
            "mine.yaml:5:5: model.layers[1]: unknown layer 'Dnse'; did you mean Dense?",
            id="unknown-layer",
        ),
        pytest.param(
            mnist("  - Flattn\n"),
            "mine.yaml:4:5: model.layers[0]: unknown layer 'Flattn'; did you mean Flatten?",
            id="unknown-only-layer",
        ),
        pytest.param(
            "dataset: colors\nmodel: {layers: []}\n",
            "mine.yaml:2:17: model.layers: expected a list of 1 or more, found an empty list",
            id="no-layers",
        ),
        pytest.param(
            "dataset: colors\n", "mine.yaml:1:1: model: missing; this key is required", id="missing-section"
        ),
        pytest.param(
            mnist("  - {Flatten: {}, Dense: {units: 10}}\n"),
            "mine.yaml:4:5: model.layers[0]: expected one layer, such as Dense: {units: 10}, "
            "found the keys Flatten, Dense",
            id="two-layers-in-one",
        ),
        pytest.param(
            mnist("  - Conv2D: {filters: 3, kernel_size: [3]}\n"),
            "mine.yaml:4:39: model.layers[0].kernel_size: expected a whole number, "
            "or two: [height, width]; found a list",
            id="kernel-of-one",
        ),
        pytest.param(
            mnist("  - MaxPooling2D\n" * 2 + "  - Dropout: {rate: 0.5}\n  - MaxPooling2D\n" + CONVOLUTION),
            "mine.yaml:8:5: model.layers[4] Conv2D: the 5×5 kernel does not fit its 3×3 input\n"
            "   28×28×1 → MaxPooling2D 14×14×1 → MaxPooling2D 7×7×1 → … → 3×3×1\n"
            "   remove this layer, or set padding: same on it or on an earlier layer",
            id="kernel-larger-than-input",
        ),
        pytest.param(
            mnist("  - MaxPooling2D: {pool_size: 8}\n  - MaxPooling2D: {pool_size: 4}\n  - Flatten\n"),
            "mine.yaml:5:5: model.layers[1] MaxPooling2D: the 4×4 window does not fit its 3×3 input\n"
            "   28×28×1 → MaxPooling2D 3×3×1\n"
            "   remove this layer, or set padding: same on it or on an earlier layer",
            id="pooling-to-nothing",
        ),
        pytest.param(
            mnist("  - Conv2D: {filters: 3, kernel_size: 3}\n  - Dense: {units: 10, activation: softmax}\n"),
            "mine.yaml:5:5: model.layers[1] Dense: expected a flat input, received 26×26×3; Keras would "
            "apply the same Dense layer to each of the 676 positions separately, which is rarely intended\n"
            "   28×28×1 → Conv2D 26×26×3\n"
            "   put Flatten before it",
            id="dense-before-flatten",
        ),
        pytest.param(
            mnist("  - Flatten\n  - Dense: {units: 7, activation: softmax}\n"),
            "mine.yaml:5:20: model.layers[1].units: expected 10 outputs, one for each class of mnist, "
            "found 7",
            id="seven-units-for-ten-classes",
        ),
        pytest.param(
            mnist("  - Conv2D: {filters: 10, kernel_size: 28}\n"),
            "mine.yaml:4:5: model.layers[0] Conv2D: expected 10 outputs, one for each class of mnist, "
            "found 1×1×10",
            id="image-as-output",
        ),
        pytest.param(
            mnist("  - Flatten\n  - Dense: {units: 10, activation: relu}\n"),
            "mine.yaml:5:36: model.layers[1].activation: the network ends in relu; expected softmax "
            "(probabilities), or no activation (logits, which the loss then turns into probabilities)",
            id="ends-in-relu",
        ),
        pytest.param(
            mnist("  - Flatten: {name: a}\n  - Dense: {units: 10, name: a}\n"),
            "mine.yaml:5:30: model.layers[1].name: duplicate layer name 'a'; model.layers[0] has it already",
            id="layers-of-one-name",
        ),
        pytest.param(
            mnist("  - Flatten\n  - Dense: {units: 10}\n", ", train_size: 60001"),
            "mine.yaml:1:36: dataset.train_size: expected at most 60000 training images, found 60001",
            id="train-size-too-large",
        ),
        pytest.param(
            mnist("  - Flatten\n  - Dense: {units: 10}\n", ", train_size: 100, validation_size: 59999"),
            "mine.yaml:1:58: dataset.validation_size: expected fewer than the 100 training images used, "
            "found 59999",
            id="validation-size-too-large",
        ),
        pytest.param(
            "dataset: {name: colors, validation_size: 0}\n"
            "model: {layers: [Flatten, Dense: {units: 6}]}\ntraining: {keep: best}\n",
            "mine.yaml:3:18: training.keep: best needs validation images, but "
            "dataset.validation_size is 0; expected last",
            id="best-without-validation",
        ),
        pytest.param(
            "model: {layers: [Flatten]}\n",
            "mine.yaml:1:1: config: expected a dataset, or model.input_shape for a summary only; "
            "found neither",
            id="neither-dataset-nor-shape",
        ),
        pytest.param(
            "model: {input_shape: [4, 4, 1], layers: [Flatten]}\n",
            "mine: this config has no dataset and can only be summarized; add a dataset to train it",
            id="no-dataset-to-train-on",
        ),
        pytest.param(
            "dataset: colors\nmodel: {input_shape: [4, 4, 1], layers: [Flatten]}\n",
            "mine.yaml:2:22: model.input_shape: expected 28×28×3, the shape of colors's images, found 4×4×1; "
            "leave it out",
            id="another-input-shape",
        ),
        *(
            pytest.param(
                f"name: {name}\n{GOOD}",
                "mine.yaml:1:7: name: expected letters, digits, - and _ only, because it becomes a file "
                f"name, found '{name}'",
                id=f"name-{label}",
            )
            for name, label in (("../x", "above"), ("/abs", "absolute"), ("a/b", "below"), ("..", "dots"))
        ),
        pytest.param(
            f'name: "a\\n"\n{GOOD}',
            "mine.yaml:1:7: name: expected letters, digits, - and _ only, because it becomes a file name, "
            "found 'a\\n'",
            id="name-line-break",
        ),
        pytest.param(
            f"name: {'a' * 101}\n{GOOD}",
            f"mine.yaml:1:7: name: expected 100 characters or fewer, found '{'a' * 56}…'",
            id="name-long",
        ),
        pytest.param(
            mnist("  - Flatten: {name: ../x}\n"),
            "mine.yaml:4:21: model.layers[0].name: expected letters, digits, - and _ only, because it "
            "becomes a file name, found '../x'",
            id="layer-name-above",
        ),
    ],
)
def test_bad_config(cnnlab, write_config, text: str | bytes, message: str) -> None:
    path = write_config(text)
    assert cnnlab("train", path) == (2, "", message + "\n")
    assert not Path("experiments").exists()


def test_a_file_name_that_is_no_experiment_name(cnnlab, write_config) -> None:
    path = write_config(GOOD, name="my config.yaml")
    assert cnnlab("train", path) == (
        2,
        "",
        "my config.yaml:1:1: name: expected letters, digits, - and _ only, because it becomes a file name, "
        "found 'my config'\n",
    )


def test_all_mistakes_at_once_from_top_to_bottom(cnnlab, write_config) -> None:
    path = write_config(
        """\
seed: -1
model:
  layers:
    - Conv2D: {filters: 0, kernel_sise: 3}
    - Flattn
training:
  optimizer: {name: sgd, momentum: 1}
  epochs: true
dataset: mnsit
runtime: {device: tpu}
"""
    )
    assert cnnlab("train", path) == (
        2,
        "",
        "mine.yaml:1:7: seed: expected 0 or more, found -1\n"
        "mine.yaml:4:15: model.layers[0].kernel_size: missing; this key is required\n"
        "mine.yaml:4:25: model.layers[0].filters: expected 1 or more, found 0\n"
        "mine.yaml:4:28: model.layers[0].kernel_sise: unknown key; did you mean kernel_size?\n"
        "mine.yaml:5:7: model.layers[1]: unknown layer 'Flattn'; did you mean Flatten?\n"
        "mine.yaml:7:36: training.optimizer.momentum: expected less than 1, found 1\n"
        "mine.yaml:8:11: training.epochs: expected a whole number, found true\n"
        "mine.yaml:9:10: dataset.name: unknown dataset 'mnsit'; did you mean mnist?\n"
        "mine.yaml:10:19: runtime.device: unknown value 'tpu'; did you mean gpu?\n",
    )


@pytest.mark.parametrize("number", ["1e-4", "1E-4", ".0001", "0.0001", "1.e-4"])
def test_a_learning_rate_may_be_written_as_people_write_it(write_config, number: str) -> None:
    from cnnlab.config.experiment import load_config

    path = write_config(f"{GOOD}training: {{optimizer: {{name: adam, learning_rate: {number}}}}}\n")
    assert load_config(path).plain()["training"]["optimizer"]["learning_rate"] == 1e-4


@pytest.mark.parametrize("command", ["train", "compare", "summary"])
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param("nowhere.yaml", "nowhere.yaml: no such file", id="missing-file"),
        pytest.param("no/where", "no/where: no such file", id="missing-path"),
        pytest.param("folder", "folder: expected a YAML file, found a directory", id="directory"),
        pytest.param("cifar10cnn", "unknown experiment 'cifar10cnn'; did you mean cifar10_cnn?", id="typo"),
        pytest.param("zzzzz", f"unknown experiment 'zzzzz'; known: {SHIPPED}", id="no-match"),
        pytest.param("a" * 300, f"'{'a' * 56}…': cannot be read: File name too long", id="too-long"),
    ],
)
def test_bad_argument(cnnlab, tmp_path: Path, monkeypatch, command: str, argument: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert cnnlab(command, argument) == (2, "", message + "\n")


USAGE = {
    "": "cnnlab [OPTIONS] COMMAND [ARGS]...\nTry 'cnnlab --help' for help.",
    "train": "cnnlab train [OPTIONS] CONFIG...\nTry 'cnnlab train --help' for help.",
    "summary": "cnnlab summary [OPTIONS] [CONFIG]...\nTry 'cnnlab summary --help' for help.",
}


@pytest.mark.parametrize(
    ("arguments", "usage", "message"),
    [
        pytest.param(["trian"], "", "unknown command 'trian'; did you mean train?", id="command-typo"),
        pytest.param(["x"], "", f"unknown command 'x'; known: {', '.join(COMMANDS)}", id="command"),
        pytest.param(["train"], "train", "Missing argument 'CONFIG...'.", id="nothing-to-train"),
        pytest.param(
            ["summary", "cnn", "--json", "--csv"],
            "summary",
            "--json, --csv, --markdown and --latex exclude each other",
            id="two-formats",
        ),
        pytest.param(
            ["train", "cnn", "--device", "tpu"],
            "train",
            "Invalid value for '--device': 'tpu' is not one of 'auto', 'cpu', 'gpu'.",
            id="device",
        ),
        *(
            pytest.param(
                ["train", "cnn", "--seeds", seeds],
                "train",
                f"Invalid value for '--seeds': expected seeds such as 0-4 or 0,2,5, found '{seeds}'",
                id=f"seeds-{seeds}",
            )
            for seeds in ("x", "0-", "-1", "0,,1", "0.5", "0-1-2")
        ),
        *(
            pytest.param(
                ["train", "cnn", "--seeds", seeds],
                "train",
                "Invalid value for '--seeds': expected an ascending range of at most 10,000 seeds below 2³², "
                f"found '{seeds}'",
                id=f"seeds-{seeds}",
            )
            for seeds in ("4-0", "4294967296", "0-10000")
        ),
        pytest.param(
            ["train", "cnn", "--out", "file"],
            "train",
            "Invalid value for '--out': Directory 'file' is a file.",
            id="out-is-a-file",
        ),
    ],
)
def test_bad_command_line(
    cnnlab, tmp_path: Path, monkeypatch, arguments: list[str], usage: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert cnnlab(*arguments) == (2, "", f"Usage: {USAGE[usage]}\n\nError: {message}\n")


@pytest.mark.parametrize("command", ["train", "compare"])
def test_data_dir_must_exist(cnnlab, tmp_path: Path, command: str) -> None:
    missing = tmp_path / "nowhere"
    assert cnnlab(command, "cnn", "dnn", "--data-dir", missing) == (
        2,
        "",
        f"--data-dir: expected a folder, found nothing at {missing}\n"
        "   create it, or leave --data-dir out to use the cache and the network\n",
    )


def test_data_dir_of_the_environment_must_exist(cnnlab, tmp_path: Path, monkeypatch) -> None:
    missing = tmp_path / "nowhere"
    monkeypatch.setenv("CNNLAB_DATA_DIR", str(missing))
    assert cnnlab("train", "cnn", "--out", tmp_path) == (
        2,
        "",
        f"CNNLAB_DATA_DIR: expected a folder, found nothing at {missing}\n"
        "   create it, or leave CNNLAB_DATA_DIR out to use the cache and the network\n",
    )


HUGE = mnist(
    "  - Flatten\n  - Dense: {units: 1000000}\n  - Dense: {units: 10000000}\n  - Dense: {units: 10}\n"
)


def test_a_model_larger_than_memory(cnnlab, write_config, monkeypatch) -> None:
    import psutil

    memory = psutil.virtual_memory()._replace(total=16 * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    config = write_config(HUGE)
    assert cnnlab("train", config) == (
        2,
        "",
        f"{config}:6:20: model.layers[2].units: the parameters do not fit in this machine's memory\n"
        "   10,000,895,000,010 parameters × 4 bytes × 4 (weights, gradients, 2 for adam) = 149,024.9 GiB; "
        "this machine has 16.0 GiB\n"
        "   dense_2 holds 100% of them: make its input or output smaller, or use --force "
        "to train anyway\n",
    )


def test_force_gets_past_the_memory_check(
    cnnlab, write_config, write_mnist, tmp_path: Path, monkeypatch
) -> None:
    from cnnlab.errors import CnnlabError

    def stop(runtime: object) -> None:
        raise CnnlabError("the check is passed, and nothing is built in this test")

    monkeypatch.setattr("cnnlab.backend.start_backend", stop)
    data = write_mnist(tmp_path / "data")
    code, stdout, stderr = cnnlab("train", write_config(HUGE), "--force", "--data-dir", data)
    assert (code, stdout) == (1, "")
    assert stderr.endswith("mine, seed 0: the check is passed, and nothing is built in this test\n")


def test_more_images_than_the_files_hold(cnnlab, write_config, data_dir: Path) -> None:
    path = write_config(mnist("  - Flatten\n  - Dense: {units: 10}\n", ", train_size: 101"))
    assert cnnlab("train", path, "--data-dir", data_dir) == (
        2,
        "",
        "dataset.train_size: expected at most 100 training images, found 101\n"
        "   the files of this MNIST hold no more; lower train_size, or leave it out to use all\n",
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", "expected an IDX file, found an empty file", id="empty"),
        pytest.param(
            b"\x00\x00\x08\x03" + struct.pack(">III", 100, 28, 28) + bytes(1000),
            "expected 78400 bytes after the header, found 1000",
            id="truncated",
        ),
        pytest.param(
            b"not an IDX file at all",
            "expected an IDX file starting with 00000803, found 6e6f7420",
            id="junk",
        ),
        pytest.param(
            b"\x00\x00\x08\x03" + struct.pack(">III", 2**32 - 1, 28, 28),
            "expected 1 to 60000 items, found 4294967295",
            id="header-that-lies",
        ),
        pytest.param(
            b"\x1f\x8b\x08\x00",
            "expected a whole gzip file, found a damaged one "
            "(Compressed file ended before the end-of-stream marker was reached)",
            id="truncated-gzip",
        ),
    ],
)
def test_a_broken_dataset_file(
    cnnlab, configs, write_mnist, tmp_path: Path, content: bytes, found: str
) -> None:
    file = write_mnist(tmp_path) / "mnist" / "train-images-idx3-ubyte"
    file.write_bytes(content)
    assert cnnlab("train", configs["small"], "--data-dir", tmp_path, "--out", tmp_path / "out") == (
        2,
        "",
        f"{file}: {found}\n   replace the file, or remove it to look elsewhere\n",
    )


def test_a_missing_dataset_file(cnnlab, configs, write_mnist, tmp_path: Path) -> None:
    (write_mnist(tmp_path) / "mnist" / "t10k-labels-idx1-ubyte").unlink()
    assert cnnlab("train", configs["small"], "--data-dir", tmp_path) == (
        2,
        "",
        f"{tmp_path}/mnist: expected t10k-labels-idx1-ubyte beside train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, found no such file\n"
        "   add what is missing, or remove the rest to look elsewhere\n",
    )


class Malice:
    """What a pickle from somewhere may hold: a call of whatever it likes."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_pickle_that_would_execute_code(cnnlab, write_config, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (folder / name).write_bytes(pickle.dumps(Malice(tmp_path / "executed")))
    path = write_config("dataset: cifar10\nmodel: {layers: [Flatten, Dense: {units: 10}]}\n")
    code, stdout, stderr = cnnlab("train", path, "--data-dir", tmp_path)
    assert not (tmp_path / "executed").exists()
    assert (code, stdout) == (2, "")
    assert stderr == (
        f"{folder / 'data_batch_1'}: expected a pickled CIFAR-10 batch, found a call of "
        "pathlib.Path.touch\n   replace the file, or remove it to look elsewhere\n"
    )


@pytest.mark.parametrize(
    ("experiments", "found"),
    [
        pytest.param(["cnn"], "cnn", id="one"),
        pytest.param(["cnn", "cnn"], "cnn", id="the-same-twice"),
        pytest.param(["cnn", str(CONFIGS / "cnn.yaml")], "cnn", id="the-same-as-path"),
    ],
)
def test_compare_needs_two_experiments(cnnlab, tmp_path: Path, experiments: list[str], found: str) -> None:
    assert cnnlab("compare", *experiments, "--out", tmp_path) == (
        2,
        "",
        f"expected two or more different experiments, found {found}\n",
    )


def test_shapes_and_keys_are_wrong_at_once(cnnlab, tmp_path) -> None:
    """The README's example: one round of mistakes, not one for each kind."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "dataset: mnist\n"
        "model:\n"
        "  layers:\n"
        "    - Conv2D: {filters: 25, kernel_size: 3}\n"
        "    - MaxPooling2D: {pool_size: 2}\n"
        "    - Conv2D: {filters: 50, kernel_size: 3}\n"
        "    - MaxPooling2D: {pool_size: 11}\n"
        "    - MaxPooling2D: {pool_size: 2}\n"
        "training:\n"
        "  epoch: 3\n"
    )
    result = cnnlab("train", path)
    assert result.code == 2
    assert result.stderr.replace(f"{tmp_path}/", "") == (
        "mine.yaml:8:7: model.layers[4] MaxPooling2D: the 2×2 window does not fit its 1×1 input\n"
        "   28×28×1 → Conv2D 26×26×25 → MaxPooling2D 13×13×25 → … → 1×1×50\n"
        "   remove this layer, or set padding: same on it or on an earlier layer\n"
        "mine.yaml:10:3: training.epoch: unknown key; did you mean epochs?\n"
    )


def test_no_more_mistakes_than_anyone_reads(cnnlab, write_config) -> None:
    path = write_config(GOOD + "".join(f"zzz{number}: 1\n" for number in range(1_254)))
    lines = cnnlab("train", path).stderr.splitlines()
    assert lines[0].startswith("mine.yaml:3:1: zzz0: unknown key")
    assert lines[19].startswith("mine.yaml:22:1: zzz19: unknown key")
    assert lines[20:] == ["… and 1,234 more"]


def test_twenty_mistakes_are_shown(cnnlab, write_config) -> None:
    path = write_config(GOOD + "".join(f"zzz{number}: 1\n" for number in range(20)))
    assert cnnlab("train", path).stderr.splitlines()[-1].startswith("mine.yaml:22:1: zzz19: unknown key")


def colors(layers: str = "Flatten", dataset: str = "", training: str = "") -> str:
    return (
        f"dataset: {{name: colors{dataset}}}\n"
        f"model: {{layers: [{layers}, Dense: {{units: 6}}]}}\n"
        f"training: {{epochs: 3{training}}}\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            colors("Conv2D: {filters: 2, kernel_size: 3, kernel_regularizer: {}}, Flatten"),
            "2:75: model.layers[0].kernel_regularizer: expected l1, l2 or both, such as {l2: 0.01}, found an "
            "empty mapping",
            id="regularizer-of-nothing",
        ),
        pytest.param(
            colors("Conv2D: {filters: 2, kernel_size: 3, use_bias: false, bias_constraint: non_neg}"),
            "2:72: model.layers[0].bias_constraint: has no effect with use_bias: false; leave it out",
            id="constraint-of-no-bias",
        ),
        pytest.param(
            colors("Flatten, Dense: {units: 3, use_bias: false, bias_initializer: ones}"),
            "2:62: model.layers[1].bias_initializer: has no effect with use_bias: false; leave it out",
            id="initializer-of-no-bias",
        ),
        pytest.param(
            colors("RandomZoom: {height_factor: 0.1, fill_value: 1}, Flatten"),
            "2:51: model.layers[0].fill_value: has no effect with fill_mode: reflect; leave it out",
            id="fill-value-of-no-constant",
        ),
        pytest.param(
            colors("RandomErasing: {fill_value: -1}, Flatten"),
            "2:46: model.layers[0].fill_value: expected 0 to 1, the value_range, found -1.0",
            id="erased-beyond-the-range",
        ),
        pytest.param(
            colors("RandomErasing: {value_range: [1, 0]}, Flatten"),
            "2:47: model.layers[0].value_range: expected two ascending numbers, found [1.0, 0.0]",
            id="range-upside-down",
        ),
        pytest.param(
            colors("Parallel: {branches: [[], []], merge: add, axis: 1}, Flatten"),
            "2:61: model.layers[0].axis: has no effect with merge: add; leave it out",
            id="axis-of-a-sum",
        ),
        pytest.param(
            colors("LayerNormalization: {axis: [1, 1]}, Flatten"),
            "2:18: model.layers[0] LayerNormalization: axis [1, 1] names an axis of the 28×28×3 input twice\n"
            "   28×28×3\n"
            "   name each axis once",
            id="axis-twice",
        ),
        pytest.param(
            colors("LayerNormalization: {axis: [3, -1]}, Flatten"),
            "2:18: model.layers[0] LayerNormalization: axis [-1, 3] names an axis of the 28×28×3 input "
            "twice\n"
            "   28×28×3\n"
            "   name each axis once",
            id="axis-under-two-numbers",
        ),
        pytest.param(
            colors("LayerNormalization: {axis: x}, Flatten"),
            "2:45: model.layers[0].axis: expected a whole number, or a list of them, found 'x'",
            id="axis-word",
        ),
        pytest.param(
            colors("PReLU: {shared_axes: [1, 1]}, Flatten"),
            "2:39: model.layers[0].shared_axes: expected each axis once, and at least one, found [1, 1]",
            id="shared-axis-twice",
        ),
        pytest.param(
            colors(training=", optimizer: {name: sgd, nesterov: true}"),
            "3:46: training.optimizer.nesterov: has no effect without momentum, such as momentum: 0.9; "
            "leave it out",
            id="nesterov-without-momentum",
        ),
        pytest.param(
            colors(training=", optimizer: {name: adam, ema_momentum: 0.9}"),
            "3:47: training.optimizer.ema_momentum: has no effect without use_ema: true; leave it out",
            id="average-that-is-not-kept",
        ),
        pytest.param(
            colors(training=", metrics: [macro_f1, macro_f1]"),
            "3:32: training.metrics: macro_f1 is given twice",
            id="metric-twice",
        ),
        pytest.param(
            colors(training=", reduce_on_plateau: {min_learning_rate: 0.01}"),
            "3:62: training.reduce_on_plateau.min_learning_rate: expected less than the learning rate, "
            "0.001, found 0.01",
            id="plateau-that-raises-the-rate",
        ),
        pytest.param(
            colors(dataset=", stratified: true"),
            "1:25: dataset.stratified: has no effect without train_size, because all images are used; set "
            "it, "
            "or leave this out",
            id="stratified-without-train-size",
        ),
    ],
)
def test_settings_without_effect(cnnlab, write_config, text: str, message: str) -> None:
    assert cnnlab("train", write_config(text)) == (2, "", f"mine.yaml:{message}\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            colors("Flatten, Dense: {units: 3, kernel_regularizer: {l2: 0}}"), id="a-0-that-is-said"
        ),
        pytest.param(
            colors("Flatten, Dense: {units: 3, use_bias: false, bias_initializer: zeros}"),
            id="defaults-of-no-bias",
        ),
        pytest.param(
            colors("Parallel: {branches: [[], []], merge: add, axis: -1}, Flatten"), id="default-axis"
        ),
        pytest.param(colors("RandomErasing: {fill_value: 1}, Flatten"), id="fill-value-in-range"),
        pytest.param(
            colors(training=", optimizer: {name: sgd, nesterov: true, momentum: 0.5}"), id="nesterov"
        ),
        pytest.param(
            colors(training=", optimizer: {name: adam, use_ema: true, ema_momentum: 0.5}"), id="average"
        ),
        pytest.param(colors(dataset=", stratified: true, train_size: 100, seed: 1"), id="stratified"),
        pytest.param(colors(dataset=", seed: 1"), id="seed-of-the-validation-images"),
        pytest.param(
            colors(dataset=", seed: 1, train_size: 9, classes: [red, cyan, blue, green, purple, yellow]"),
            id="seed-of-chosen-classes",
        ),
    ],
)
def test_settings_with_effect(cnnlab, write_config, text: str) -> None:
    assert cnnlab("summary", write_config(text)).code == 0


def test_test_images_are_not_split_off_where_there_are_some(cnnlab, write_config, tmp_path: Path) -> None:
    from PIL import Image

    for part in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "pets" / part / name
            folder.mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(folder / "1.png")
    text = (
        f"dataset: {{folder: {tmp_path / 'pets'}, test_size: 0.3}}\n"
        "model: {layers: [Flatten, Dense: {units: 2}]}\n"
    )
    result = cnnlab("summary", write_config(text))
    assert (result.code, result.stderr.split(" ", 1)[1]) == (
        2,
        "dataset.test_size: has no effect: the folder has test images of its own; leave it out\n",
    )
    assert cnnlab("summary", write_config(text.replace("0.3", "0.2"))).code == 0


def test_training_is_checked_even_where_shapes_do_not_fit(cnnlab, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "dataset: {name: mnist, validation_size: 0}\n"
        "model: {layers: [Dense: {units: 10}]}\n"
        "training: {keep: best}\n"
    )
    lines = cnnlab("train", path).stderr.replace(f"{tmp_path}/", "").splitlines()
    assert [line.split(" ")[0] for line in lines if not line.startswith(" ")] == [
        "mine.yaml:2:18:",
        "mine.yaml:3:18:",
    ]


def test_blocks_that_multiply_without_end(cnnlab, tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "model: {input_shape: [8, 8, 1], layers: [Repeat: {times: 1000000000, layers: [ReLU]}]}\n"
    )
    result = cnnlab("summary", path)
    assert result.code == 2
    assert result.stderr.replace(f"{tmp_path}/", "") == (
        "mine.yaml:1:41: model.layers: more than 10,000 layers when all blocks are expanded\n"
        "   use fewer repetitions\n"
    )
