"""Two configs, a DNN and a CNN → the experiments between and around them, one change each."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from cnnlab.comparison.advantages import listed
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.from_python import read_experiment
from cnnlab.datasets import DatasetConfig
from cnnlab.errors import OptionError, ShapeError, UserError, suggestion
from cnnlab.ladder import ingredients, rules
from cnnlab.ladder.changes import Change, changes_between
from cnnlab.ladder.ingredients import DoesNotApply
from cnnlab.language.fields import as_written
from cnnlab.layers.base import Layer
from cnnlab.layers.serialization import write_layer
from cnnlab.studies.matching import match_arithmetic

MOST_PARAMETERS = 10_000_000
"""A rung with more than these, and more than both networks, is trained only where it is named."""

PERMUTATION_SEED = 0
"""One permutation for all: what is compared then differs in the network alone."""

Kind = Literal["waterfall", "ablation", "control"]

WATERFALL = ("dnn", "dnn_recipe", "dense_equivalent", "locally_connected", "cnn")
"""The rungs from the one network to the other, in their order."""

CHOICES_OF_INPUT = ("dataset.scale", "dataset.standardize", "dataset.data_format")
"""What a network does with the same images; all other settings of the data must be equal."""


@dataclass(frozen=True)
class Rung:
    """One experiment of a ladder."""

    id: str
    """What --rungs calls it: cnn_strided."""

    config: ExperimentConfig
    parent: str | None
    """The rung that it differs from by one change; of the waterfall the one before it."""

    kind: Kind
    ingredient: str
    """What the change adds or removes, as a sentence names it."""

    changes: tuple[Change, ...] = ()

    @property
    def control(self) -> Literal["permuted"] | None:
        return "permuted" if self.kind == "control" else None


@dataclass(frozen=True)
class Ladder:
    """All rungs that are to be trained, parents before what hangs off them."""

    dnn: ExperimentConfig
    cnn: ExperimentConfig
    rungs: tuple[Rung, ...]
    left_out: dict[str, str]
    """Rungs that do not apply, or are too large: why."""

    ingredients: Mapping[str, tuple[str, ...]]
    """By rung of the waterfall, there or not, what the step to it from the one before it adds."""

    def among(self, ids: Container[str]) -> tuple[Rung, ...]:
        """Those of some rungs, each of the waterfall hanging off the last one before it that is there."""
        return tuple(_joined([rung for rung in self.rungs if rung.id in ids], self.ingredients))

    @property
    def dataset(self) -> DatasetConfig:
        """What all of them train on, but for the order of the pixels."""
        if self.cnn.dataset is None:
            raise ValueError("a ladder without data")
        return self.cnn.dataset

    @property
    def by_id(self) -> dict[str, Rung]:
        return {rung.id: rung for rung in self.rungs}


def derive(dnn: ExperimentConfig, cnn: ExperimentConfig, *, wanted: Sequence[str] | None = None) -> Ladder:
    """The rungs between two networks.

    Args:
        wanted: their ids; parents are added. By default all that apply and are not too large.

    Raises:
        UserError: the two are no DNN and CNN on the same data, or a wanted rung does not exist or apply.
    """
    _check(dnn, cnn)
    derived = _Derivation(dnn, cnn, frozenset(_with_what_they_derive_from(wanted or ())))
    derived.run()
    known = {*derived.rungs, *derived.left_out}
    for name in wanted or ():
        if name in derived.left_out:
            raise OptionError("rungs", f"{name} does not apply: {derived.left_out[name]}")
        if name not in known:
            raise OptionError("rungs", f"unknown rung {name!r}; {suggestion(name, sorted(known))}")
    kept = derived.rungs if wanted is None else _with_parents(derived.rungs, wanted)
    left_out = {key: reason for key, reason in derived.left_out.items() if wanted is None}
    rungs = tuple(_joined(list(kept.values()), derived.ingredients))
    return Ladder(dnn, cnn, rungs, left_out, derived.ingredients)


def _with_what_they_derive_from(ids: Iterable[str]) -> Iterator[str]:
    """The ids of rungs, and of those that must be there first, told by the names."""
    for each in ids:
        plain = each.removesuffix("_permuted")
        yield from (each, plain)
        if plain.startswith("locally_connected_"):
            yield "locally_connected"


def _check(dnn: ExperimentConfig, cnn: ExperimentConfig) -> None:
    for config in (dnn, cnn):
        if config.dataset is None:
            raise UserError(f"{config.name}: this config has no dataset, so nothing can be trained on it")
        if config.model.keras is not None:
            raise UserError(
                f"{config.name}: its network is a Keras model, whose layers cannot be exchanged; "
                "write them in model.layers"
            )
    if dnn.runtime.backend != cnn.runtime.backend:
        raise UserError(
            f"expected one backend, found {dnn.runtime.backend} for {dnn.name} and {cnn.runtime.backend} for "
            f"{cnn.name}; choose one with --backend"
        )
    if dnn.name == cnn.name:
        raise UserError(f"expected experiments of different names, found {dnn.name} twice")
    if rules.is_convolutional(dnn):
        raise UserError(f"{dnn.name}: expected a network without convolutions first, found one with them")
    if not rules.is_convolutional(cnn):
        raise UserError(f"{cnn.name}: expected a network with convolutions second, found none in it")
    _check_data(dnn, cnn)


def _check_data(dnn: ExperimentConfig, cnn: ExperimentConfig) -> None:
    titles = [config.dataset.full_title for config in (dnn, cnn) if config.dataset]
    if titles[0] != titles[1]:
        raise UserError(
            f"expected the same data, found {titles[0]} for {dnn.name} and {titles[1]} for {cnn.name}"
        )
    differing = [
        f"{each.key} ({as_written(each.before)} and {as_written(each.after)})"
        for each in changes_between(dnn, cnn)
        if each.key.startswith("dataset") and each.key not in CHOICES_OF_INPUT
    ]
    if differing:
        raise UserError(
            f"{dnn.name} and {cnn.name}: expected the same data, found different {', '.join(differing)}"
        )


class _Derivation:
    """Rungs as they are found, and why others are not."""

    def __init__(self, dnn: ExperimentConfig, cnn: ExperimentConfig, wanted: frozenset[str]) -> None:
        self.dnn, self.cnn, self.wanted = dnn, cnn, wanted
        self.rungs: dict[str, Rung] = {}
        self.left_out: dict[str, str] = {}
        self.ingredients = {
            "dnn": (),
            "dnn_recipe": ingredients.recipe_differences(dnn, cnn),
            "dense_equivalent": ("layer sizes", *ingredients.architecture_differences(dnn, cnn)),
            "locally_connected": ("locality",),
            "cnn": ("weight sharing",),
        }
        self._largest = max(MOST_PARAMETERS, dnn.architecture.total_params, cnn.architecture.total_params)

    def run(self) -> None:
        dnn, cnn = self.dnn, self.cnn
        self._keep(Rung("dnn", dnn, None, "waterfall", ""))
        self._waterfall("dnn_recipe", f"{dnn.name}_recipe", self._recipe)
        self._waterfall(
            "dense_equivalent", f"{cnn.name}_dense_equivalent",
            lambda: self._of_cnn(rules.dense_equivalent(cnn)),
        )  # fmt: skip
        self._waterfall(
            "locally_connected", f"{cnn.name}_locally_connected",
            lambda: self._of_cnn(rules.locally_connected(cnn)),
        )  # fmt: skip
        self._keep(Rung("cnn", cnn, None, "waterfall", ""))
        self._ablations()
        self._controls()

    def _recipe(self) -> dict[str, Any]:
        """The DNN with all of the CNN's settings but its hidden layers."""
        data = self._of_cnn(ingredients.with_recipe_of(self.dnn, self.cnn))
        if self._built(f"{self.dnn.name}_recipe", data).digest == self.dnn.digest:
            raise DoesNotApply(f"input, loss and training of {self.dnn.name} are those of {self.cnn.name}")
        return data

    def _ablations(self) -> None:
        cnn = self.cnn
        first = "first value of each pooling window"
        self._ablation("cnn_strided", "cnn", first, rules.strided)
        self._ablation("locally_connected_strided", "locally_connected", first, rules.strided)
        self._ablation("cnn_average", "cnn", "average instead of max pooling", rules.averaged)
        self._ablation("cnn_activation", "cnn", "ReLU after each convolution", rules.activated)
        self._ablation("cnn_linear", "cnn", "convolutions without activations", rules.linear)
        for name, what in rules.removable(cnn).items():
            self._ablation(
                f"cnn_without_{name}", "cnn", f"without {name}" + (f" ({what})" if what not in name else ""),
                partial(rules.without, name=name),
            )  # fmt: skip
        base = self.rungs.get("dnn_recipe", self.rungs["dnn"])
        try:
            matched = match_arithmetic(base.config, cnn, "parameters").config
        except UserError as error:
            self.left_out["dnn_matched"] = str(error).removeprefix("--match: ")
        else:
            self._keep(Rung("dnn_matched", matched, base.id, "ablation", f"as many parameters as {cnn.name}"))

    def _ablation(
        self, id_: str, parent: str, ingredient: str, rule: Callable[[ExperimentConfig], tuple[Layer, ...]]
    ) -> None:
        if parent not in self.rungs:
            self.left_out[id_] = self._without(parent)
            return
        base = self.rungs[parent].config
        name = base.name + id_.removeprefix(parent).replace("/", "_")
        self._try(
            id_, name, parent, "ablation", ingredient,
            lambda: base.plain() | {"model": self._model(base, rule(base))},
        )  # fmt: skip

    def _controls(self) -> None:
        plain = ("dnn", "dnn_recipe", "locally_connected", "cnn", "cnn_strided", "locally_connected_strided")
        for parent in plain:
            id_ = f"{parent}_permuted"
            if parent not in self.rungs:
                self.left_out[id_] = self._without(parent)
                continue
            base = self.rungs[parent].config

            def permuted(base: ExperimentConfig = base) -> dict[str, Any]:
                data = base.plain()
                if data["dataset"].get("permute_pixels") is not None:
                    raise DoesNotApply("its pixels are permuted already")
                data["dataset"]["permute_pixels"] = PERMUTATION_SEED
                return data

            self._try(id_, f"{base.name}_permuted", parent, "control", "permuted pixels", permuted)

    def _without(self, parent: str) -> str:
        return f"{parent} is left out ({self.left_out[parent]})"

    def _waterfall(self, id_: str, name: str, make: Callable[[], dict[str, Any]]) -> None:
        self._try(id_, name, None, "waterfall", "", make)

    def _try(
        self,
        id_: str,
        name: str,
        parent: str | None,
        kind: Kind,
        ingredient: str,
        make: Callable[[], dict[str, Any]],
    ) -> None:
        try:
            config = self._built(name, make())
        except (DoesNotApply, UserError, ShapeError) as error:
            self.left_out[id_] = str(error)
            return
        if (count := config.architecture.total_params) > self._largest and id_ not in self.wanted:
            self.left_out[id_] = (
                f"{count:,} parameters, more than {MOST_PARAMETERS:,}; to train it all the same, name it "
                "with --rungs"
            )
            return
        self._keep(Rung(id_, config, parent, kind, ingredient))

    def _keep(self, rung: Rung) -> None:
        self.rungs[rung.id] = rung

    def _of_cnn(self, layers: Sequence[Layer]) -> dict[str, Any]:
        return self.cnn.plain() | {"model": self._model(self.cnn, layers)}

    def _model(self, config: ExperimentConfig, layers: Sequence[Layer]) -> dict[str, Any]:
        model: dict[str, Any] = config.plain()["model"]
        return model | {"layers": [write_layer(layer) for layer in layers]}

    def _built(self, name: str, data: dict[str, Any]) -> ExperimentConfig:
        """The config, checked as one that somebody has written."""
        return read_experiment(data | {"name": name[:100], "description": ""}, {})


