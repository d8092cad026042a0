"""X or O, as lectures have it: patches by hand, stacked twice, and a vote, beside comparing pixels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Seed, WholeNumber
from cnnlab.explanations.technique import Technique
from cnnlab.explanations.untrained import Untrained
from cnnlab.wording import TEXT_COLUMNS

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from cnnlab.analyses.letters import LetterNetwork, Stages, Told
    from cnnlab.pictures.drawings.letters import PatchOfMaps

_SHOWN = 5
"""Figures of each kind in the picture."""

_OPENING = "X or O? Nothing is trained here: all that is known is three patches, and one X and one O."

_SHIFTED = (
    "Pooling makes up for a shift of one pixel: both votes tell all letters that are shifted by one, and "
    "equal pixels do not. It does not make up for two, which also cut strokes off at the edge."
)

_DISTORTED = (
    "One layer tells all smaller and all thicker letters. Two layers miss many of these: the patches of the "
    "second are cut out of letters of one size and one thickness. Two layers tell more of the turned letters "
    "than one, but not all. Where all four distortions come together, both do worse than equal pixels."
)

_ENOUGH = 500
"""With so many figures of each kind, this holds for every seed that was tried; with few, chance decides."""

_LEARNED = "Which patches to look for is what a network learns:"


class XO(Technique):
    """Tell X from O by three patches, with every number; how often that works, beside comparing pixels."""

    name = "xo"
    summary = "Tell X from O by hand: patches, pooling, ReLU, stacked twice, and a vote."
    examples = ("", "--letter O", "--figures 5000 --seed 1 --json")
    description = (
        "Nothing is trained: the patches of the first layer are given; those of the second and the weights "
        "of the vote are taken from one X and one O as they are. A table shows which distortions this "
        "network tolerates, beside comparing pixels."
    )
    papers = ("Rohrer 2016",)
    takes_network = "never"

    letter: Literal["X", "O"] = Field("X", description="The letter of the worked example.")
    figures: WholeNumber = Field(
        1000, ge=1, le=20_000, description="Figures of each kind that is distorted at random."
    )
    seed: Seed = 0

    def explain_untrained(self, untrained: Untrained) -> Explanation:
        from cnnlab.analyses.letters import LETTERS, METHODS, LetterNetwork, as_they_are, told_letters

        network = LetterNetwork.of_letters()
        figure = as_they_are()[[LETTERS.index(self.letter)]]
        first, second = network.stages(figure)
        scores = [dict(zip(LETTERS, each[0].tolist(), strict=True)) for each in network.scores(figure)]
        example = Example(self.letter, network, figure[0, ..., 0], (first, second), scores)
        told = told_letters(network, self.figures, seed=self.seed)
        seen = [_SHIFTED, _DISTORTED] if self.figures >= _ENOUGH else [_SHIFTED]
        conclusion = textwrap.fill(" ".join([*seen, _LEARNED]), TEXT_COLUMNS)
        return Explanation(
            self, untrained.explained,
            sentence=f"An {self.letter} by patches and a vote: {example.scored()}; {len(METHODS)} ways to "
            f"tell letters, on {len(told)} kinds of figures",
            text="\n\n".join([in_words(example), as_table(told), conclusion, "   cnnlab train xo_cnn"]),
            figures={
                "xo": lambda: draw_one_patch(example),
                "first-layer": lambda: draw_first_layer(example),
                "one-patch-of-the-second-layer": lambda: draw_one_patch_of_maps(example),
                "second-layer": lambda: draw_second_layer(example),
                "figures": lambda: draw_figures(told),
            },
            arrays=example.arrays(),
            facts={
                **example.facts(),
                "accuracy": [
                    {"kind": each.kind, "figures": len(each.labels), **each.accuracies} for each in told
                ],
            },
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Example:
    """One letter on its way through the network.

    figure: (9, 9) of ±1. stages: of both layers, of one image. scores: by letter, of the vote on each layer.
    """

    letter: str
    network: LetterNetwork
    figure: np.ndarray
    stages: tuple[Stages, Stages]
    scores: Sequence[Mapping[str, float]]

    def scored(self) -> str:
        """The scores of the vote on the second layer: X: 0.087, O: 0.033"""
        return ", ".join(f"{letter}: {score:.3f}" for letter, score in self.scores[1].items())

    def arrays(self) -> dict[str, np.ndarray]:
        """Figure, patches, maps and weights in full precision."""
        found = {"figure": self.figure}
        for layer, stages, patches, vote in self._layers():
            found |= {f"{layer}_{step}": each for step, each in self._steps(stages).items()}
            found |= {f"{layer}_patches": patches, f"{layer}_vote": vote}
        return found

    def facts(self) -> dict[str, Any]:
        """The same for JSON: lists with an item for each patch, and the scores."""
        import numpy as np

        layers = {
            f"{layer}_layer": {
                "patches": np.moveaxis(patches, -1, 1).tolist(),
                **{step: np.moveaxis(each, -1, 0).tolist() for step, each in self._steps(stages).items()},
                "vote": {"weights": dict(zip("XO", vote.T.tolist(), strict=True)), "scores": dict(scores)},
            }
            for (layer, stages, patches, vote), scores in zip(self._layers(), self.scores, strict=True)
        }
        return {"figure": self.figure.tolist(), **layers}

    def _layers(self) -> list[tuple[str, Stages, np.ndarray, np.ndarray]]:
        votes = [vote.weights for vote in self.network.votes]
        return list(zip(("first", "second"), self.stages, self.network.patches, votes, strict=True))

    @staticmethod
    def _steps(stages: Stages) -> dict[str, np.ndarray]:
        return {
            "mean_of_products": stages.matches[0],
            "max_pooling": stages.pooled[0],
            "relu": stages.rectified[0],
        }


def in_words(example: Example) -> str:
    """The steps, with the numbers of this letter."""
    from cnnlab.analyses.letters import PATCHES
    from cnnlab.pictures.drawings.letters import mean_in_words
    from cnnlab.pictures.kit.formats import written

    products = example.figure[:3, :3] * PATCHES["diagonal"]
    best, scores = float(example.stages[0].matches[0, ..., 0].max()), example.scores[1]
    matching, winner = int((products == 1).sum()), max(scores, key=lambda letter: scores[letter])
    steps = (
        "A figure has 9×9 pixels: 1 on the strokes, −1 beside them. A literal comparison says X only if all "
        "81 pixels are those of the X; a milder one asks with which letter more pixels agree.",
        "A network compares pieces. At each of 7×7 places it multiplies a 3×3 patch by the pixels under it "
        f"and takes the mean: 1 is a full match, −1 its opposite. In the top left corner of this "
        f"{example.letter}, {matching} of 9 pixels match the diagonal patch, so the mean is "
        f"{mean_in_words(products)}. The best match of this patch anywhere is {written(best)}.",
        "Max pooling keeps the best match of each 2×2, with zeros beyond the odd edge: 7×7 → 4×4. Where "
        "exactly the patch matched no longer counts. ReLU replaces negative values by 0.",
        "A second layer does the same with the three maps of the first: 4×4 → 2×2 → 1×1. Its eight patches, "
        "3×3×3, are cut out of the maps of the X and the O as they are, less their mean.",
        "The vote is a fully connected layer. Each of the eight values counts for the letter that has more "
        f"of it, weighted by the difference. {example.scored()}. So it is an {winner}.",
    )
    lines = [
        textwrap.fill(step, TEXT_COLUMNS, initial_indent=f"{number}. ", subsequent_indent="   ")
        for number, step in enumerate(steps, start=1)
    ]
    return "\n".join([textwrap.fill(_OPENING, TEXT_COLUMNS), "", *lines])


def as_table(told: Sequence[Told]) -> str:
    """How many figures of each kind each method tells."""
    from cnnlab.pictures.kit.formats import percent
    from cnnlab.summary_tables.text import text_table

    rows = [
        [each.kind, f"{len(each.labels):,}", *(percent(share) for share in each.accuracies.values())]
        for each in told
    ]
    return text_table(["Letters", "Figures", *_heads()], rows)


def _heads() -> list[str]:
    return ["Identical\npixels", "Most equal\npixels", "One\nlayer", "Two\nlayers"]


def draw_one_patch(example: Example) -> Figure:
    """The picture of one product by hand, and of what the first patch finds everywhere."""
    from cnnlab.analyses.letters import PATCHES
    from cnnlab.pictures.drawings.letters import one_patch

    first = example.stages[0]
    name, patch = next(iter(PATCHES.items()))
    return one_patch(
        example.figure, patch, first.matches[0, ..., 0], first.rectified[0, ..., 0],
        title=f"The {name} patch on an {example.letter}",
        subtitle="The mean of nine products: 1 is a full match, −1 its opposite. Pooling keeps the best of "
        "each 2×2, with zeros beyond the odd edge.",
    )  # fmt: skip


def draw_first_layer(example: Example) -> Figure:
    """The picture of all patches of the first layer."""
    from cnnlab.analyses.letters import PATCHES
    from cnnlab.pictures.drawings.letters import first_layer

    first = example.stages[0]
    return first_layer(
        list(PATCHES.items()), first.matches[0], first.rectified[0],
        title=f"Three patches on an {example.letter}: the first layer",
        subtitle="Of each patch: the mean of its nine products at 7×7 places, and the best of each 2×2.",
    )  # fmt: skip


def patches_of_maps(example: Example) -> list[PatchOfMaps]:
    """The second layer's patches, and what they find."""
    from cnnlab.analyses.letters import LETTERS
    from cnnlab.pictures.drawings.letters import PatchOfMaps

    second = example.stages[1]
    places = ("top left", "top right", "bottom left", "bottom right")
    names = [f"{letter}, {place}" for letter in LETTERS for place in places]
    return [
        PatchOfMaps(
            name, example.network.patches[1][index], second.matches[0, ..., index],
            float(second.rectified[0, 0, 0, index]),
        )
        for index, name in enumerate(names)
    ]  # fmt: skip


