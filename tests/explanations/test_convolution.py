"""`cnnlab explain convolution` without a trained network. What it says of a run: see test_command.py."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.testing import assert_allclose
from PIL import Image

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import UserError
from cnnlab.explanations.worked_examples import all_examples
from cnnlab.explanations.worked_examples.own import OwnConvolution
from cnnlab.layers.window import Window
from cnnlab.pictures.kit.palette import MARK
from cnnlab.scratch import convolution

EXAMPLES = [
    "numbered-pixels", "flipped-kernel", "arithmetic", "multiplications", "im2col", "pooling-gradient",
    "tied-weights", "dice", "fourier", "subsampling",
]  # fmt: skip


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """What was found, where it was saved to, and the document."""
    folder = tmp_path_factory.mktemp("lesson")
    found = cnnlab.explain("convolution", out=folder)
    return found, folder / "explain", found.save()


def test_ten_examples_each_with_a_picture(lesson):
    found, folder, document = lesson
    assert list(document["examples"]) == EXAMPLES
    names = [f"{number:02}-{name}" for number, name in enumerate(EXAMPLES, start=1)]
    assert document["pictures"] == [f"convolution-{name}.png" for name in names]
    for picture in document["pictures"]:
        with Image.open(folder / picture) as image:
            assert 1200 <= image.width <= 1700
            assert image.height < image.width
            assert len(np.unique(np.asarray(image.convert("L")))) > 10
    with np.load(folder / "convolution.npz", allow_pickle=False) as arrays:
        assert {key: list(each.shape) for key, each in arrays.items()} == document["arrays"]["shapes"]
    assert document["sentence"] == str(found).splitlines()[0] + ": 10 worked examples"


def test_the_numbers_of_the_lecture(lesson):
    _, _, document = lesson
    examples = document["examples"]
    pixels = examples["numbered-pixels"]
    assert pixels["first_output"] == 3
    assert pixels["seen_by_first_output"] == [1, 2, 3, 7, 8, 9, 13, 14, 15]
    assert pixels["seen_by_second_output"] == [2, 3, 4, 8, 9, 10, 14, 15, 16]
    assert np.shape(pixels["output"]) == (4, 4)
    assert pixels["pooled"] == [[3, 0], [3, 1]]
    work = examples["multiplications"]
    assert (work["multiplications_per_output"], work["positions"]) == (75, 784)
    assert work["output"] == [28, 28, 2]
    assert examples["tied-weights"]["largest_difference"] < 1e-15
    assert examples["tied-weights"]["summed_gradient"] == examples["tied-weights"]["convolution_gradient"]
    assert [round(36 * each) for each in examples["dice"]["sum"]] == [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1]
    assert examples["fourier"]["largest_difference"] < 1e-12
    assert {name: each["output"] for name, each in examples["arithmetic"]["slides"].items()} == {
        "stride 1, no padding": [3, 3], "stride 2": [2, 2], "padding: same": [5, 5], "dilation 2": [3, 3],
    }  # fmt: skip
    assert examples["arithmetic"]["transposed"]["output"] == [7, 7]


def test_the_text_works_an_output_out(lesson):
    found, _, _ = lesson
    text = str(found)
    said = " ".join(text.split())
    assert "1·1 + 0·(−1) + 0·(−1) + 0·(−1) + 1·1 + 0·(−1) + 0·(−1) + 0·(−1) + 1·1 = 3" in said
    assert "75 × 784 = 58,800 multiplications for one map" in said
    assert "2. Convolution and cross-correlation\n   In mathematics" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.usefixtures("unrendered")
def test_the_command_prints_the_text(lesson, tmp_path, capsys):
    assert run(["explain", "convolution", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{lesson[0]}\n\n{tmp_path / 'explain'}: convolution-01-numbered-pixels.png, ")
    assert printed.endswith("convolution-10-subsampling.png, convolution.npz, convolution.json\n")


def test_it_needs_no_keras():
    code = (
        "import sys, cnnlab\n"
        "print(len(cnnlab.explain('convolution').arrays) > 30)\n"
        "print([each for each in ('keras', 'tensorflow', 'jax', 'torch') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n[]\n"


@pytest.mark.usefixtures("unrendered")
def test_a_config_says_its_sizes(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(
        """
model:
  input_shape: [9, 8, 4]
  layers:
    - RandomFlip
    - Conv2D: {filters: 6, kernel_size: [3, 2], strides: 2, padding: same, groups: 2}
