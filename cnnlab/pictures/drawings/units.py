"""What single filters and neurons look for: kernels, best images, strongest examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.fitting import cell_width, fitting_columns, label_width
from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.numbers import write_numbers
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page
from cnnlab.pictures.kit.palette import MARK
from cnnlab.pictures.kit.scales import GREYS, SIGNED, ColorScale
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.rendering import UNMARKED, Move, drawn, legend, turned, turned_box


def kernel_effects(
    picture: np.ndarray,
    kernels: Mapping[str, np.ndarray],
    answers: Mapping[str, np.ndarray],
    pictures: Mapping[str, np.ndarray],
    *,
    title: str,
    subtitle: str,
    columns: int = 3,
) -> Figure:
    """The picture, then what each kernel makes of it, with the kernel's numbers beside it.

    Args:
        picture: (H, W, C) in [0, 1].
        answers: by kernel (H', W'), signed.
        pictures: by kernel, where its answer is drawn as a picture, that picture: (H', W') in [0, 1].
    """
    rows = math.ceil(len(kernels) / columns)
    most = min(1.25, (current_page().widest - 0.7) / (2 * columns + 1) - 0.16)
    sheet = Sheet(
        rows,
        2 * columns + 1,
        title=title,
        subtitle=subtitle,
        cell=(1.35, 1.35),
        gap=(0.16, 0.14),
        text=cell_width([*kernels, "clipped to 0–1", "−0.99 to 0.91"], least=0.5, most=most),
        caption=0.38,
        bars=1,
    )
    sheet.picture(0, 0, picture, caption="image")
    for index, (name, kernel) in enumerate(kernels.items()):
        row, column = index // columns, 1 + 2 * (index % columns)
        flat = kernel if kernel.ndim == 2 else kernel.mean(axis=-1)
        scale = ColorScale.signed(flat)
        box = sheet.values(row, column, flat, scale, caption=name)
        write_numbers(sheet, box, flat, scale, size=SMALLEST_TEXT)
        answer = answers[name]
        caption = f"{short(float(answer.min()))} to {short(float(answer.max()))}"
        if name in pictures and (pictures[name].min() < -0.01 or pictures[name].max() > 1.01):
            caption += "\nclipped to 0–1"
        if name in pictures:
            sheet.picture(row, column + 1, pictures[name], caption=caption)
        else:
            sheet.values(row, column + 1, answer, ColorScale.signed(answer), caption=caption)
    label = "value ÷ largest magnitude of the kernel or response (the range of a response is above it)"
    sheet.colorbar(ColorScale(-1, 1, label, SIGNED), column=1, columns=2 * columns)
    return sheet.figure


def curve_detector(
    kernel: np.ndarray, patches: Sequence[tuple[str, np.ndarray, str]], *, title: str, subtitle: str
) -> Figure:
    """A kernel, and what lies under it at two places, all with their numbers.

    Args:
        patches: heading, (h, w) in [0, 1] like the kernel, and the sum of products written out.
    """
    sheet = Sheet(1, 3, title=title, subtitle=subtitle, cell=(3.3, 3.3), gap=(0.25, 0.1), caption=0.42)
    most = short(float(kernel.clip(min=0).sum()))
    caption = f"weights of the detector\nlargest possible response: {most}"
    _numbered(sheet, 0, 0, kernel, ColorScale.signed(kernel), caption=caption)
    for column, (name, patch, said) in enumerate(patches, start=1):
        _numbered(sheet, 0, column, patch, ColorScale(0, 1, colormap=GREYS), caption=f"{name}\n{said}")
    return sheet.figure


def curve_response(
    picture: np.ndarray,
    kernel: np.ndarray,
    answers: np.ndarray,
    bright: tuple[str, np.ndarray, str],
    places: Sequence[tuple[int, int]],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    """Where a detector responds: the image, the response everywhere, and what it says to a bright patch.

    Args:
        picture: (H, W, C) in [0, 1].
        answers: (H', W'), signed.
        bright: like the patches of `curve_detector`.
        places: top and left corners that are marked in the picture and in the answers, by letters.
    """
    sheet = Sheet(
        1, 3, title=title, subtitle=subtitle, cell=(3.3, 3.3), gap=(0.25, 0.1), caption=0.42, bars=1
    )
    height, width = kernel.shape
    shape = f"{answers.shape[0]}×{answers.shape[1]}"
    span = f"{short(float(answers.min()))} to {short(float(answers.max()))}"
    drawn = sheet.picture(0, 0, picture, caption=f"image, {picture.shape[0]}×{picture.shape[1]}")
    for letter, (top, left) in zip("AB", places, strict=False):
        _marked(sheet, drawn, picture.shape[:2], (top, left, height, width), letter)
    scale = ColorScale.signed(answers, "response")
    drawn = sheet.values(0, 1, answers, scale, caption=f"response, {shape}: {span}")
    for letter, (top, left) in zip("AB", places, strict=False):
        _marked(sheet, drawn, answers.shape, (top, left, 1, 1), letter)
    sheet.colorbar(scale, column=1)
    name, patch, said = bright
    _numbered(sheet, 0, 2, patch, ColorScale(0, 1, colormap=GREYS), caption=f"{name}\n{said}")
    return sheet.figure


def _numbered(
    sheet: Sheet, row: int, column: int, values: np.ndarray, scale: ColorScale, *, caption: str
) -> None:
    """A picture of a few numbers, each of which is written on its place."""
    box = sheet.values(row, column, values, scale, caption=caption)
    write_numbers(sheet, box, values, scale, written=lambda value: short(round(value, 2)), size=SMALLEST_TEXT)


def _marked(
    sheet: Sheet, drawn: tuple[float, float, float, float], shape: Sequence[int],
    place: tuple[int, int, int, int], letter: str,
) -> None:  # fmt: skip
    x, y, wide, tall = drawn
    top, left, height, width = place
    down, across = tall / shape[0], wide / shape[1]
    sheet.box(x + left * across, y + top * down, width * across, height * down, width=1.6)
    sheet.text(
        x + (left + width) * across + 0.04, y + top * down, letter, color=MARK, weight="bold", up="top"
    )  # fmt: skip


def pipeline_stages(
    picture: np.ndarray, kernel_name: str, found: Mapping[str, np.ndarray], *, title: str, subtitle: str
) -> Figure:
    """Picture → convolution → ReLU → max pooling, side by side on one scale."""
    sheet = Sheet(
        1,
        1 + len(found),
        title=title,
        subtitle=subtitle,
        cell=(2.2, 2.2),
        gap=(0.3, 0.1),
        caption=0.24,
        bars=1,
    )
    sheet.picture(0, 0, picture, caption=f"image, {picture.shape[0]}×{picture.shape[1]}")
    scale = ColorScale.signed(found["convolution"], "response of the kernel")
    for column, (name, values) in enumerate(found.items(), start=1):
        label = f"{name} with {kernel_name}" if name == "convolution" else name
        caption = f"{label}, {values.shape[0]}×{values.shape[1]}"
        sheet.values(0, column, values, scale, caption=caption)
    sheet.colorbar(scale, column=1, columns=len(found))
    return sheet.figure


def filter_weights(
    kernels: np.ndarray, smooth: np.ndarray, *, title: str, subtitle: str, columns: int | None = None,
    appearance: Appearance = PLAIN,
) -> Figure:  # fmt: skip
    """Each filter's weights, and below them their pattern, smoothed.

    Args:
        kernels: (filters, h, w, channels), signed; three channels are drawn as colours, grey being 0,
            several as their mean.
        smooth: the same, enlarged.
    """
    columns = columns or fitting_columns(
        len(kernels), (0.95, 1.9), around=(0.12, 0.38), rest=2.4, labels=0.75
    )
    columns = min(columns or 10, len(kernels))
    rows = 2 * math.ceil(len(kernels) / columns)
    colored = kernels.shape[-1] == 3
    sheet = Sheet(
        rows, columns, title=title, subtitle=legend(subtitle, appearance), cell=(0.95, 0.95), caption=0.2,
        gap=(0.12, 0.05), labels=0.75, bars=1, pairs=True, axis_names=appearance.axis_names,
    )  # fmt: skip
    limit = float(np.abs(kernels).max()) or 1.0
    flat = kernels.mean(axis=-1)
    scale = ColorScale.signed(
        flat, "weight" if kernels.shape[-1] == 1 else "mean weight over the input channels"
    )
    if colored:
        scale = ColorScale(-limit, limit, "weight (same scale for red, green and blue)", GREYS)
    for index, (kernel, pattern) in enumerate(zip(kernels, smooth, strict=True)):
        kernel, pattern = turned(kernel, appearance), turned(pattern, appearance)
        row, column = 2 * (index // columns), index % columns
        if column == 0:
            sheet.row_label(row, "weights")
            sheet.row_label(row + 1, "smoothed")
        if colored:
            sheet.picture(row, column, 0.5 + 0.5 * kernel / limit, caption=str(index))
            sheet.picture(row + 1, column, 0.5 + 0.5 * pattern / limit)
        else:
            sheet.values(row, column, kernel.mean(axis=-1), scale, caption=str(index))
            sheet.values(row + 1, column, pattern.mean(axis=-1), scale)
    sheet.colorbar(scale, columns=columns)
    return sheet.figure


def best_images(
    groups: Sequence[tuple[str, np.ndarray, Sequence[str]]], *, title: str, subtitle: str,
    columns: int | None = None,
    appearance: Appearance = PLAIN, moves: Sequence[Move] | None = None,
) -> Figure:  # fmt: skip
    """Images found by ascent: one or more groups, each a heading, images in [0, 1] and captions.

    Args:
        moves: what is marked on the images of every group, where these are boards.
    """
    most = max(len(images) for _, images, _ in groups)
    labels = 1.25 if any(heading for heading, _, _ in groups) else 0.0
    lines = 1 + max(caption.count("\n") for _, _, captions in groups for caption in captions)
    texts = [caption for _, _, captions in groups for caption in captions]
    text, above = cell_width(texts, least=0.3, most=1.0), 0.06 + 0.16 * lines
    columns = columns or fitting_columns(
        most,
        (1.05, 1.05 * len(groups)),
        around=(0.12, len(groups) * (0.08 + above)),
        labels=labels,
        text=text,
    )
    columns = min(columns or 10, most)
    rows = sum(math.ceil(len(images) / columns) for _, images, _ in groups)
    sheet = Sheet(
        rows, columns, title=title, subtitle=legend(subtitle, appearance), cell=(1.05, 1.05), text=text,
        caption=above, gap=(0.12, 0.08), labels=labels, axis_names=appearance.axis_names,
    )  # fmt: skip
    row = 0
    for heading, images, captions in groups:
        if heading:
            sheet.row_label(row, heading)
        for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
            picture = drawn(image, appearance, moves[index] if moves else UNMARKED)
            sheet.picture(row + index // columns, index % columns, picture, caption=caption)
        row += math.ceil(len(images) / columns)
    return sheet.figure


def strongest_examples(
    images: np.ndarray,
    boxes: np.ndarray | None,
    captions: Sequence[Sequence[str | None]],
    names: Sequence[str],
    *,
    title: str,
    subtitle: str,
    patterns: np.ndarray | None = None,
    appearance: Appearance = PLAIN,
    moves: Sequence[Sequence[Move]] | None = None,
) -> Figure:
    """A row for each unit: its strongest images, the box of what it saw, the value.

    Args:
        images: (U, count, H, W, C) in [0, 1].
        boxes: (U, count, 4): top, left, bottom, right in pixels; None: not known.
        captions: (U, count), above each image; None: there is none.
        patterns: (U, count, H, W, C) signed, drawn below the images, each on its own scale, which stands
            below the caption: what the unit saw there. Three channels are drawn as colours, grey being 0.
    """
    units, count, height, width = images.shape[:4]
    colored = patterns is not None and patterns.shape[-1] == 3
    if patterns is not None and not colored:
        patterns = patterns.sum(axis=-1)
    step = 1 if patterns is None else 2
    shown = [caption for row in captions for caption in row if caption is not None]
    if patterns is not None:
        limits = np.abs(patterns).reshape(units, count, -1).max(axis=2)
        shown += [f"±{short(limit)}" for limit in limits.reshape(-1).tolist()]
    sheet = Sheet(
        step * units, count, title=title, subtitle=legend(subtitle, appearance), cell=(0.95, 0.95),
        axis_names=appearance.axis_names, text=cell_width(shown, least=0.3, most=1.0),
        caption=0.2 if patterns is None else 0.36, gap=(0.1, 0.05), labels=label_width(names, least=0.6),
        bars=0 if patterns is None else 1, pairs=patterns is not None, wraps=True,
    )  # fmt: skip
    for unit in range(units):
        sheet.row_label(step * unit, names[unit])
        for index in range(count):
            caption = captions[unit][index]
            if caption is None:
                continue
            if patterns is not None:
                pattern = patterns[unit, index]
                limit = float(limits[unit, index])
                caption += f"\n±{short(limit)}"
            picture = drawn(images[unit, index], appearance, moves[unit][index] if moves else UNMARKED)
            x, y, wide, tall = sheet.picture(step * unit, index, picture, caption=caption)
            if boxes is not None:
                top, left, bottom, right = turned_box(boxes[unit, index], (height, width), appearance)
                sheet.box(
                    x + left / width * wide, y + top / height * tall,
                    (right - left) / width * wide, (bottom - top) / height * tall, color=MARK,
                )  # fmt: skip
            if patterns is not None:
                pattern = turned(pattern / (limit or 1.0), appearance)
                if colored:
                    sheet.picture(step * unit + 1, index, 0.5 + 0.5 * pattern)
                else:
                    sheet.values(step * unit + 1, index, pattern, ColorScale(-1, 1, colormap=SIGNED))
    if patterns is not None:
        label = "projection ÷ its largest magnitude, the number after ±"
        if colored:
            label += " (same scale for red, green and blue)"
        sheet.colorbar(ColorScale(-1, 1, label, GREYS if colored else SIGNED), columns=count)
    return sheet.figure
