"""Pictures of sweeps: what stands where in them."""

import json
from itertools import product

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cnnlab.config.axes import Axis, Span
from cnnlab.pictures.kit.palette import MARK, NEUTRAL
from cnnlab.pictures.plots.settings import Setting, TriedPoint, key_lines, scale_of
from cnnlab.search.pictures import pictures
from tests.search.conftest import make_document

RATE, SIZE = Axis("training.rate", (0.003, 0.001)), Axis("training.batch_size", (50, 100, 200))
GRID = [
    ({"training.rate": rate, "training.batch_size": size}, [accuracy, accuracy + 0.002])
    for (rate, size), accuracy in zip(
        product(RATE.values, SIZE.values), (0.9, 0.92, 0.95, 0.91, 0.94, 0.93), strict=True
    )
]
SPAN = Span("training.rate", 1e-4, 1e-1)
CATEGORIES = Axis("model.kernel", ([1, 1], None, True))


def rectangles(axes):
    return [each for each in axes.patches if isinstance(each, Rectangle) and each.get_gid() == "winner"]


def having(axes, gid):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def test_which_pictures_there_are():
    two = make_document((RATE, SIZE), GRID)
    assert list(pictures(two)) == ["map", "slices", "importance", "parallel"]
    one = make_document((RATE,), [({"training.rate": each}, [each * 100]) for each in RATE.values])
    assert list(pictures(one)) == ["slices"]
    ranges = make_document((SPAN, SIZE), GRID)
    assert list(pictures(ranges)) == ["slices", "parallel"]
    three = make_document(
        (RATE, SIZE, CATEGORIES),
        [({**each, "model.kernel": kernel}, of) for each, of in GRID for kernel in CATEGORIES.values],
    )
    assert list(pictures(three)) == ["slices", "importance", "parallel"]
    none = make_document((RATE, SIZE), GRID, states=["failed"] * 6)
    assert list(pictures(none)) == []


