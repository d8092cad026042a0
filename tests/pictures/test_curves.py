import math
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.pictures.kit.palette import COLORS
from cnnlab.pictures.plots import history_curves, overlaid_curves


def history(accuracy, *, val_accuracy=None, first=1):
    """Rows with these accuracies, and losses that are 1 minus them."""
    validation = [None] * len(accuracy) if val_accuracy is None else val_accuracy
    return [
        {
            "epoch": epoch,
            "loss": 1 - train,
            "accuracy": train,
            "val_loss": None if held_out is None else 1 - held_out,
            "val_accuracy": held_out,
        }
        for epoch, (train, held_out) in enumerate(zip(accuracy, validation, strict=True), start=first)
    ]


def learning(rng, *, best=0.98, epochs=20):
    """A history as MNIST gives it: a steep first epoch, then little by little."""
    epoch = np.arange(epochs)
    train = 1 - 0.2 * np.exp(-epoch / 2) + rng.uniform(-0.001, 0, epochs)
    return history(train.tolist(), val_accuracy=(train - 1 + best + rng.normal(0, 1e-3, epochs)).tolist())


def column(rows, quantity):
    return np.array([math.nan if row[quantity] is None else row[quantity] for row in rows])


def lines(axes):
    """The curves that carry a name."""
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def is_dashed(line):
    return line.get_linestyle() == "--"


def draw(figure):
    """What a PNG takes; whatever matplotlib warns of is an error here."""
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_one_run_is_drawn_as_it_is(rng):
    rows = learning(rng)
    figure = history_curves(rows, title="cnn, seed 0")
    assert figure.get_suptitle() == "cnn, seed 0"
    for axes, quantity in zip(figure.axes, ("loss", "accuracy"), strict=True):
        drawn = lines(axes)
        assert list(drawn) == ["training", "validation"]
        for line in drawn.values():
            assert_array_equal(line.get_xdata(), range(1, 21))
        assert_array_equal(drawn["training"].get_ydata(), column(rows, quantity))
        assert_array_equal(drawn["validation"].get_ydata(), column(rows, f"val_{quantity}"))
        assert is_dashed(drawn["training"])
        assert not is_dashed(drawn["validation"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Accuracy"]
    assert draw(figure)


def test_the_first_best_epoch_is_marked():
    rows = history([0.5, 0.6, 0.7, 0.8], val_accuracy=[0.4, 0.65, 0.65, 0.6])
    figure = history_curves(rows, title="")
    assert legend(figure) == ["training", "validation", "best: 65.00% after epoch 2"]
    for axes, value in zip(figure.axes, (0.35, 0.65), strict=True):
        vertical, ring = axes.get_lines()[-2:]
        assert_array_equal(vertical.get_xdata(), [2, 2])
        assert_allclose([*ring.get_xdata(), *ring.get_ydata()], [2, value])


def test_without_validation_there_is_one_solid_curve_and_no_best_epoch():
    figure = history_curves(history([0.5, 0.6, 0.7]), title="")
    assert legend(figure) == ["training"]
    for axes in figure.axes:
        (line,) = axes.get_lines()
        assert not is_dashed(line)
    assert draw(figure)


def test_one_epoch_is_visible():
    figure = history_curves(history([0.5], val_accuracy=[0.6]), title="")
    for axes in figure.axes:
        assert all(line.get_markevery() == [0] for line in lines(axes).values())
        left, right = axes.get_xlim()
        assert left < 1 < right
        assert_array_equal([tick for tick in axes.get_xticks() if left <= tick <= right], [1])
    assert draw(figure)


def test_a_run_that_diverged_is_drawn_as_far_as_it_got():
    rows = history([0.3, 0.5, math.nan], val_accuracy=[0.4, math.nan, math.nan])
    rows[1]["loss"] = math.inf
    figure = history_curves(rows, title="")
    loss, accuracy = (lines(axes) for axes in figure.axes)
    assert_array_equal(accuracy["training"].get_ydata(), [0.3, 0.5, math.nan])
    assert_array_equal(loss["training"].get_ydata(), [0.7, math.nan, math.nan])
    assert accuracy["validation"].get_markevery() == [0]  # a point without neighbours
    assert accuracy["training"].get_markevery() == []
    assert legend(figure)[-1] == "best: 40.00% after epoch 1"
    assert draw(figure)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no-epochs"),
        pytest.param(history([math.nan], val_accuracy=[math.nan]), id="nan-at-once"),
        pytest.param(history([0.1] * 10, val_accuracy=[0.1] * 10), id="collapsed"),
        pytest.param(history([1.0] * 10, val_accuracy=[1.0] * 10), id="perfect"),
    ],
)
def test_odd_histories_are_drawn(rows):
    assert draw(history_curves(rows, title="odd $\\alpha^ title_"))
    assert draw(overlaid_curves({"a": [rows, rows], "b": [rows]}))


