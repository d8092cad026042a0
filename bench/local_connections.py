"""How much longer LocallyConnected2D takes than the product of matrices in it, forwards and backwards.

usage: local_connections.py [--backend jax] [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig

SIZES = {
    "28×28×1, 25 kernels of 3×3": (28, 1, 3, 25),
    "13×13×25, 50 kernels of 3×3": (13, 25, 3, 50),
    "32×32×3, 32 kernels of 5×5": (32, 3, 5, 32),
}
"""The lecture's two convolutions, and one on CIFAR-10's images: side, channels, kernel, filters."""

BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"), default="tensorflow")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    print(start_backend(RuntimeConfig(backend=arguments.backend)))
    print("\n| layer, batch of 100 | product, ms | layer, ms | ratio |\n| --- | --: | --: | --: |")
    for name, sizes in SIZES.items():
        product, layer = timed(pair(*sizes), rounds=arguments.rounds)
        ratio = statistics.median(one / other for one, other in zip(layer, product, strict=True))
        milliseconds = (1000 * statistics.median(each) for each in (product, layer))
        print(f"| {name} | {' | '.join(f'{each:.1f}' for each in milliseconds)} | {ratio:.2f} |")


def pair(side: int, channels: int, kernel: int, filters: int) -> list[Callable[[], object]]:
    """The product alone, and the layer: outputs, and gradients of the weights and of what they multiply."""
    import keras

    from cnnlab.layers.custom import LocallyConnected2D

    rng = np.random.default_rng(0)
    layer = LocallyConnected2D(filters, kernel)
    images = rng.random((BATCH, side, side, channels), np.float32)
    layer.build(images.shape)
    positions, window, _ = layer.kernel.shape
    windows = rng.random((positions, window, BATCH), np.float32)

    def product(weights: Any, inputs: Any) -> Any:
        return keras.ops.einsum("pkn,pkf->pnf", inputs, weights)

    def whole(weights: Any, inputs: Any) -> Any:
        return layer.stateless_call([weights, layer.bias.value], [], inputs)[0]

    weights = keras.ops.convert_to_numpy(layer.kernel)
    return [differentiated(product, weights, windows), differentiated(whole, weights, images)]


def differentiated(function: Callable[[Any, Any], Any], *arrays: np.ndarray) -> Callable[[], object]:
    """A compiled step from weights and inputs to the gradients of both, which stay on the device."""
    import keras

    tensors = [keras.ops.convert_to_tensor(each) for each in arrays]

    def loss(weights: Any, inputs: Any) -> Any:
        return keras.ops.sum(keras.ops.square(function(weights, inputs)))

    match keras.backend.backend():
        case "jax":
            import jax

            step = jax.jit(jax.grad(loss, argnums=(0, 1)))
            return lambda: jax.block_until_ready(step(*tensors))
        case "tensorflow":
            import tensorflow as tf

            @tf.function(autograph=False)  # type: ignore[untyped-decorator]
            def gradients(*given: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(given)
                    value = loss(*given)
                return tape.gradient(value, given)

            return lambda: gradients(*tensors)
    for each in tensors:
        each.requires_grad_()

    def backward() -> None:
        for each in tensors:
            each.grad = None
        loss(*tensors).backward()

    return backward


def timed(works: list[Callable[[], object]], *, rounds: int) -> list[list[float]]:
    """Seconds of each, in turns; the first round, which compiles, does not count."""
    seconds: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, taken in zip(works, seconds, strict=True):
            began = time.perf_counter()
            work()
            if number:
                taken.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    main()