def _with_parents(rungs: dict[str, Rung], wanted: Sequence[str]) -> dict[str, Rung]:
    """Those that are wanted, both networks, and what they hang off, in the order of all."""
    kept = {"dnn", "cnn"}
    for each in wanted:
        rung: Rung | None = rungs[each]
        while rung is not None:
            kept.add(rung.id)
            rung = rungs.get(rung.parent) if rung.parent else None
    return {key: rung for key, rung in rungs.items() if key in kept}


def _joined(rungs: Sequence[Rung], ingredients: Mapping[str, Sequence[str]]) -> Iterator[Rung]:
    """The rungs with what changed; of the waterfall each hangs off the one before it.

    Where a rung of the waterfall is not there, the next one also has its ingredients.
    """
    by_id = {rung.id: rung for rung in rungs}
    before: Rung | None = None
    for rung in rungs:
        joined = rung
        if rung.kind == "waterfall":
            start = WATERFALL.index(before.id) + 1 if before else 0
            steps = WATERFALL[start : WATERFALL.index(rung.id) + 1]
            parts = list(dict.fromkeys(part for each in steps for part in ingredients[each]))
            ingredient = listed(parts) if parts and before else ""
            before = joined = replace(rung, parent=before.id if before else None, ingredient=ingredient)
        base = by_id.get(joined.parent) if joined.parent else None
        yield replace(joined, changes=changes_between(base.config, joined.config) if base else ())
