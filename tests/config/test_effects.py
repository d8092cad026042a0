# ruff: noqa: E501 - a line for each message
"""Settings that change nothing are warned of, those that no training comes through are refused."""

import pytest

from cnnlab.config.effects import ImageCounts
from cnnlab.config.experiment import load_config, parse_config
from cnnlab.errors import UserError
from cnnlab.language.source import parse_yaml

NETWORK = "model: {layers: [Flatten, Dense: {units: 2, activation: softmax}]}\n"
XO = "dataset: {name: xo, train_count: 120, test_count: 20}\n"
"""120 images, 12 of which validate: four batches of 32."""


def config_of(training, dataset=XO):
    text = f"{dataset}{NETWORK}training: {training}\n"
    return parse_config(parse_yaml(text, "c.yaml"), default_name="c")


@pytest.mark.parametrize(
    ("training", "message"),
    [
        pytest.param(
            "{epochs: 2, optimizer: {name: adam, gradient_accumulation_steps: 9}}",
            "c.yaml:3:76: training.optimizer.gradient_accumulation_steps: expected at most 8, the batches of "
            "the whole training, found 9; the weights would never change",
            id="accumulation",
        ),
        pytest.param(
            "{epochs: 2, drop_last: true, optimizer: {gradient_accumulation_steps: 7}}",
            "c.yaml:3:81: training.optimizer.gradient_accumulation_steps: expected at most 6, the batches of "
            "the whole training, found 7; the weights would never change",
            id="accumulation over whole batches only",
        ),
        pytest.param(
            "{drop_last: true, batch_size: 109}",
            "c.yaml:3:23: training.drop_last: the 108 training images do not fill a batch of 109, so no batch "
            "is left; lower training.batch_size",
            id="no whole batch",
        ),
        pytest.param(
            "{class_weights: {X: 0, O: 0.0}}",
            "c.yaml:3:27: training.class_weights: all weights are 0, so nothing is learned; expected one "
            "above 0",
            id="all weights 0",
        ),
        *(
            pytest.param(
                f"{{class_weights: {{X: {written}}}}}",
                f"c.yaml:3:31: training.class_weights.X: expected a finite number, 0 or more, found {found}",
                id=f"weight {written}",
            )
            for written, found in ((".inf", "inf"), (".nan", "nan"), ("1e39", "1e+39"), ("-1", "-1"))
        ),
        pytest.param(
            "{epochs: 9, early_stopping: {monitor: val_accuracy, patience: 2, min_delta: 1}}",
            "c.yaml:3:87: training.early_stopping.min_delta: no accuracy rises by 1, because 1 is the "
            "highest; expected less than 1",
            id="no accuracy rises so far",
        ),
        pytest.param(
            "{optimizer: {learning_rate: 1e-50}}",
            "c.yaml:3:39: training.optimizer.learning_rate: 1e-50 is 0 in float32; expected at least 1.2e-38",
            id="rate 0 in float32",
        ),
        pytest.param(
            "{optimizer: {learning_rate: {name: one_cycle, peak: 1e39}}}",
            "c.yaml:3:63: training.optimizer.learning_rate.peak: 1e+39 is infinite in float32; expected at "
            "most 3.4e38",
            id="infinite peak",
        ),
        pytest.param(
            "{optimizer: {epsilon: 1e-46}}",
            "c.yaml:3:33: training.optimizer.epsilon: 1e-46 is 0 in float32; expected at least 1.2e-38",
            id="epsilon 0 in float32",
        ),
    ],
)  # fmt: skip
def test_what_no_training_comes_through_is_refused(training, message):
    with pytest.raises(UserError) as caught:
        config_of(training)
    assert str(caught.value) == message


