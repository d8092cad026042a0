"""The network and the pictures of dream and style: a run's own, or VGG with weights from ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cnnlab.commands.explain.pictures import read_picture
from cnnlab.commands.explain.subject import Subject

if TYPE_CHECKING:
    import keras
    import numpy as np

    from cnnlab.analyses.imagenet import NetworkName

Command = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class PretrainedNetwork:
    """A network, how pictures get to it and come back, and what black and white are for it."""

    name: str
    model: keras.Model
    subject: Subject
    own: bool

    @property
    def low(self) -> float:
        return float(self.subject.gray(0).min()) if self.own else 0.0

    @property
    def high(self) -> float:
        return float(self.subject.gray(1).max()) if self.own else 1.0

    def open(self, path: Path, *, side: int) -> np.ndarray:
        """A picture file as this network takes it, no side longer than `side`."""
        import numpy as np
        from PIL import Image

        picture = read_picture(path, longest=side).pixels
        channels = self.subject.image_shape[2] if self.own else 3
        if channels == 1:
            picture = np.asarray(Image.fromarray(picture).convert("L"))[..., None]
        if not self.own:
            return picture[None].astype(np.float32) / 255
        return self.subject.drawn(picture[None] / np.float32(255))

    def enlarged(self, index: int, *, side: int, instead: str = "--picture") -> np.ndarray:
        """A test image, smoothly enlarged, as this network takes it.

        Args:
            instead: how a picture is given where there are no test images.
        """
        import numpy as np
        from PIL import Image

        shown = self.subject.choose([index], [], instead=instead).shown[0]
        picture = Image.fromarray(
            np.round(255 * (shown if shown.shape[-1] == 3 else shown[..., 0])).astype(np.uint8)
        )
        large = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)
        if not self.own:
            return (np.repeat(large, 3 // large.shape[-1], axis=-1)[None] / 255).astype(np.float32)
        return self.subject.drawn(large[None] / np.float32(255))

    def shown(self, images: np.ndarray) -> np.ndarray:
        """What the network takes, as it is drawn: (N, H, W, C) in [0, 1]."""
        return self.subject.unseen(images) if self.own else images


def network_options(command: Command) -> Command:
    """--network and --weights."""
    command = click.option(
        "--weights", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="The file of VGG's weights without its dense layers (…notop.h5); else it is looked for and "
        "downloaded.",
    )(command)  # fmt: skip
    return click.option(
        "--network", type=click.Choice(["own", "vgg16", "vgg19"]), default="own", show_default=True,
        help="The run's own network, or VGG trained on ImageNet.",
    )(command)  # fmt: skip


def pretrained_network(
    subject: Subject, network: Literal["own", "vgg16", "vgg19"], weights: Path | None
) -> PretrainedNetwork:
    """The network asked for.

    Raises:
        UserError: --weights without --network, or a file that does not fit.
        CnnlabError: the weights cannot be downloaded.
    """
    if network == "own":
        if weights is not None:
            raise click.UsageError("--weights needs --network vgg16 or vgg19")
        return PretrainedNetwork(subject.name, subject.model, subject, own=True)
    from cnnlab.analyses.imagenet import find_weights, imagenet_network

    name: NetworkName = network
    file = find_weights(name, weights, subject.data_paths, progress=subject.reporter.downloading)
    return PretrainedNetwork(name, imagenet_network(name, file), subject, own=False)