def test_curves_over_seeds_are_mean_and_range(rng):
    runs = {"dnn": [learning(rng, best=0.96) for _ in range(3)], "cnn": [learning(rng) for _ in range(3)]}
    figure = overlaid_curves(runs)
    assert figure.get_suptitle() == "dnn vs cnn"
    assert legend(figure) == ["dnn", "cnn", "validation", "training", "mean and range of 3 seeds"]
    for axes, quantity in zip(figure.axes, ("loss", "accuracy"), strict=True):
        drawn = lines(axes)
        assert len(axes.collections) == 2
        for name, color, band in zip(runs, COLORS, axes.collections, strict=False):
            train = np.array([column(rows, quantity) for rows in runs[name]])
            validation = np.array([column(rows, f"val_{quantity}") for rows in runs[name]])
            assert_allclose(drawn[f"{name}, training"].get_ydata(), train.mean(axis=0))
            assert_allclose(drawn[f"{name}, validation"].get_ydata(), validation.mean(axis=0))
            assert is_dashed(drawn[f"{name}, training"])
            assert not is_dashed(drawn[f"{name}, validation"])
            assert same_color(drawn[f"{name}, validation"].get_color(), color)
            corners = band.get_paths()[0].vertices
            for epoch in range(1, 21):
                heights = corners[corners[:, 0] == epoch, 1]
                assert_array_equal(heights.min(), validation[:, epoch - 1].min())
                assert_array_equal(heights.max(), validation[:, epoch - 1].max())
    assert draw(figure)


def test_every_seed_is_a_thin_line(rng):
    runs = [learning(rng) for _ in range(3)]
    _, accuracy = overlaid_curves({"a": runs, "b": [learning(rng)]}).axes
    thin = [line for line in accuracy.get_lines() if line.get_linewidth() < 1]
    assert len(thin) == 3
    for line, rows in zip(thin, runs, strict=True):
        assert_array_equal(line.get_ydata(), column(rows, "val_accuracy"))


def test_one_seed_has_no_band(rng):
    figure = overlaid_curves({"dnn": [learning(rng)], "cnn": [learning(rng)]})
    assert legend(figure) == ["dnn", "cnn", "validation", "training"]
    assert not any(axes.collections for axes in figure.axes)


def test_different_lengths_and_numbers_of_seeds():
    runs = {
        "a": [history([0.2, 0.4, 0.6]), history([0.4, 0.6])],
        "b": [history([0.1, 0.2, 0.3, 0.4, 0.5])],
    }
    figure = overlaid_curves(runs)
    a, b = (lines(figure.axes[1])[f"{name}, training"] for name in "ab")
    assert_allclose(a.get_xdata(), [1, 2, 3])
    assert_allclose(a.get_ydata(), [0.3, 0.5, 0.6])
    assert_allclose(b.get_xdata(), [1, 2, 3, 4, 5])
    assert legend(figure) == ["a", "b", "training", "mean and range of the seeds"]
    assert not is_dashed(a)
    assert all(axes.get_xlim()[1] > 5 for axes in figure.axes)


def test_training_stays_dashed_where_only_the_other_has_validation():
    figure = overlaid_curves(
        {"a": [history([0.2, 0.4])], "b": [history([0.2, 0.4], val_accuracy=[0.3, 0.3])]}
    )
    assert is_dashed(lines(figure.axes[1])["a, training"])
    assert list(lines(figure.axes[1])) == ["a, training", "b, training", "b, validation"]