"""
    )
    assert run(["explain", "convolution", str(path), "--out", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["folder"] == str(tmp_path / "explain" / "mine")
    assert (document["layer"], document["subject"], document["run"]) == ("conv2d_1", "mine", None)
    sizes, work = document["examples"].values()
    assert (sizes["output"], sizes["padded"]) == ([5, 4], [2, 0])
    assert sizes["seen_by_first_outputs"] == [[1, 2, 9, 10], [3, 4, 11, 12]]
    assert (work["multiplications_per_output"], work["positions"], work["weights"]) == (12, 20, 72)
    assert work["multiplications"] == 12 * 20 * 6
    assert work["dense_weights"] == 9 * 8 * 4 * 5 * 4 * 6
    assert "a matrix of 20×12, and the kernel one of 12×3, for each group" in " ".join(work["text"].split())


def test_a_filter_sees_the_channels_of_its_own_group():
    rng, window = np.random.default_rng(1), Window((3, 2), (2, 1), "same")
    image, kernel, bias = rng.normal(size=(9, 8, 4)), rng.normal(size=(3, 2, 2, 6)), rng.normal(size=6)
    expected = convolution.correlate(image[None], kernel, window, groups=2)[0] + bias
    for number in range(6):
        own = OwnConvolution("conv2d_1", image, kernel, bias, window, 2, number, "it", image)
        assert_allclose(own.map, expected[..., number])
        assert own.first_channel == (0 if number < 3 else 2)
        assert_allclose(own.strongest.total, own.map[own.strongest.place])
        assert own.strongest.total == pytest.approx(own.map.max())


def own_convolution(kernel, *, image=(7, 7), window=None, groups=1, bias=0.0, seed=0):
    """A convolution with weights (h, w, C / groups, F) on noise of the given size."""
    rng = np.random.default_rng(seed)
    height, width, channels, filters = kernel
    pixels = rng.random((*image, channels * groups))
    weights = rng.normal(size=(height, width, channels, filters))
    window = window or Window((height, width))
    biases = np.full(filters, bias)
    return OwnConvolution("conv2d_1", pixels, weights, biases, window, groups, 0, "it", pixels)


def said_of(own):
    """By example, its text in one line."""
    return {each.name: " ".join(each.text.split()) for each in own.examples()}


ONE = r"−?\d(?:\.\d{1,3})?"
TERM = rf"(?:\d(?:\.\d{{1,3}})?|\({ONE}\))"


@pytest.mark.parametrize(
    ("kernel", "sums"),
    [
        pytest.param((3, 3, 3, 2), rf"Of the 27 products, those of each of the 3 channels are added first: "
                     rf"{TERM} \+ {TERM} \+ {TERM}", id="three channels"),
        pytest.param((2, 2, 40, 1), rf"Of the 160 products, those of each of the 40 channels are added "
                     rf"first: {TERM} \+ {TERM} \+ {TERM} \+ …", id="many channels"),
        pytest.param((5, 5, 1, 1), rf"25 products, added up: {TERM}", id="one channel"),
        pytest.param((2, 2, 1, 1), rf"{TERM}·{TERM}(?: \+ {TERM}·{TERM}){{3}}", id="all products"),
    ],
)  # fmt: skip
def test_the_sum_of_an_output_is_said_with_three_digits(kernel, sums):
    own = own_convolution(kernel, bias=-0.0037)
    text = said_of(own)["one-output"]
    total = re.search(
        rf"{sums} \+ bias \(−0\.004\) ≈ ({ONE}\d*(?:\.\d+)?), before the activation\. Numbers are rounded "
        r"to 3 decimals\.$", text,
    )  # fmt: skip
    assert total, text
    assert float(total[1]) == pytest.approx(own.map.max(), abs=0.0006)
    drawn = [each.get_text() for each in own.strongest_output().draw().axes[0].texts]
    assert any(f" + bias (−0.004) ≈ {total[1]}" in each for each in drawn)


def test_what_a_layer_does_not_compute_is_left_out():
    plain = said_of(own_convolution((3, 3, 1, 2)))
    assert "Filter 0 of conv2d_1, without its bias, on 4×4 pixels" in plain["im2col"]
    assert "Filter 0 of conv2d_1, without its bias, on 4×4 pixels" in plain["tied-weights"]
    assert "blur" not in plain["fourier"]
    others = [
        own_convolution((2, 2, 2, 2)),
        own_convolution((3, 3, 1, 2), window=Window((3, 3), (2, 2))),
        own_convolution((3, 3, 1, 2), window=Window((3, 3), dilation=(2, 2))),
    ]
    for other in others:
        assert {"im2col", "tied-weights"}.isdisjoint(said_of(other))
        assert "flipped-kernel" in said_of(other)


def test_a_kernel_of_one_pixel_has_nothing_to_flip():
    said = said_of(own_convolution((1, 1, 3, 2)))
    assert "flipped-kernel" not in said
    assert said["arithmetic"].endswith("Output 1 sees pixel 1. Output 2 sees pixel 2.")


def test_a_window_in_the_padding_and_large_numbers():
    bright = own_convolution((3, 3, 1, 1), window=Window((3, 3), padding="same"))
    bright.image[:] = 0
    bright.image[0, 0] = 1
    bright.kernel[..., 0] = np.eye(3)[:, :, None] - 1
    bright.kernel[1, 1] = 2
    text = said_of(bright)["one-output"]
    assert "Its window begins at row −1, column −1 of the input, in the padding." in text
    wide = said_of(own_convolution((41, 41, 1, 1), image=(41, 41)))["multiplications"]
    assert "41×41×1 = 1,681 multiplications" in wide
    assert "a matrix of 1×1,681, and the kernel one of 1,681×1" in wide


def frames(figure):
    """The orange frames of a figure by their corner: x, y, width and height in inches, rounded."""
    orange = to_rgba(MARK)
    return [
        tuple(round(float(each), 2) for each in (*patch.get_xy(), patch.get_width(), patch.get_height()))
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_edgecolor() == orange and not patch.get_fill()
    ]


@pytest.mark.parametrize(
    ("window", "groups", "pixels", "outputs"),
    [
        (Window((3, 3)), 1, [(3, 3)] * 2, 3),
        (Window((3, 3), padding="same"), 1, [(2, 2)] * 2, 3),
        (Window((3, 3), padding="same", dilation=(2, 2)), 1, [(1, 1)] * 8, 3),
        (Window((3, 3)), 2, [(3, 3)] * 2, 2),
    ],
    ids=["plain", "padding", "dilation", "groups"],
)
def test_the_first_window_is_drawn_where_it_lies(window, groups, pixels, outputs):
    own = own_convolution((3, 3, 2, 4), image=(9, 9), window=window, groups=groups)
    figure = own.sizes.multiplications().draw()
    cell = min(wide for _, _, wide, _ in frames(figure))  # of an output
    sizes = [(round(wide / cell), round(tall / cell)) for _, _, wide, tall in frames(figure)]
    assert sorted(sizes) == sorted([*pixels, *[(1, 1)] * outputs])


def test_the_output_that_the_text_works_out_is_framed():
    example = all_examples()[1]
    assert "the output at row 0, column 1 (counted from 0) of the correlation" in example.text
    (of_image, *of_maps) = frames(example.draw())
    cell = of_maps[0][2]
    assert of_image[2:] == (2 * cell, 2 * cell)
    assert [each[2:] for each in of_maps] == [(cell, cell)] * 2
    assert len({each[0] for each in of_maps}) == 1


@pytest.mark.usefixtures("unrendered")
def test_of_a_large_image_cells_are_not_drawn_one_by_one(tmp_path):
    found = cnnlab.explain("convolution", "alexnet", out=tmp_path)
    assert found.as_dict()["examples"]["arithmetic"]["output"] == [55, 55]
    for figure in found.figures.values():
        cells = [each.get_paths() for each in figure.axes[0].collections]
        assert sum(map(len, cells)) < 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("dnn", "dnn: this network has no Conv2D; choose one that has, such as cnn"),
        ("cnn --filter 1", "--filter: has no effect without a trained network; leave it out"),
        ("--image 3", "--image: has no effect without a trained network; leave it out"),
        ("--data-dir .", "--data-dir: has no effect without a run or an experiment; leave it out"),
        ("cnn --data-dir .", "--data-dir: has no effect without a trained network; leave it out"),
        ("{small}", "{small}:4:7: model.layers[0] Conv2D: the 5×5 kernel does not fit its 4×4 input"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, message):
    small = tmp_path / "small.yaml"
    small.write_text(
        "model:\n  input_shape: [4, 4, 1]\n  layers:\n    - Conv2D: {filters: 1, kernel_size: 5}\n"
    )
    arguments = arguments.format(small=small).split()
    assert run(["explain", "convolution", *arguments, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(message.format(small=small))


def test_image_and_picture_exclude_each_other():
    with pytest.raises(UserError, match=r"^image and picture exclude each other$"):
        cnnlab.explain("convolution", image=1, picture="a.png")
