"""Every technique's arrays of two saved networks: every_technique.py BACKEND FOLDER → FOLDER/BACKEND.npz

FOLDER holds kinked.keras, with ReLUs, smooth.keras, with tanh, and images.npy.
"""

import sys
from pathlib import Path

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig

LAYERS = ["conv2d_1", "residual_1/conv2d_1"]


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    """On whichever backend runs."""
    from cnnlab.analyses.deconvnet import project_back
    from cnnlab.analyses.dream import DreamSettings, dream
    from cnnlab.analyses.equivalence import dense_twin, prove
    from cnnlab.analyses.examples import strongest_examples
    from cnnlab.analyses.features import features
    from cnnlab.analyses.grad_cam import grad_cam
    from cnnlab.analyses.integrated_gradients import integrated_gradients
    from cnnlab.analyses.invariance import changed
    from cnnlab.analyses.maximization import Ascent, maximize
    from cnnlab.analyses.network import load_model
    from cnnlab.analyses.occlusion import occlusion
    from cnnlab.analyses.saliency import gradient_times_input, saliency, smooth_gradient
    from cnnlab.analyses.style import transfer_style

    model, smooth = (load_model(folder / f"{name}.keras") for name in ("kinked", "smooth"))
    images = np.load(folder / "images.npy")
    classes = np.arange(len(images)) % 3
    rng = lambda: np.random.default_rng(1)  # noqa: E731
    places = {"units": classes, "positions": np.stack([classes, classes], axis=1) % 2}
    found = {
        "saliency": saliency(model, images, classes),
        "smooth": smooth_gradient(model, images, classes, samples=3, rng=rng()),
        "product": gradient_times_input(model, images, classes),
        "integrated": integrated_gradients(model, images, classes, baseline=np.float32(0), steps=8),
        "cam": grad_cam(model, images, classes, layer=LAYERS[1]),
        "occlusion": occlusion(model, images, classes, patch=3, fill=np.float32(0.5)).probabilities,
        "deconvnet": project_back(model, images, layer=LAYERS[1], rule="deconvnet", **places),
        "guided": project_back(model, images, layer=LAYERS[1], rule="guided", **places),
        "difference": np.array(prove(model, LAYERS[1], dense_twin(model, LAYERS[1]), images).largest_output),
        "rotated": changed(images, "rotation", 30),
        "dream": dream(smooth, images, layers=LAYERS, settings=DreamSettings(octaves=2, steps=4), rng=rng()),
        "style": transfer_style(
            smooth, images[:1], images[1:2], content_layers=LAYERS[1:], style_layers=LAYERS[:1], steps=4
        ).losses,
    }
    ascent = Ascent(steps=6, jitter=1, starts=2, l2=0.01)
    for target, layer in {"activation": LAYERS[0], "score": None, "probability": None}.items():
        best = maximize(smooth, np.arange(3), target=target, layer=layer, ascent=ascent, rng=rng())
        found |= {f"{target}_images": best.images, f"{target}_values": best.values}
    stages, found["probabilities"] = features(model, images)
    found |= {f"stage_{stage.layer}_{stage.operation}".replace("/", "."): stage.values for stage in stages}
    return found | strongest_examples(model, images, layer=LAYERS[0], count=2)._asdict()


if __name__ == "__main__":
    start_backend(RuntimeConfig(backend=sys.argv[1]))
    np.savez(Path(sys.argv[2]) / f"{sys.argv[1]}.npz", **arrays_of(Path(sys.argv[2])))