def draw_one_patch_of_maps(example: Example) -> Figure:
    """The picture of the second layer's strongest patch."""
    from cnnlab.analyses.letters import PATCHES
    from cnnlab.pictures.drawings.letters import one_patch_of_maps

    strongest = max(patches_of_maps(example), key=lambda each: each.value)
    rectified = example.stages[0].rectified[0]
    return one_patch_of_maps(
        strongest, [(name, rectified[..., index]) for index, name in enumerate(PATCHES)],
        title=f"A patch of the second layer on an {example.letter}: {strongest.name}",
        subtitle="The patch is a 3×3 piece of three maps, less its mean. It is compared at four places by "
        "the mean of 27 products.",
    )  # fmt: skip


def draw_second_layer(example: Example) -> Figure:
    """The picture of the second layer and its vote."""
    from cnnlab.analyses.letters import PATCHES
    from cnnlab.pictures.drawings.letters import second_layer

    return second_layer(
        patches_of_maps(example), list(PATCHES), example.network.votes[1].weights,
        list(example.scores[1].items()),
        title=f"The second layer on an {example.letter}, and its vote",
        subtitle="Each patch is cut out of the three maps of the X or the O, less its mean; its value is the "
        "largest of four matches, after ReLU. A vote is value times weight; the score is the sum of "
        "the votes.",
    )  # fmt: skip


def draw_figures(told: Sequence[Told]) -> Figure:
    """The picture of distorted figures and of who tells them."""
    import numpy as np

    from cnnlab.analyses.letters import METHODS
    from cnnlab.pictures.drawings.letters import FigureRow, told_figures

    rows = [
        FigureRow(
            f"{each.kind}\n{len(each.labels):,} figures", each.images[some, ..., 0],
            np.stack([each.right(method)[some] for method in METHODS], axis=1),
            list(each.accuracies.values()),
        )
        for each in told
        for some in [_some(len(each.labels))]
    ]  # fmt: skip
    return told_figures(
        rows, [head.lower() for head in _heads()], title="X or O: four ways to tell",
        subtitle="The share of letters that are told; undecided is wrong. The marks below a figure stand for "
        "the four columns: dark where the letter is told, pale where not. All four know only the X and the O "
        "of the first row.",
    )  # fmt: skip


def _some(count: int) -> slice:
    """Which of so many figures are shown: from all over, and of both letters where these take turns."""
    step = max((count // _SHOWN - 1) | 1, 1)
    return slice(0, step * _SHOWN, step)
