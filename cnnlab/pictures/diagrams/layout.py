"""Elements → pieces placed in inches: chains from left to right, branches one above the other."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.layers.base import times
from cnnlab.pictures.diagrams.elements import Chain, Element, Fork, MergePoint, Repetition, Volume
from cnnlab.pictures.diagrams.shapes import SIZE, Circle, Line, Piece, Point, Polygon, Shape, Text, text_width
from cnnlab.pictures.diagrams.solids import DrawingScale, Solid, cone
from cnnlab.pictures.kit.palette import FAINT, GREY, INK, LIGHT, PAPER

GAP = 0.20  # inches between two pieces of a chain
APART = 0.22  # between two branches
LINE = 0.15  # from one line of text to the next
NOTE_LENGTH = 20  # letters of a line of small print
PADDING = 0.16


def chain_piece(chain: Chain, scale: DrawingScale) -> Piece:
    """Everything of a chain in one row."""
    pieces = [_piece(element, scale) for element in chain.elements]
    if not pieces:
        return Piece((), 0.0, 0.0, 0.0, 0.0, 0.0)
    drop = _drop(chain.elements, scale)
    labelled = [
        _labelled(element, piece, drop) for element, piece in zip(chain.elements, pieces, strict=True)
    ]
    shapes: list[Shape] = []
    x, leave, positions = 0.0, 0.0, []
    for index, piece in enumerate(labelled):
        shapes += piece.moved(x)
        positions.append(x)
        if index:
            shapes += _link(
                chain.elements[index - 1], chain.elements[index], (leave, 0.0), (x + piece.enter, 0.0),
                positions[index - 1] + labelled[index - 1].enter, scale,
            )  # fmt: skip
        leave = x + piece.leave
        x += piece.width + GAP
    return Piece(
        tuple(shapes),
        x - GAP,
        max(piece.above for piece in labelled),
        max(piece.below for piece in labelled),
        labelled[0].enter,
        leave,
    )


def rows(chain: Chain, scale: DrawingScale, widest: float) -> list[Piece]:
    """A chain broken into rows that are no wider than `widest`, unless one element alone is."""
    broken: list[list[Element]] = [[]]
    for element in chain.elements:
        if broken[-1] and chain_piece(Chain((*broken[-1], element)), scale).width > widest:
            broken.append([])
        broken[-1].append(element)
    return [chain_piece(Chain(tuple(elements)), scale) for elements in broken]


def _piece(element: Element, scale: DrawingScale) -> Piece:
    """A element without the text below it."""
    if isinstance(element, Volume):
        solid = Solid(element, scale)
        return Piece(solid.shapes(), solid.width, solid.height / 2, solid.height / 2, 0.0, solid.width)
    if isinstance(element, MergePoint):
        return _merge_point(element)
    return _fork(element, scale) if isinstance(element, Fork) else _repetition(element, scale)


def _merge_point(merge_point: MergePoint) -> Piece:
    if not merge_point.symbol:
        return Piece((Line(((0.0, 0.0), (0.1, 0.0)), GREY),), 0.1, 0.05, 0.05, 0.0, 0.1)
    radius = 0.11 if len(merge_point.symbol) == 1 else 0.2
    shapes: tuple[Shape, ...] = (
        Circle((radius, 0.0), radius, PAPER, INK),
        Text(
            (radius, 0.085 if len(merge_point.symbol) == 1 else 0.06),
            merge_point.symbol,
            10 if len(merge_point.symbol) == 1 else 7,
        ),
    )
    return Piece(shapes, 2 * radius, radius, radius, 0.0, 2 * radius)


def _fork(fork: Fork, scale: DrawingScale) -> Piece:
    """Branches one above the other between the point where they part and the one where they meet.

    A residual block keeps its layers in the middle and leads the shortcut over them.
    """
    branches = [chain_piece(branch, scale) for branch in fork.branches]
    inner = (
        max([piece.width for piece in branches] + [text_width(label, SIZE) for label in fork.labels]) + 0.1
    )
    heights = _heights(fork, branches)
    left, start = PADDING, PADDING + 0.22
    right = start + inner + 0.22
    shapes: list[Shape] = []
    for piece, height, label in zip(branches, heights, fork.labels, strict=True):
        begin = start + (inner - piece.width) / 2
        shapes += piece.moved(begin, height)
        into, out = begin + piece.enter, begin + piece.leave
        corner: tuple[Point, ...] = ((left + 0.1, 0.0), (left + 0.1, height)) if height else ()
        if not piece.shapes:  # the input unchanged
            path = ((left, 0.0), *corner, (right - 0.1, height))
            shapes.append(Line((*path, (right - 0.1, 0.0), (right, 0.0)) if height else path, GREY))
            shapes.append(Text((start + inner / 2, height + 0.15), label, SIZE, GREY))
            continue
        shapes.append(Line(((left, 0.0), *corner, (into, height)), GREY, arrow=True))
        end: tuple[Point, ...] = ((right - 0.1, height), (right - 0.1, 0.0)) if height else ()
        shapes.append(Line(((out, height), *end, (right, 0.0)), GREY))
    end_piece = _labelled(fork.end, _piece(fork.end, scale), _drop((fork.end,), scale))
    at = right - min(end_piece.enter, 0.02)  # its text stays clear of the lines that come together
    shapes += end_piece.moved(at)
    shapes.append(Line(((right, 0.0), (at + end_piece.enter, 0.0)), GREY, arrow=True))
    width = at + end_piece.width + PADDING
    above = max(height + max(piece.above, 0.18) for piece, height in zip(branches, heights, strict=True))
    above = max(above, end_piece.above) + 0.10 + LINE + 0.06
    below = max(-height + max(piece.below, 0.05) for piece, height in zip(branches, heights, strict=True))
    below = max(below, end_piece.below) + 0.10
    leave = at + end_piece.leave
    frame = _frame(0.0, width, above, below, LIGHT["card"], FAINT, dashed=False)
    title = fork.name.rpartition("/")[2] + (f"   {fork.params:,} parameters" if fork.params else "")
    name = Text((0.08, above - 0.05), title, SIZE, GREY, align="left")
    lead = Line(((leave, 0.0), (width, 0.0)), GREY)
    arrive = Line(((0.0, 0.0), (left, 0.0)), GREY)
    return Piece((frame, name, arrive, lead, *shapes), width, above, below, 0.0, width)


def _heights(fork: Fork, branches: Sequence[Piece]) -> list[float]:
    """The middle of each branch; the first on top, or, in a residual block, at 0 under its shortcut."""
    if fork.is_residual:
        main, side = branches
        return [0.0, main.above + max(side.below, 0.02) + APART]
    total = sum(piece.above + piece.below for piece in branches) + APART * (len(branches) - 1)
    heights, top = [], total / 2
    for piece in branches:
        heights.append(top - piece.above)
        top -= piece.above + piece.below + APART
    nearest = min(heights, key=abs)  # one of them runs straight on
    return [height - nearest if abs(nearest) < 0.3 else height for height in heights]


def _repetition(repetition: Repetition, scale: DrawingScale) -> Piece:
    """The chain in a dashed frame, with how often it is passed."""
    inner = chain_piece(repetition.chain, scale)
    header = f"{repetition.times}× "
    note = f"{repetition.params:,} parameters in total" if repetition.params else ""
    width = max(
        inner.width + 2 * PADDING,
        text_width(header, 11, bold=True) + text_width(note, SIZE) + 0.3,
        text_width(repetition.growth, SIZE) + 0.3,
    )
    begin = (width - inner.width) / 2
    grows = LINE if repetition.growth else 0.0
    above, below = inner.above + 0.34 + grows, inner.below + 0.10
    shapes: tuple[Shape, ...] = (
        _frame(0.0, width, above, below, PAPER, GREY, dashed=True),
        Text((0.10, above - 0.06), header, 11, INK, bold=True, align="left"),
        Text((width - 0.1, above - 0.09), note, SIZE, GREY, align="right"),
        *(
            [Text((width - 0.1, above - 0.09 - LINE), repetition.growth, SIZE, INK, align="right")]
            if grows
            else ()
        ),
        Line(((0.0, 0.0), (begin + inner.enter, 0.0)), GREY),
        Line(((begin + inner.leave, 0.0), (width, 0.0)), GREY),
    )
    return Piece((*shapes, *inner.moved(begin)), width, above, below, 0.0, width)


def _frame(
    left: float, right: float, above: float, below: float, fill: str, edge: str, *, dashed: bool
) -> Polygon:
    corners = ((left, -below), (right, -below), (right, above), (left, above))
    return Polygon(corners, fill, edge, 0.9, dashed=dashed, level=0)


def _drop(elements: Sequence[Element], scale: DrawingScale) -> float:
    """How far below the middle the text of a row begins: under its tallest solid."""
    heights = [Solid(element, scale).height / 2 for element in elements if isinstance(element, Volume)]
    return max([*heights, 0.13]) + 0.08


def _labelled(element: Element, piece: Piece, drop: float) -> Piece:
    """With type, shape and parameters below; wide enough for them."""
    lines = _lines(element)
    if not lines:
        return piece
    width = max([piece.width] + [text_width(text.text, text.size, bold=text.bold) for text in lines])
    aside = (width - piece.width) / 2
    texts = [text.moved(width / 2, -drop - LINE * number) for number, text in enumerate(lines)]
    return Piece(
        (*piece.moved(aside), *texts),
        width,
        piece.above,
        max(piece.below, drop + LINE * len(lines)),
        aside + piece.enter,
        aside + piece.leave,
    )


def _lines(element: Element) -> list[Text]:
    """The text below a element, each line at the origin."""
    at = (0.0, 0.0)
    if isinstance(element, MergePoint):
        return [Text(at, line, SIZE, GREY) for line in _wrapped(element.notes)]
    if not isinstance(element, Volume):
        return []
    lines = [Text(at, f"after {line}" if not number else line, SIZE, GREY)
             for number, line in enumerate(_wrapped(element.notes_before))]  # fmt: skip
    lines.append(Text(at, element.title, SIZE, INK, bold=True))
    lines.append(Text(at, times(element.written or element.shape), SIZE, INK))
    if element.params:
        lines.append(Text(at, f"{element.params:,}", SIZE, LIGHT["error"]))
    return lines + [Text(at, line, SIZE, GREY) for line in _wrapped(element.notes)]


def _wrapped(words: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= NOTE_LENGTH:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines


def _link(
    before: Element, after: Element, start: Point, end: Point, left: float, scale: DrawingScale
) -> tuple[Shape, ...]:
    """What leads from one piece of a row to the next: a kernel's view, all to all, or an arrow."""
    if isinstance(before, Volume) and isinstance(after, Volume):
        solid, next_solid = Solid(before, scale), Solid(after, scale)
        if after.kernel and solid.is_image and next_solid.is_image:
            window, corners = solid.kernel(after.kernel)
            tip_x, tip_y = next_solid.at(0, 0.55, 0)
            tip = (tip_x + end[0], tip_y)
            moved = tuple(shape.moved(left, 0.0) for shape in window)
            return (*moved, *cone([(x + left, y) for x, y in corners], tip))
        if after.kind == "dense" and not solid.is_image:
            tops = (solid.height / 2, -solid.height / 2)
            next_tops = (next_solid.height / 2, -next_solid.height / 2)
            right = left + solid.width
            return tuple(
                Line(((right, one), (end[0], other)), GREY, 0.6, alpha=0.8)
                for one in tops
                for other in next_tops
            )
    return (Line((start, end), GREY, arrow=True),)
