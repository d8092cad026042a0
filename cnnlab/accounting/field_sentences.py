"""Why a layer's receptive field is as large as it is, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from cnnlab.accounting.architecture import Architecture, LayerStep, Row
from cnnlab.accounting.reach import reach
from cnnlab.layers.base import SpatialLayer, times
from cnnlab.layers.graph import IMAGE

AXES = ("Rows", "Columns")


def field_sentences(step: LayerStep, row: Row, architecture: Architecture) -> Iterator[str]:
    """Every sentence says what the numbers of the step and of its row say."""
    if step.image_axes is None:
        return
    layer = step.node.layer
    before = [step.before.along(axis) for axis in step.image_axes]
    after = [step.after.along(axis) for axis in step.image_axes]
    is_whole = [each.size == each.whole for each in after]
    if layer.sees_everything:
        numbers = math.prod(step.input_shape)
        yield (
            f"Counted as the whole image: each output is computed from all {numbers:,} numbers of the "
            "layer's input."
        )
        yield from _edges(step, architecture)
    elif len(step.input_shapes) > 1:
        yield from _merged(step, row, architecture)
    elif [(each.size, each.extent) for each in before] == [(each.size, each.extent) for each in after]:
        yield _unchanged(step, all(is_whole))
    else:
        yield from _grown(step, architecture)
        if layer.dropped_axes:
            yield from _edges(step, architecture)
    if row.input_stride and not any(is_whole) and None not in _lines(step):
        text = "×".join(f"{each:g}" for each in dict.fromkeys(row.input_stride))
        yield f"Neighboring outputs lie {text} {'pixel' if text == '1' else 'pixels'} apart in the image."


def _unchanged(step: LayerStep, is_whole: bool) -> str:
    layer = step.node.layer
    if layer.only_reshapes or layer.axes_order is not None:
        return "The same as for its input: the layer moves numbers, and each still sees what it saw."
    if layer.acts_in_training_only:
        return "The same as for its input: outside training, the layer passes it on unchanged."
    if is_whole:
        return "The same as for its input, which already covers the whole image."
    if layer.takes_statistics:
        return "The same as for its input. The statistics that the layer normalizes by do not count."
    if any(_count(step, axis) > 1 for axis in step.image_axes or ()):
        return "The same as for its input: where the layer combines neighbors, its input covers the image."
    return "The same as for its input: the layer combines no neighboring positions."


def _merged(step: LayerStep, row: Row, architecture: Architecture) -> Iterator[str]:
    """Where branches meet: whether what the largest of them sees is what all of it sees."""
    branches = []
    for source in step.node.inputs:
        found = (1, 1) if source == IMAGE else architecture.rows[source].receptive_field
        branches.append(found or (1, 1))
    if row.receptive_field == (max(each[0] for each in branches), max(each[1] for each in branches)):
        yield "That of the branch that sees most."
    else:
        yield (
            f"The branches see {', '.join(times(each) for each in branches)} pixels. Numbers that come from "
            "different places meet, so an output is taken to see all."
        )


def _grown(step: LayerStep, architecture: Architecture) -> Iterator[str]:
    """Axis by axis, or once where rows and columns are alike."""
    assert step.image_axes is not None
    along = [list(_along(step, axis, architecture)) for axis in step.image_axes]
    if along[0] == along[1]:
        yield from along[0]
        return
    for name, lines in zip(AXES, along, strict=True):
        first, *others = lines
        yield from (f"{name}: {first}", *others)


def _along(step: LayerStep, image_axis: int, architecture: Architecture) -> Iterator[str]:
    """How what is seen along an axis of the image grows."""
    layer, whole = step.node.layer, architecture.input_shape[image_axis]
    before, after = step.before.along(image_axis), step.after.along(image_axis)
    place = _place(step, image_axis)
    if before.size == whole:
        yield f"As for its input, all {_pixels(Fraction(whole))}."
        return
    if (before.size, before.extent) == (after.size, after.extent):
        yield f"As for its input, {_pixels(Fraction(before.size))}."
        return
    if place is None:
        yield (
            f"The layer combines numbers that a layer before it has moved, so an output is taken to see all "
            f"{whole} pixels."
        )
        return
    if place in layer.dropped_axes or place in layer.spanned_axes(step.input_shape, step.output_shape):
        is_channel_axis = isinstance(layer, SpatialLayer) and place == layer.channel_axis
        if is_channel_axis and layer.window is not None:
            yield (
                "The layer takes this axis of the image for its channels and sums over all of them, so each "
                f"output sees all {whole} pixels."
            )
        else:
            yield (
                "Each output is computed from all positions along this axis, so it counts as seeing all "
                f"{whole} pixels."
            )
        return
    one, jump, count = before.extent, before.jump, _count(step, image_axis)
    reached = one + (count - 1) * jump
    total = f"{_decimal(one)} + ({count} − 1) × {_decimal(jump)} = {_pixels(reached)}"
    yield (
        f"Each input value has a receptive field of {_pixels(one)}, and adjacent values are {_pixels(jump)} "
        f"apart; together, {count} adjacent values cover {total}."
    )
    if reached > whole:
        yield f"The image has only {whole}, so the field covers all of them."
    elif reached != after.size:
        yield (
            "After upsampling, neighboring values share pixels, so the size depends on the position: at most "
            f"{after.size} pixels."
        )


def _edges(step: LayerStep, architecture: Architecture) -> Iterator[str]:
    """Where what a layer is computed from does not depend on all of the image: which part it does."""
    assert step.image_axes is not None
    spans = reach(architecture, step)
    rows, columns = (spans[axis] for axis in step.image_axes)
    size = tuple(architecture.input_shape[axis] for axis in step.image_axes)
    if (rows, columns) == ((0, size[0] - 1), (0, size[1] - 1)):
        return
    if rows[0] > rows[1] or columns[0] > columns[1]:
        yield "These depend on no pixel of the image."
        return
    seen = f"rows {rows[0] + 1} to {rows[1] + 1} and columns {columns[0] + 1} to {columns[1] + 1}"
    yield f"These depend on {seen} of the image; the pixels beyond have no effect."


def _lines(step: LayerStep) -> tuple[int | None, ...]:
    """Along which axes of its output the rows and the columns of the image run; None where along none."""
    return tuple(axis if axis in step.after.input_axes else None for axis in step.image_axes or ())


def _place(step: LayerStep, image_axis: int) -> int | None:
    """Along which axis of a layer's input an axis of the image runs; None where along none."""
    axes = step.before.input_axes
    return axes.index(image_axis) if image_axis in axes else None


def _count(step: LayerStep, image_axis: int) -> int:
    """How many numbers of its input in a row a layer looks at along an axis of the image."""
    place = _place(step, image_axis)
    footprint = None if place is None else step.node.layer.footprints(step.input_shape).get(place)
    return footprint.num_inputs if footprint else 1


def _pixels(number: Fraction) -> str:
    return "1 pixel" if number == 1 else f"{_decimal(number)} pixels"


def _decimal(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g}"