def test_validation_images_that_are_none_are_refused_where_they_are_needed():
    dataset = "dataset: {name: xo, train_count: 120, test_count: 20, validation_size: 0.001}\n"
    with pytest.raises(UserError, match=r"^c\.yaml:1:72: dataset\.validation_size: 0\.001 of the images used is "
                                        r"less than one; the training needs validation images$"):  # fmt: skip
        config_of("{keep: best}", dataset)
    assert config_of("{epochs: 3}", dataset).idle() == [
        "c.yaml:1:72: dataset.validation_size: 0.001 of the images used is less than one; none validates"
    ]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        pytest.param("{epochs: 5, early_stopping: {patience: 4}}",
                     "3:50: training.early_stopping.patience: has no effect in 5 epochs: training is never "
                     "stopped early; expected at most 3", id="patience"),
        pytest.param("{epochs: 2, reduce_on_plateau: {patience: 1}}",
                     "3:53: training.reduce_on_plateau.patience: has no effect in 2 epochs: the learning rate "
                     "is never reduced", id="plateau of a short training"),
        pytest.param("{epochs: 9, early_stopping: {patience: 2}, reduce_on_plateau: {patience: 3, min_delta: 0}}",
                     "3:84: training.reduce_on_plateau.patience: has no effect: training.early_stopping, whose "
                     "patience is not longer, stops before the learning rate is reduced", id="stopped before"),
        pytest.param("{epochs: 9, optimizer: {learning_rate: {name: step, initial: 1, every: 9}}}",
                     "3:82: training.optimizer.learning_rate.every: has no effect: the rate first changes after "
                     "9 epochs; the training has 9", id="step beyond the end"),
        pytest.param("{optimizer: {learning_rate: {name: step, initial: 1, every: 9, warm_up: 2}}}",
                     "3:71: training.optimizer.learning_rate.every: has no effect: the rate first changes after "
                     "9 epochs; the training has 8 after the warm-up", id="step beyond the end after a warm-up"),
        pytest.param("{optimizer: {learning_rate: {name: cosine, initial: 1, final: 1}}}",
                     "3:73: training.optimizer.learning_rate.final: has no effect: the rate begins and ends the "
                     "same", id="flat cosine"),
        pytest.param("{optimizer: {learning_rate: {name: one_cycle, initial: 1}}}",
                     "3:39: training.optimizer.learning_rate.peak: the rate does not rise; expected more than "
                     "initial, 1", id="cycle that only falls"),
        pytest.param("{optimizer: {weight_decay: 0}}",
                     "3:38: training.optimizer.weight_decay: has no effect at 0; leave it out", id="no decay"),
        pytest.param("{optimizer: {use_ema: true, ema_momentum: 0}}",
                     "3:53: training.optimizer.ema_momentum: at 0 the moving average is the weights "
                     "themselves; leave use_ema out", id="average of one"),
        pytest.param("{epochs: 2, optimizer: {use_ema: true, ema_momentum: 0.99}}",
                     "3:64: training.optimizer.ema_momentum: the average reaches back over 100 steps, but the "
                     "training has 8; it would still be near the first weights", id="long average"),
        pytest.param("{epochs: 2, optimizer: {use_ema: true, ema_momentum: 0.5, ema_overwrite_frequency: 9}}",
                     "3:94: training.optimizer.ema_overwrite_frequency: has no effect: the training has 8 "
                     "steps", id="never overwritten"),
        pytest.param("{epochs: 2, optimizer: {gradient_accumulation_steps: 8}}",
                     "3:64: training.optimizer.gradient_accumulation_steps: an epoch has only 4 batches; the "
                     "weights change 1 time in the whole training", id="accumulation beyond an epoch"),
        pytest.param("{class_weights: {X: 1}}",
                     "3:27: training.class_weights: has no effect: every class has the weight 1", id="all 1"),
        pytest.param("{class_weights: {X: 0}}",
                     "3:27: training.class_weights: only O has a weight above 0; the network learns to predict "
                     "nothing else", id="one class counts"),
        pytest.param("{batch_size: 200}",
                     "3:24: training.batch_size: 200 is more than the 108 training images; each step uses all "
                     "of them", id="batch beyond the images"),
        pytest.param("{batch_size: 27, drop_last: true}",
                     "3:39: training.drop_last: the 108 training images fill whole batches of 27",
                     id="no last batch to drop"),
    ],
)  # fmt: skip
def test_what_changes_nothing_is_warned_of(training, message):
    assert config_of(training).idle() == [f"c.yaml:{message}"]


