"""The last hidden layer in two dimensions: which images does the network represent alike?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from cnnlab.errors import OptionError, UserError
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import WholeNumber
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique

if TYPE_CHECKING:
    import numpy as np

FEWEST = 4
"""With fewer images nobody has neighbours."""

MEASURED = 2000
"""Images on which t-SNE's plane is held against the layer: all pairs of them are compared."""


class Embedding(Technique):
    """Project the activations of a layer to a plane, a point for each test image."""

    name = "embedding"
    summary = (
        "Project the last hidden layer to two dimensions: which images does the network represent alike?"
    )
    examples = ("cnn", "cnn --layer flatten_1 --images 10000", "cnn --method tsne")
    description = (
        "Two principal components (pca) explain only part of the variance; the axes say how much. t-SNE "
        "(tsne) keeps neighbors together; the distances between its clusters mean nothing."
    )
    papers = ("van der Maaten & Hinton 2008 (t-SNE)",)

    layer: str | None = Field(None, description="By default the last hidden layer.")
    images: WholeNumber = Field(2000, ge=FEWEST, description="Number of test images.")
    method: Literal["pca", "tsne"] = Field("pca", description="Two principal components, or t-SNE.")
    perplexity: float | None = Field(
        None,
        ge=1,
        description="Of t-SNE: about how many neighbors count; by default 30, or as many as there can be.",
    )
    seed: WholeNumber | None = Field(
        None, ge=0, le=2**32 - 1, description="Of t-SNE: seed of the random numbers; by default 0."
    )

    @model_validator(mode="after")
    def _chance_is_t_snes(self) -> Embedding:
        if self.method == "pca":
            self.reject_unused("perplexity", "seed", reason="with method pca")
        return self

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        from cnnlab.analyses.embedding import activations, last_hidden_layer

        layer = self.layer or last_hidden_layer(model)
        test = subject.data.test
        rows = activations(model, subject.to_inputs(test.images[: self.images]), layer=layer)
        if rows.shape[1] < 2:
            raise UserError(f"{layer} has one unit, which makes no plane; choose another layer")
        if len(rows) < FEWEST:
            raise UserError(f"{subject.name}: expected {FEWEST} test images or more, found {len(rows)}")
        look = self._neighbours if self.method == "tsne" else self._components
        return look(subject, layer, rows, test.labels[: self.images])

    def _neighbours(self, subject: Subject, layer: str, rows: np.ndarray, labels: np.ndarray) -> Explanation:
        from cnnlab.analyses.embedding import highest_perplexity, neighbourhoods, trustworthiness
        from cnnlab.pictures.drawings.sets import embedding_plane

        most = highest_perplexity(len(rows))
        if self.perplexity is not None and self.perplexity > most:
            raise OptionError(
                "perplexity",
                f"expected {most:g} or less for {len(rows)} images, found {self.perplexity:g}",
            )
        perplexity, seed = self.perplexity or min(30.0, most), self.seed or 0
        coordinates = neighbourhoods(rows, perplexity=perplexity, seed=seed)
        measured = min(len(rows), MEASURED)
        kept = trustworthiness(rows[:measured], coordinates[:measured])
        trust = f"trustworthiness {kept:.3f}" + (
            f" on the first {measured:,}" if measured < len(rows) else ""
        )
        taken = {"layer": layer, "perplexity": perplexity, "seed": seed}
        return Explanation(
            self, subject.explained,
            sentence=f"{_which(rows, layer, subject)}, by t-SNE: {trust} (1: all neighbors in the plane are "
            "neighbors in the layer)",
            figures={
                "embedding": lambda: embedding_plane(
                    coordinates, labels, subject.class_names, title=_title(layer, subject),
                    subtitle=f"{len(rows):,} test images, {rows.shape[1]} units, by t-SNE (perplexity "
                    f"{perplexity:g}, {trust}). Neighbors are meaningful, distances between clusters are "
                    "not.",
                )
            },
            arrays={"coordinates": coordinates, "labels": labels},
            facts={**self._facts(rows), **taken, "trustworthiness": kept, "measured_on": measured},
            taken=taken,
            variant="tsne",
        )  # fmt: skip

    def _components(self, subject: Subject, layer: str, rows: np.ndarray, labels: np.ndarray) -> Explanation:
        from cnnlab.analyses.embedding import principal_components
        from cnnlab.pictures.drawings.sets import embedding_plane

        found = principal_components(rows)
        both = f"{found.explained.sum():.0%}"
        first, second = (f"{each:.0%}" for each in found.explained)
        return Explanation(
            self, subject.explained,
            sentence=f"{_which(rows, layer, subject)}: the first two principal components of "
            f"{rows.shape[1]} units explain {both} of the variance",
            figures={
                "embedding": lambda: embedding_plane(
                    found.coordinates, labels, subject.class_names, title=_title(layer, subject),
                    axis_names=(f"first component, {first} of the variance", f"second component, {second}"),
                    subtitle=f"{len(rows):,} test images, {rows.shape[1]} units; the first two principal "
                    f"components explain {both} of the variance",
                )
            },
            arrays={**found._asdict(), "labels": labels},
            facts={**self._facts(rows), "layer": layer, "explained": found.explained.tolist()},
            taken={"layer": layer},
        )  # fmt: skip

    def _facts(self, rows: np.ndarray) -> dict[str, Any]:
        return {"images": len(rows), "units": rows.shape[1], "method": self.method}


def _which(rows: np.ndarray, layer: str, subject: Subject) -> str:
    return f"{len(rows):,} test images in {layer} of {subject.name}"


def _title(layer: str, subject: Subject) -> str:
    return f"{layer} in two dimensions: {subject.name}"
