"""Optimizers: from weights and their gradients to the next weights, by Keras's formulas.

An update is a pure function: what an optimizer remembers of a weight comes in as its slots and goes out with
it, by Keras's names. All slots are 0 at first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Slots = Mapping[str, np.ndarray]
"""What an optimizer remembers of one weight: arrays of its shape."""


Update = Callable[..., tuple[np.ndarray, Slots]]
"""One step for one weight: (weight, gradient, slots, rate, step, **settings) → next weight and slots.

rate is the learning rate of the step, step its number, 1 for the first. settings are the optimizer's own.
"""


def sgd(
    weight: np.ndarray,
    gradient: np.ndarray,
    slots: Slots,
    rate: float,
    step: int,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> tuple[np.ndarray, Slots]:
    """w ← w − rate · g. With momentum m ← momentum · m − rate · g, then w ← w + m (Polyak 1964).

    Nesterov's goes one step ahead: w ← w + momentum · m − rate · g (Sutskever et al. 2013).
    """
    if not momentum:
        return weight - rate * gradient, {}
    moved = momentum * slots["momentum"] - rate * gradient
    ahead = momentum * moved - rate * gradient if nesterov else moved
    return weight + ahead, {"momentum": moved}


def rmsprop(
    weight: np.ndarray,
    gradient: np.ndarray,
    slots: Slots,
    rate: float,
    step: int,
    *,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
) -> tuple[np.ndarray, Slots]:
    """v ← rho · v + (1 − rho) · g², then w ← w − rate · g / √(v + epsilon) (Hinton 2012, lecture 6e).

    Centered: less the square of the mean gradient, v is a variance (Graves 2013). With momentum the steps
    add up: m ← momentum · m + rate · g / …, then w ← w − m.
    """
    velocity = rho * slots["velocity"] + (1 - rho) * gradient * gradient
    after, spread = {"velocity": velocity}, velocity
    if centered:
        mean = after["average_gradient"] = rho * slots["average_gradient"] + (1 - rho) * gradient
        spread = velocity - mean * mean
    move = rate * gradient / np.sqrt(spread + epsilon)
    if momentum:
        move = after["momentum"] = momentum * slots["momentum"] + move
    return weight - move, after


def adam(
    weight: np.ndarray,
    gradient: np.ndarray,
    slots: Slots,
    rate: float,
    step: int,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    amsgrad: bool = False,
) -> tuple[np.ndarray, Slots]:
    """m ← m + (g − m)(1 − beta_1), v ← v + (g² − v)(1 − beta_2), w ← w − α · m / (√v + epsilon).

    α = rate · √(1 − beta_2^t) / (1 − beta_1^t) makes up for m and v beginning at 0 (Kingma & Ba 2015). With
    amsgrad the largest v so far divides (Reddi, Kale & Kumar 2018).
    """
    alpha = rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    momentum = slots["momentum"] + (gradient - slots["momentum"]) * (1 - beta_1)
    velocity = slots["velocity"] + (gradient * gradient - slots["velocity"]) * (1 - beta_2)
    after, divisor = {"momentum": momentum, "velocity": velocity}, velocity
    if amsgrad:
        divisor = after["velocity_hat"] = np.maximum(slots["velocity_hat"], velocity)
    return weight - alpha * momentum / (np.sqrt(divisor) + epsilon), after


def lion(
    weight: np.ndarray,
    gradient: np.ndarray,
    slots: Slots,
    rate: float,
    step: int,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
) -> tuple[np.ndarray, Slots]:
    """w ← w − rate · sign(beta_1 · m + (1 − beta_1) · g), m ← beta_2 · m + (1 − beta_2) · g.

    Chen et al. 2023.
    """
    momentum = slots["momentum"]
    ahead = beta_1 * momentum + (1 - beta_1) * gradient
    return weight - rate * np.sign(ahead), {"momentum": beta_2 * momentum + (1 - beta_2) * gradient}


UPDATES: Mapping[str, Update] = {"adam": adam, "adamw": adam, "lion": lion, "rmsprop": rmsprop, "sgd": sgd}
"""By the names that optimizers have in a config; adamw is adam with weight decay."""


def slot_names(name: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What an optimizer of these settings remembers of each weight."""
    if name == "sgd":
        return ("momentum",) if settings["momentum"] else ()
    if name == "rmsprop":
        wanted = {
            "velocity": True,
            "momentum": settings["momentum"],
            "average_gradient": settings["centered"],
        }
        return tuple(slot for slot, used in wanted.items() if used)
    if name == "lion":
        return ("momentum",)
    return ("momentum", "velocity", "velocity_hat") if settings["amsgrad"] else ("momentum", "velocity")


def first_slots(name: str, settings: Mapping[str, Any], weight: np.ndarray) -> Slots:
    """The slots of a weight before the first step."""
    return {slot: np.zeros_like(weight) for slot in slot_names(name, settings)}


def step_of_all(
    name: str,
    settings: Mapping[str, Any],
    weights: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    slots: Sequence[Slots],
    rate: float,
    step: int,
) -> tuple[list[np.ndarray], list[Slots]]:
    """One step of an optimizer of a config for all weights: gradients are clipped, weights decay, then move.

    Args:
        name, settings: "adam" and the arguments of Keras's Adam, its learning rate aside.
        rate, step: as for `Update`.
    """
    own = {key: value for key, value in settings.items() if key not in SHARED_SETTINGS}
    decay = (settings.get("weight_decay") or 0.0) * rate
    moved = [
        UPDATES[name](weight - decay * weight if decay else weight, gradient, each, rate, step, **own)
        for weight, gradient, each in zip(weights, clipped(gradients, settings), slots, strict=True)
    ]
    return [weight for weight, _ in moved], [each for _, each in moved]


def clipped(gradients: Sequence[np.ndarray], settings: Mapping[str, Any]) -> list[np.ndarray]:
    """Gradients no larger than an optimizer allows (Pascanu, Mikolov & Bengio 2013).

    clipvalue: each number on its own. clipnorm: each array, scaled by clipnorm / norm where its norm is
    larger. global_clipnorm: all arrays together.
    """
    if (largest := settings.get("clipvalue")) is not None:
        return [np.clip(gradient, -largest, largest) for gradient in gradients]
    if (largest := settings.get("clipnorm")) is not None:
        return [gradient * (largest / max(_norm([gradient]), largest)) for gradient in gradients]
    if (largest := settings.get("global_clipnorm")) is not None:
        scale = largest / max(_norm(gradients), largest)
        return [gradient * scale for gradient in gradients]
    return list(gradients)


SHARED_SETTINGS = frozenset(
    {
        "clipnorm", "clipvalue", "ema_momentum", "ema_overwrite_frequency", "global_clipnorm",
        "gradient_accumulation_steps", "use_ema", "weight_decay",
    }
)  # fmt: skip
"""What every optimizer of a config has, beside the settings of its update."""


def _norm(gradients: Sequence[np.ndarray]) -> float:
    return math.sqrt(sum(float((gradient * gradient).sum()) for gradient in gradients))