def test_the_map_has_a_number_in_each_cell_and_outlines_the_best(draw):
    figure = draw(pictures(make_document((RATE, SIZE), GRID, tied=[2, 3]))["map"])
    (axes,) = figure.axes
    # Rates ascend downwards, whatever their order in the sweep.
    expected = np.array([[0.911, 0.941, 0.931], [0.901, 0.921, 0.951]])
    np.testing.assert_allclose(axes.images[0].get_array(), expected)
    cells = {
        (round(each.get_position()[1]), round(each.get_position()[0])): each.get_text() for each in axes.texts
    }
    assert cells == {
        (0, 0): "91.10%", (0, 1): "= 94.10%", (0, 2): "= 93.10%",
        (1, 0): "90.10%", (1, 1): "92.10%", (1, 2): "95.10%",
    }  # fmt: skip
    (outline,) = rectangles(axes)
    assert outline.get_xy() == (1.5, 0.5)
    assert same_color(outline.get_edgecolor(), MARK)
    assert [each.get_text() for each in axes.get_xticklabels()] == ["50", "100", "200"]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["0.001", "0.003"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training.batch_size", "training.rate")
    assert "=: tied with the best" in figure.get_supxlabel()


def test_a_cell_without_accuracy_says_why_and_one_not_tried_is_empty(draw):
    document = make_document((RATE, SIZE), GRID[:5], states=["pruned", "failed", *["finished"] * 3])
    (axes,) = draw(pictures(document)["map"]).axes
    cells = {
        (round(each.get_position()[1]), round(each.get_position()[0])): each.get_text() for each in axes.texts
    }
    assert cells[1, 0] == "pruned"
    assert cells[1, 1] == "failed"
    assert (0, 2) not in cells
    mask = np.ma.getmaskarray(np.ma.masked_invalid(axes.images[0].get_array()))
    assert mask.tolist() == [[False, False, True], [True, True, False]]


def test_a_map_with_many_cells_has_a_scale_instead_of_numbers(draw):
    many = Axis("a", tuple(range(25)))
    points = [({"a": a, "b": b}, [0.5 + a / 100 + b / 1000]) for a in many.values for b in (0, 1)]
    figure = draw(pictures(make_document((Axis("b", (0, 1)), many), points))["map"])
    assert [each.get_text() for each in figure.axes[0].texts if each.get_text()] == []
    assert len(figure.axes) == 2
    (outline,) = rectangles(figure.axes[0])
    assert outline.get_xy() == (23.5, 0.5)


def test_slices_have_a_dot_for_each_point_in_each_panel(draw):
    document = make_document((RATE, SIZE), GRID, tied=[2])
    rate, size = draw(pictures(document)["slices"]).axes
    dots = sorted((line.get_xdata()[0], round(line.get_ydata()[0], 4)) for line in having(size, "point"))
    assert dots == [(0, 0.901), (0, 0.911), (1, 0.921), (1, 0.941), (2, 0.931), (2, 0.951)]
    (ring,) = having(size, "winner")
    assert (ring.get_xdata()[0], round(ring.get_ydata()[0], 4)) == (2, 0.951)
    colors = {round(line.get_ydata()[0], 4): line.get_color() for line in having(rate, "point")}
    assert [colors[each] for each in (0.951, 0.941, 0.931)] == [MARK, MARK, NEUTRAL]
    (medians,) = having(rate, "medians")
    np.testing.assert_allclose(medians.get_ydata(), [0.931, 0.921])
    assert [axes.get_xlabel() for axes in (rate, size)] == ["training.rate", "training.batch_size"]
    assert rate.get_xscale() == "linear"  # values stand side by side


def test_a_logarithmic_range_has_a_logarithmic_axis(draw):
    points = [({"training.rate": rate}, [0.9 + rate]) for rate in (1e-4, 3e-4, 5e-3, 1e-2)]
    (axes,) = draw(pictures(make_document((SPAN,), points))["slices"]).axes
    assert axes.get_xscale() == "log"
    assert [each.get_text() for each in axes.get_xticklabels()] == ["0.0001", "0.001", "0.01", "0.1"]
    assert not having(axes, "medians")


def test_points_without_accuracy_stand_at_the_foot_and_are_told_apart(draw):
    document = make_document((RATE, SIZE), GRID, states=["pruned", "failed", *["finished"] * 4])
    figure = draw(pictures(document)["slices"])
    axes = figure.axes[1]
    assert len(having(axes, "point")) == 4
    for state in ("pruned", "failed"):
        (mark,) = having(axes, state)
        assert mark.get_ydata()[0] < 0.1  # of the height, not an accuracy
    assert having(axes, "pruned")[0].get_marker() != having(axes, "failed")[0].get_marker()
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["point", "best", "median of each value", "pruned", "failed"]


def test_networks_that_learned_nothing_do_not_squash_the_others(draw):
    points = [({"training.rate": 1e-4 * 1.5**place}, [0.9 + place / 1000]) for place in range(15)]
    points += [({"training.rate": 0.09}, [0.1])]
    figure = draw(pictures(make_document((SPAN,), points))["slices"])
    low, high = figure.axes[0].get_ylim()
    assert low > 0.88
    assert high < 0.92
    assert "below 90.0%" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_scale_is_not_cut_where_all_can_be_told_apart():
    accuracies = (0.9719, 0.9691, 0.9666, 0.9658, 0.9645, 0.9606, 0.9556, 0.9389, 0.9222)
    assert scale_of([TriedPoint((0,), each) for each in accuracies]) == (0.9222, 0.9719)


def test_importance_has_a_bar_for_each_setting_and_one_for_the_rest(draw):
    document = make_document((RATE, SIZE), GRID)
    shares = {each["key"]: each["share"] for each in document["importance"]}
    figure = draw(pictures(document)["importance"])
    (axes,) = figure.axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths[:2] == sorted(shares.values(), reverse=True)
    assert sum(widths) == pytest.approx(1)
    labels = [each.get_text() for each in axes.get_yticklabels()]
    assert labels[:2] == sorted(shares, key=lambda key: -shares[key])
    assert labels[2] == "several settings together,\nand chance"
    assert "exact, from all combinations" in figure.get_supxlabel().replace("\n", " ")


def test_parallel_coordinates_have_a_line_for_each_point(draw):
    states = ["pruned", *["finished"] * 5]
    figure = draw(pictures(make_document((RATE, SIZE), GRID, states=states))["parallel"])
    (axes,) = figure.axes
    lines = having(axes, "point")
    assert len(lines) == 5
    assert all(len(line.get_xdata()) == 3 for line in lines)
    ends = sorted(float(line.get_ydata()[-1]) for line in lines)
    np.testing.assert_allclose(
        ends, (np.array([0.911, 0.921, 0.931, 0.941, 0.951]) - 0.911) / 0.04, atol=1e-9
    )
    (best,) = having(axes, "winner")
    assert same_color(best.get_color(), MARK)
    assert best.get_ydata()[-1] == 1
    assert best.get_ydata()[0] > 0.5  # 0.003, the larger of two
    assert best.get_ydata()[1] > 2 / 3  # 200, the largest of three
    (pruned,) = having(axes, "pruned")
    assert (len(pruned.get_xdata()), pruned.get_linestyle()) == (2, "--")
    said = [text.get_text() for text in axes.texts]
    assert said[:5] == ["0.001", "0.003", "50", "100", "200"]


@pytest.mark.parametrize(
    "value", ["x" * 60, [1] * 30, {"seed": 0, "block": 4}, None, True, 1.5, "$a_b$"], ids=repr
)
def test_values_of_any_kind_are_drawn(draw, value):
    axis = Axis("model.layers.a_layer_with_a_very_long_name_indeed.some_setting_of_it", (value, "other"))
    points = [
        ({axis.key: a, "b": b}, [0.9 + place / 100])
        for place, (a, b) in enumerate(product(axis.values, (1, 2)))
    ]
    for figure in pictures(make_document((axis, Axis("b", (1, 2))), points)).values():
        draw(figure)
        for text in [*figure.axes[0].get_xticklabels(), *figure.axes[0].get_yticklabels()]:
            box = text.get_window_extent()
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.x1 + 1


def test_a_single_point(draw):
    for name, figure in pictures(make_document((RATE, SIZE), GRID[:1])).items():
        assert name in ("map", "slices", "parallel")
        draw(figure)


def test_a_document_read_from_a_file_gives_the_same_pictures():
    points = [
        ({"n": 8 + place, "model.kernel": CATEGORIES.values[place % 3]}, [0.5 + place / 50])
        for place in range(12)
    ]
    document = make_document((Span("n", 8, 64), CATEGORIES), points)
    again = json.loads(json.dumps(document))
    for name, figure in pictures(document).items():
        one, other = (
            [line.get_xydata().tolist() for line in each.axes[0].get_lines()]
            for each in (figure, pictures(again)[name])
        )
        assert one == other


def test_no_picture_knows_the_test_accuracy(draw):
    for figure in pictures(make_document((RATE, SIZE), GRID)).values():
        assert not any("12.3" in text.get_text() for text in draw(figure).findobj(Text))


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [(1e-4, 1e-1, ["0.0001", "0.001", "0.01", "0.1"]), (1e-3, 3e-3, ["0.001", "0.003"]), (1e-10, 1, None)],
)
def test_marks_of_a_logarithmic_range(low, high, texts):
    marks = Setting("a", None, low, high, is_logarithmic=True).marks()
    assert all(low * 0.999 <= place <= high * 1.001 for place, _ in marks)
    assert 2 <= len(marks) <= 6
    if texts:
        assert [text for _, text in marks][: len(texts)] == texts


def test_keys_are_broken_behind_their_points():
    assert key_lines("training.optimizer.learning_rate", 9, 11) == "training.optimizer.learning_rate"
    assert key_lines("training.optimizer.learning_rate", 1.6, 11) == "training.optimizer.\nlearning_rate"
