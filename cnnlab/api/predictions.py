"""A trained network's predictions for images from anywhere."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnlab.errors import OptionError, UserError
from cnnlab.foreign_text import composed
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.prediction import ImagePrediction, TrainedNetwork
    from cnnlab.reporting import Reporter

ImageLike: TypeAlias = "str | PathLike[str] | bytes | np.ndarray | tuple[str, bytes]"
"""The path of an image or of a folder of images, an image file as bytes or (name, bytes), or pixels."""


class ImagePredictions(Sequence["ImagePrediction"]):
    """What a network predicts for some images; `predictions[0].best` is ("7", 0.98).

    `config`: of the network. `folder`: of the run, or the exported file, as the caller named it. `pixels`:
    (N, H, W, C) uint8, the images as the network's dataset would have them. `failures`: what is wrong with
    images that could not be used. `true_classes`: of each image the class whose folder it lies in, from
    a folder that was given on; None where it lies in none.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        folder: Path,
        predictions: Sequence[ImagePrediction],
        pixels: np.ndarray,
        failures: Sequence[str],
        true_classes: Sequence[str | None] = (),
    ) -> None:
        self.config = config
        self.folder = folder
        self.pixels = pixels
        self.failures = list(failures)
        self.true_classes = list(true_classes) or [None] * len(predictions)
        self._predictions = list(predictions)

    def __getitem__(self, index: Any) -> Any:
        return self._predictions[index]

    def __len__(self) -> int:
        return len(self._predictions)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._predictions[0].classes

    @property
    def probabilities(self) -> np.ndarray:
        """(N, num_classes) float32, rows sum to 1."""
        import numpy as np

        return np.stack([each.probabilities for each in self._predictions])

    @property
    def table(self) -> pd.DataFrame:
        """One row per image: image, class, probability, then the probability of each class, notes."""
        import pandas as pd

        rows = [
            [each.image, *each.best, *each.probabilities.tolist(), "; ".join(each.notes)]
            for each in self._predictions
        ]
        return pd.DataFrame(rows, columns=["image", "class", "probability", *self.classes, "notes"])

    @property
    def right(self) -> tuple[int, int] | None:
        """How many images of how many are taken for the class whose folder they lie in; None without such."""
        known = [
            prediction.best[0] == true
            for prediction, true in zip(self._predictions, self.true_classes, strict=True)
            if true is not None
        ]
        return (sum(known), len(known)) if known else None

    def sheet(self, *, aspect: str = "auto", font_scale: float = 1.0) -> Figure:
        """A contact sheet of the images with the predictions.

        Args:
            aspect: of its sides: auto, 16:9, 4:3.
            font_scale: how much larger its text is, 0.5 to 2.

        Raises:
            UserError: there are more than 1,000 images, or there is no such aspect or scale.
        """
        from cnnlab.datasets.appearance import PLAIN
        from cnnlab.foreign_text import one_line
        from cnnlab.pictures.kit.files import PictureFiles
        from cnnlab.pictures.kit.page import MOST_ON_A_SHEET, drawing_for
        from cnnlab.pictures.plots import contact_sheet
        from cnnlab.pictures.rendering import Move

        if len(self) > MOST_ON_A_SHEET:
            found = f"expected at most {MOST_ON_A_SHEET:,} images on a contact sheet, found {len(self):,}"
            raise OptionError("sheet", found)
        moves = [Move(predicted=each.best[0]) for each in self._predictions]
        captions = [
            f"{one_line(Path(each.image).name)}\n{one_line(each.best[0])} {each.best[1]:.0%}"
            for each in self._predictions
        ]
        dataset = self.config.dataset
        with drawing_for(PictureFiles.of(aspect=aspect, font_scale=font_scale).page):
            return contact_sheet(
                self.pixels, captions, title=self.config.run_title,
                appearance=dataset.appearance if dataset else PLAIN, moves=moves,
            )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab predict --json` prints."""
        document: dict[str, Any] = {
            "run": str(self.folder),
            "predictions": [each.as_dict() for each in self._predictions],
        }
        if self.right is not None:
            document |= {"right": self.right[0], "in_class_folders": self.right[1]}
        return document

    def __repr__(self) -> str:
        return f"<ImagePredictions of {self.folder} for {counted(len(self), 'image')}>"

    def _repr_html_(self) -> str:
        from cnnlab.summary_tables.text import html_text

        return html_text(self.table)


def predict_images(
    network: TrainedNetwork,
    images: ImageLike | Iterable[ImageLike],
    *,
    folder: Path,
    reporter: Reporter,
) -> ImagePredictions:
    """What a trained network predicts for images: see `cnnlab.predict`.

    Args:
        folder: of its run, or its file, as the caller named it.

    Raises:
        UserError: no image can be used.
    """
    from cnnlab.prediction import image_predictions, prepare_all

    dataset = network.config.dataset
    if dataset is None:
        raise UserError(f"{folder}: this run has no dataset")
    prepared, failures = prepare_all(list(_sources(images)), dataset)
    for failure in failures:
        reporter.warn(failure)
    if not prepared:
        raise UserError("expected at least one image that can be read, found none")

    import numpy as np

    names = [name for name, _ in prepared]
    pixels = np.stack([each.pixels for _, each in prepared])
    scores = network.probabilities(pixels)
    found = image_predictions(dataset.class_names, names, scores, [each.notes for _, each in prepared])
    given = (
        [images] if isinstance(images, str | PathLike) else images if isinstance(images, list | tuple) else []
    )
    folders = [Path(each) for each in given if isinstance(each, str | PathLike) and Path(each).is_dir()]
    true = [_class_of(name, folders, dataset.class_names) for name in names]
    return ImagePredictions(network.config, folder, found, pixels, failures, true)


def _class_of(name: str, folders: Sequence[Path], classes: Sequence[str]) -> str | None:
    """The class that the innermost folder with a class's name says, from the folders that were given on."""
    for folder in folders:
        if Path(name).is_relative_to(folder):
            between = (folder.name, *Path(name).relative_to(folder).parent.parts)
            return next((composed(each) for each in reversed(between) if composed(each) in classes), None)
    return None


def _sources(images: ImageLike | Iterable[ImageLike]) -> Iterator[tuple[str, Path | bytes]]:
    """Names and files, or contents of files."""
    from cnnlab.prediction import sources_at

    if isinstance(images, str | PathLike):
        yield from sources_at(str(images))
    elif isinstance(images, bytes):
        yield "image 1", images
    elif getattr(images, "ndim", None) in (2, 3):
        yield "image 1", _encoded(images)
    elif not isinstance(images, Iterable):
        raise UserError(f"images: expected paths, bytes or pixels, found {images!r:.60}")
    else:
        for number, image in enumerate(images, start=1):
            if isinstance(image, tuple):  # a name of the caller's, and the bytes
                yield image
            elif isinstance(image, str | PathLike):
                yield from sources_at(str(image))
            elif isinstance(image, bytes):
                yield f"image {number}", image
            else:
                yield f"image {number}", _encoded(image)


def _encoded(pixels: Any) -> bytes:
    """Pixels as the bytes of a PNG, so that there is one way from an image to a network."""
    import numpy as np
    from PIL import Image

    array = np.asarray(pixels)
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))
    ):
        raise UserError(
            "images: expected paths, bytes, or uint8 pixels (height, width) or (height, width, 1|3|4), "
            f"found {array.dtype} {array.shape}"
        )
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array).save(buffer, "PNG")
    return buffer.getvalue()