@pytest.mark.parametrize(
    "training",
    [
        "{epochs: 5, early_stopping: {patience: 3}, reduce_on_plateau: {patience: 1, min_delta: 0}}",
        "{epochs: 2, optimizer: {gradient_accumulation_steps: 4}}",
        "{epochs: 9, optimizer: {learning_rate: {name: step, initial: 1, every: 8}}}",
        "{epochs: 9, optimizer: {learning_rate: {name: step, initial: 1, every: 8, warm_up: 0.5}}}",
        "{optimizer: {name: adamw, weight_decay: 0}}",
        "{optimizer: {use_ema: true, ema_momentum: 0.9}}",
        "{class_weights: {X: 2}}",
        "{class_weights: balanced}",
        "{batch_size: 50, drop_last: true}",
        "{batch_size: 25, drop_last: true}",
        "{batch_size: 108}",
    ],
)
def test_what_has_an_effect_is_not(training):
    assert config_of(training).idle() == []


@pytest.mark.parametrize("name", ["cnn", "colors_cnn", "xo_dnn", "go_policy", "tones_cnn", "cifar10_resnet"])
def test_shipped_configs_have_no_idle_settings(name):
    assert load_config(name).idle() == []


@pytest.mark.parametrize(
    ("layer", "fields"),
    [
        ("Dropout: {rate: 0}", "rate"),
        ("SpatialDropout2D: {rate: 0.0}", "rate"),
        ("GaussianNoise: {stddev: 0}", "stddev"),
        ("RandomRotation: {factor: 0}", "factor"),
        (
            "RandomTranslation: {height_factor: 0, width_factor: 0}",
            "height_factor or width_factor",
        ),
        ("RandomZoom: {height_factor: 0}", "height_factor or width_factor"),
        ("RandomErasing: {factor: 0}", "factor"),
        ("ZeroPadding2D: {padding: 0}", "padding"),
        ("Cropping2D", "cropping"),
        ("UpSampling2D: {size: 1}", "size"),
        ("MaxPooling2D: {pool_size: 1}", "pool_size or strides"),
        ("AveragePooling2D: {pool_size: 1, strides: 1}", "pool_size or strides"),
        ("RandomZoom: {height_factor: 0, width_factor: [0, 0]}", "height_factor or width_factor"),
        ("LeakyReLU: {negative_slope: 1}", "negative_slope"),
        ("Rescaling: {scale: 1}", "scale or offset"),
        ("Permute: {dims: [1, 2, 3]}", "dims"),
        ("Activation: {activation: linear}", "activation"),
    ],
)
def test_layers_that_pass_their_input_on_are_warned_of(layer, fields):
    text = f"{XO}model: {{layers: [{layer}, Flatten, Dense: {{units: 2, activation: softmax}}]}}\n"
    kind = layer.split(":")[0]
    message = f"model.layers[0]: {kind} passes its input on unchanged; change {fields}, or leave it out"
    [found] = parse_config(parse_yaml(text, "c.yaml"), default_name="c").idle()
    assert found == f"c.yaml:2:18: {message}"


@pytest.mark.parametrize(
    "layer",
    ["RandomFlip", "RandomRotation: {factor: 0.1}", "RandomTranslation: {height_factor: 0.1, width_factor: 0.1}",
     "RandomZoom: {height_factor: 0.1}", "RandomCrop: {height: 8, width: 8}"],
)  # fmt: skip
def test_augmentation_that_moves_permuted_pixels_is_warned_of(layer):
    text = f"model: {{layers: [{layer}, Flatten, Dense: {{units: 2, activation: softmax}}]}}\n"
    plain = parse_config(parse_yaml(f"{XO}{text}", "c.yaml"), default_name="c")
    assert plain.idle() == []
    on_permuted = XO.replace("}", ", permute_pixels: 0}")
    [found] = parse_config(parse_yaml(f"{on_permuted}{text}", "c.yaml"), default_name="c").idle()
    assert found.endswith(
        f"model.layers[0]: {layer.split(':')[0]} moves images after dataset.permute_pixels, so what they "
        "show is not moved as a whole; leave it out"
    )