def test_the_first_epochs_do_not_squash_the_rest(rng):
    rows = learning(rng)
    loss, accuracy = history_curves(rows, title="").axes
    later = np.concatenate([column(rows, quantity)[2:] for quantity in ("accuracy", "val_accuracy")])
    bottom, top = accuracy.get_ylim()
    assert column(rows, "accuracy")[0] < bottom < later.min()
    assert later.max() <= top <= 1.01
    later = np.concatenate([column(rows, quantity)[2:] for quantity in ("loss", "val_loss")])
    assert loss.get_ylim()[0] == 0
    assert later.max() < loss.get_ylim()[1] < column(rows, "loss")[0]
    for axes in (loss, accuracy):
        assert axes.get_title(loc="right") in (
            "epoch 1 partly out of range",
            "epochs 1-2 partly out of range",
        )


def test_epochs_outside_are_counted():
    accuracy = [0.1, 0.2, 0.3, *[0.9] * 27]
    loss, share = history_curves(history(accuracy), title="").axes
    assert {axes.get_title(loc="right") for axes in (loss, share)} == {"epochs 1-3 partly out of range"}


@pytest.mark.parametrize(
    "accuracy",
    [
        pytest.param(np.linspace(0.3, 0.7, 10), id="steady"),
        pytest.param([0.5, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1], id="collapse-on-the-way"),
        pytest.param([0.1, 0.9, 0.95], id="few-epochs"),
    ],
)
def test_what_is_worth_seeing_is_inside_the_axes(accuracy):
    figure = history_curves(history(accuracy), title="")
    for axes, quantity in zip(figure.axes, ("loss", "accuracy"), strict=True):
        values = column(history(accuracy), quantity)
        bottom, top = axes.get_ylim()
        assert bottom <= values.min()
        assert values.max() <= top
        assert not axes.get_title(loc="right")


def test_a_seed_that_collapsed_is_inside_the_axes(rng):
    collapsed = history([0.1] * 20, val_accuracy=[0.1] * 20)
    _, accuracy = overlaid_curves({"a": [learning(rng), collapsed], "b": [learning(rng)]}).axes
    assert accuracy.get_ylim()[0] < 0.1


def test_noise_does_not_fill_the_picture():
    bottom, top = history_curves(history([0.100, 0.101] * 5), title="").axes[1].get_ylim()
    assert top - bottom >= 0.05


def test_accuracy_is_in_percent(rng):
    figure = history_curves(learning(rng), title="")
    draw(figure)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert "98%" in labels


def test_more_experiments_than_colors_are_told_apart():
    runs = {f"experiment_{index:02}": [history([0.1, 0.2], val_accuracy=[0.1, 0.2])] for index in range(16)}
    figure = overlaid_curves(runs)
    curves = [line for name, line in lines(figure.axes[1]).items() if name.endswith("validation")]
    assert len({(line.get_color(), line.get_marker(), str(line.get_markevery())) for line in curves}) == 16
    assert figure.get_suptitle() == "16 experiments"
    assert draw(figure)


@pytest.mark.parametrize("number", [pytest.param(2, id="two"), pytest.param(9, id="nine")])
@pytest.mark.parametrize("length", [pytest.param(3, id="short"), pytest.param(100, id="longest")])
def test_the_legend_stays_in_the_picture(number, length):
    names = [f"{index}".rjust(length, "n") for index in range(number)]
    figure = overlaid_curves({name: [history([0.1, 0.2], val_accuracy=[0.1, 0.2])] * 2 for name in names})
    draw(figure)
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0
    for axes in figure.axes:
        assert axes.get_window_extent().height > 100


def test_an_experiment_may_be_called_like_a_curve(rng):
    figure = overlaid_curves({"training": [learning(rng)], "validation": [learning(rng)]})
    assert legend(figure) == ["training", "validation", "validation", "training"]


def test_size_is_1600_by_700():
    figure = history_curves(history([0.5, 0.6]), title="")
    width, height = np.frombuffer(draw(figure)[16:24], dtype=">u4")
    assert (width, height) == (1600, 700)


def test_underscores_and_dollars_are_only_letters():
    figure = overlaid_curves({"_a": [history([0.1, 0.2])], "b": [history([0.1, 0.2])]}, title="$a_b$ costs")
    assert legend(figure)[:2] == ["_a", "b"]
    assert draw(figure)


def test_threads_draw_what_one_draws_alone_and_no_setting_changes(rng):
    runs = {"dnn": [learning(rng) for _ in range(2)], "cnn": [learning(rng) for _ in range(2)]}
    before = mpl.rcParams.copy()
    alone = draw(overlaid_curves(runs))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: draw(overlaid_curves(runs)), range(6)))
    assert all(picture == alone for picture in together)
    assert mpl.rcParams.copy() == before
