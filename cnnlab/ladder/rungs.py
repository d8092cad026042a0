"""Two configs, a DNN and a CNN → the experiments between and around them, one change each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from cnnlab.comparison.advantages import listed
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.from_python import read_experiment
from cnnlab.datasets import DatasetConfig
from cnnlab.errors import OptionError, ShapeError, UserError, suggestion
from cnnlab.ladder import rules
from cnnlab.ladder.changes import Change, changes_between
from cnnlab.ladder.rules import DoesNotApply
from cnnlab.layers.base import Layer
from cnnlab.layers.serialization import write_layer
from cnnlab.studies.matching import match_arithmetic

MOST_PARAMETERS = 10_000_000
"""A rung with more than these, and more than both networks, is trained only where it is named."""

PERMUTATION_SEED = 0
"""One permutation for all: what is compared then differs in the network alone."""

Kind = Literal["waterfall", "ablation", "control"]

_INGREDIENTS = {
    "dnn_recipe": ("input", "loss", "training"),
    "dense_equivalent": ("layer sizes", "pooling"),
    "locally_connected": ("locality",),
    "cnn": ("weight sharing",),
}
"""What each rung of the waterfall adds to the one before it, in their order."""


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
    derived = _Derivation(dnn, cnn, frozenset(wanted or ()))
    derived.run()
    known = {*derived.rungs, *derived.left_out}
    for name in wanted or ():
        if name in derived.left_out:
            raise OptionError("rungs", f"{name} does not apply: {derived.left_out[name]}")
        if name not in known:
            raise OptionError("rungs", f"unknown rung {name!r}; {suggestion(name, sorted(known))}")
    kept = derived.rungs if wanted is None else _with_parents(derived.rungs, wanted)
    left_out = {key: reason for key, reason in derived.left_out.items() if wanted is None}
    return Ladder(dnn, cnn, tuple(_joined(list(kept.values()), derived.same)), left_out)


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
    changes = changes_between(dnn, cnn)
    differing = [each for each in changes if each.key.split(".")[0] == "dataset"]
    if differing:
        what = ", ".join(f"{each.key} ({each.before!r} and {each.after!r})" for each in differing)
        raise UserError(f"{dnn.name} and {cnn.name}: expected the same data, found different {what}")


class _Derivation:
    """Rungs as they are found, and why others are not."""

    def __init__(self, dnn: ExperimentConfig, cnn: ExperimentConfig, wanted: frozenset[str]) -> None:
        self.dnn, self.cnn, self.wanted = dnn, cnn, wanted
        self.rungs: dict[str, Rung] = {}
        self.left_out: dict[str, str] = {}
        self.same: set[str] = set()
        """Rungs that are left out because they would equal the one before."""

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
        self._keep(Rung("cnn", cnn, None, "waterfall", listed(_INGREDIENTS["cnn"])))
        self._ablations()
        self._controls()

    def _recipe(self) -> dict[str, Any]:
        """The DNN with all of the CNN's settings but its hidden layers."""
        data = self._of_cnn(rules.with_recipe_of(self.dnn, self.cnn))
        if self._built(f"{self.dnn.name}_recipe", data).digest == self.dnn.digest:
            self.same.add("dnn_recipe")
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
            self.left_out[id_] = f"{parent} is left out"
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
                if parent != "dnn_recipe":
                    self.left_out[id_] = f"{parent} is left out"
                continue
            base = self.rungs[parent].config

            def permuted(base: ExperimentConfig = base) -> dict[str, Any]:
                data = base.plain()
                if data["dataset"].get("permute_pixels") is not None:
                    raise DoesNotApply("its pixels are permuted already")
                data["dataset"]["permute_pixels"] = PERMUTATION_SEED
                return data

            self._try(id_, f"{base.name}_permuted", parent, "control", "permuted pixels", permuted)

    def _waterfall(self, id_: str, name: str, make: Callable[[], dict[str, Any]]) -> None:
        self._try(id_, name, None, "waterfall", listed(_INGREDIENTS[id_]), make)

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


def _joined(rungs: Sequence[Rung], same: Set[str]) -> Iterator[Rung]:
    """The rungs with what changed; of the waterfall each hangs off the one before it.

    Where a rung of the waterfall is not there, the next one also has its ingredient.
    """
    by_id = {rung.id: rung for rung in rungs}
    missing = [each for each in _INGREDIENTS if each not in by_id and each not in same]
    order = list(_INGREDIENTS)
    before: Rung | None = None
    for rung in rungs:
        if rung.kind == "waterfall":
            skipped = [
                each for each in missing if rung.id in order and order.index(each) < order.index(rung.id)
            ]
            missing = [each for each in missing if each not in skipped]
            parts = [part for each in (*skipped, rung.id) for part in _INGREDIENTS.get(each, ())]
            ingredient = listed(parts) if parts else ""
            before = joined = replace(rung, parent=before.id if before else None, ingredient=ingredient)
        else:
            joined = rung
        base = by_id.get(joined.parent) if joined.parent else None
        yield replace(joined, changes=changes_between(base.config, joined.config) if base else ())
