"""How long the techniques take: `python bench/explain.py RUN`, RUN being a finished run of `cnn`.

Targets on two cores: maximize of 50 filters in 100 steps under 10 s, occlusion of 100 images under 5 s,
saliency of 1,000 images under 5 s. Times are whole, tracing and compiling included; the start of the
backend and reading the data are not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnnlab.datasets import DataPaths
from cnnlab.explanations.finding import open_subject
from cnnlab.explanations.subject import Subject

TARGETS = {"maximize": 10.0, "occlusion": 5.0, "saliency": 5.0}


def main(run: str) -> None:
    subject = open_subject(run, out=Path("experiments"), data_paths=DataPaths.from_environment())
    subject.start()
    seconds = {name: measured(work) for name, work in techniques(subject).items()}
    for name, taken in seconds.items():
        verdict = "" if name not in TARGETS else f"  target {TARGETS[name]:.0f} s"
        print(f"{name:22} {taken:6.2f} s{verdict}")
    print(json.dumps({"run": subject.name, "seconds": seconds, "targets": TARGETS}))


def techniques(subject: Subject) -> dict[str, Callable[[], object]]:
    """What is timed, each on the same model and images."""
    model = subject.model
    from cnnlab.analyses.examples import strongest_examples
    from cnnlab.analyses.grad_cam import grad_cam
    from cnnlab.analyses.integrated_gradients import integrated_gradients
    from cnnlab.analyses.invariance import AMOUNTS, accuracy_under
    from cnnlab.analyses.maximization import Ascent, maximize
    from cnnlab.analyses.network import last_convolution, maps_of, summary_name
    from cnnlab.analyses.occlusion import occlusion
    from cnnlab.analyses.saliency import saliency, smooth_gradient

    test = subject.data.test
    images, labels = subject.to_inputs(test.images), test.labels
    layer = summary_name(last_convolution(model))
    filters = np.arange(maps_of(model, layer).output.shape[-1])
    thousand, hundred = (images[:1000], labels[:1000]), (images[:100], labels[:100])
    black = np.broadcast_to(subject.gray(0), images.shape[1:])

    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    return {
        "maximize": lambda: maximize(model, filters, layer=layer, ascent=Ascent(steps=100), rng=rng()),
        "occlusion": lambda: occlusion(model, *hundred, patch=5, stride=2, fill=subject.gray(0.5)),
        "occlusion, stride 1": lambda: occlusion(model, *hundred, patch=5, stride=1, fill=subject.gray(0.5)),
        "saliency": lambda: saliency(model, *thousand),
        "SmoothGrad": lambda: smooth_gradient(model, *thousand, samples=25, rng=rng()),
        "integrated gradients": lambda: integrated_gradients(model, *thousand, baseline=black, steps=50),
        "Grad-CAM": lambda: grad_cam(model, *thousand, layer=layer),
        "examples": lambda: strongest_examples(model, images, layer=layer),
        "invariance, rotation": lambda: accuracy_under(
            model, *thousand, change="rotation", amounts=np.array(AMOUNTS["rotation"])
        ),
    }


def measured(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