def test_augmentation_that_keeps_pixels_in_place_suits_permuted_ones():
    text = "model: {layers: [RandomErasing, Flatten, Dense: {units: 2, activation: softmax}]}\n"
    data = "dataset: {name: xo, permute_pixels: 0}\n"
    assert parse_config(parse_yaml(f"{data}{text}", "c.yaml"), default_name="c").idle() == []


@pytest.mark.parametrize(
    ("layer", "fields"),
    [("Rescaling: {scale: 0, offset: 1}", "scale"), ("ReLU: {max_value: 0}", "max_value or negative_slope")],
)
def test_layers_whose_output_does_not_depend_on_the_image_are_refused(layer, fields):
    text = f"{XO}model: {{layers: [{layer}, Flatten, Dense: {{units: 2, activation: softmax}}]}}\n"
    kind = layer.split(":")[0]
    message = f"{kind} passes on the same numbers for every image; change {fields}"
    with pytest.raises(UserError) as caught:
        parse_config(parse_yaml(text, "c.yaml"), default_name="c")
    assert str(caught.value) == f"c.yaml:2:18: model.layers[0]: {message}"


def test_counted_images_decide_where_they_are_known():
    config = config_of(
        "{class_weights: {X: 0, O: 3}, drop_last: true}", "dataset: {name: xo, classes: [X, O]}\n"
    )
    assert config.idle() == [
        "c.yaml:3:27: training.class_weights: only O has a weight above 0; the network learns to predict "
        "nothing else"
    ]
    assert config.impossible() == []
    assert config.impossible(ImageCounts(31, 0, (31, 0))) == [
        "c.yaml:3:27: training.class_weights: every class with training images has the weight 0, so nothing "
        "is learned",
        "c.yaml:3:52: training.drop_last: the 31 training images do not fill a batch of 32, so no batch is "
        "left; lower training.batch_size",
    ]
    balanced = config_of("{class_weights: balanced}")
    assert balanced.idle(ImageCounts(108, 12, (54, 54))) == [
        "c.yaml:3:27: training.class_weights: has no effect: every class has the same number of training images"
    ]
    assert balanced.idle(ImageCounts(108, 12, (54, 53))) == []
    absent = config_of("{class_weights: {X: 2, O: 3}}")
    assert absent.idle(ImageCounts(108, 12, (108, 0))) == [
        "c.yaml:3:37: training.class_weights.O: has no effect: this class has no training images"
    ]


def test_a_config_is_the_same_wherever_it_stands():
    one = config_of("{epochs: 3}")
    other = parse_config(parse_yaml(one.to_yaml(), "other.yaml"), default_name="c")
    assert (one, hash(one), one.digest) == (other, hash(other), other.digest)


def test_a_run_with_such_settings_stays_readable(tmp_path):
    path = tmp_path / "config.yaml"
    text = f"{XO}{NETWORK}training: {{epochs: 2, optimizer: {{gradient_accumulation_steps: 9}}}}\n"
    path.write_text(text)
    assert load_config(str(path), trained=True).training.optimizer.gradient_accumulation_steps == 9
    with pytest.raises(UserError):
        load_config(str(path))


@pytest.mark.parametrize("written", ["", "training: {epochs: 3}\n", "training: {optimizer: adam}\n"])
def test_a_lone_learning_rate_is_the_default_optimizers(tmp_path, written):
    path = tmp_path / "c.yaml"
    path.write_text(f"{XO}{NETWORK}{written}")
    optimizer = load_config(str(path), ["training.optimizer.learning_rate=0.25"]).training.optimizer
    assert (optimizer.name, optimizer.learning_rate.initial) == ("adam", 0.25)


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("adam", 0.001), ("{name: sgd}", 0.01), ("{name: sgd, learning_rate: 0.5}", 0.5)]
)
def test_a_lone_warm_up_leads_to_the_rate_that_stands_there(tmp_path, optimizer, rate):
    path = tmp_path / "c.yaml"
    path.write_text(f"{XO}{NETWORK}training: {{optimizer: {optimizer}}}\n")
    schedule = load_config(
        str(path), ["training.optimizer.learning_rate.warm_up=2"]
    ).training.optimizer.learning_rate
    assert (schedule.name, schedule.initial, schedule.warm_up) == ("constant", rate, 2)
