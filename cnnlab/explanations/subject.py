"""What is explained: a run argument → its model, its data and the folder for the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import DataPaths, DatasetConfig
from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.errors import OptionError, UserError, suggestion
from cnnlab.explanations.explanation import Explained
from cnnlab.explanations.options import MOST_CLASSES
from cnnlab.foreign_text import composed, one_line
from cnnlab.reporting import Reporter
from cnnlab.run_folders.records import Record

if TYPE_CHECKING:
    import keras
    import numpy as np

    from cnnlab.datasets.content import Dataset, PixelScale
    from cnnlab.datasets.reading.images import Prepared


@dataclass(frozen=True, eq=False)
class Chosen:
    """Images that a technique looks at.

    display: (N, H, W, C) float32 in [0, 1], channels last, to draw. inputs: (N, *input_shape) float32, as the
    network takes them. labels: (N,) int, the true class, −1 unknown. notes: what was done to a picture file,
    in words; nothing to test images.
    """

    names: list[str]
    notes: list[list[str]]
    display: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def displayed(raw: np.ndarray, *, channels_first: bool, brightest: int) -> np.ndarray:
    """Raw pixels in numbers that can be drawn: (N, H, W, C) float32 in [0, 1]."""
    import numpy as np

    last = np.moveaxis(raw, 1, -1) if channels_first else raw
    return np.asarray(np.divide(last, np.float32(brightest), dtype=np.float32))


@dataclass(eq=False)
class Subject:
    """A trained model with all that is known of it."""

    name: str
    folder: Path
    """Where explanations go."""

    out: Path
    """The folder of all runs."""

    file: Path
    record: Record | None
    dataset: DatasetConfig | None
    """Its images: a run's own, or those said to be a .keras file's; None where nobody said it."""

    data_paths: DataPaths
    reporter: Reporter
    runtime: RuntimeConfig
    black_and_white: tuple[float, float] | None = None
    """What the network takes for them where there is no run that says it."""

    dataset_of: str | None = None
    """The experiment that was said to have its images."""

    @property
    def run(self) -> str:
        """What a command takes for this network."""
        return str(self.record.path if self.record else self.file)

    @property
    def explained(self) -> Explained:
        """What an explanation says of it."""
        title = self.dataset.title if self.dataset else None
        return Explained(self.name, self.run, title, self.dataset_of, self.folder)

    @cached_property
    def model(self) -> keras.Model:
        """The model in float32, on the backend asked for, which takes images as people see them.

        Where the network was trained on permuted pixels, permuting them is its first step.

        Raises:
            UserError: it cannot be read, or cannot take the images that are said to be its own.
        """
        from cnnlab.analyses.network import at_size, in_float32, load_model

        model = in_float32(load_model(self.file))
        if self.dataset is not None:
            self._check_fit(model, self.dataset)
        if None in model.input.shape[1:]:
            if self.dataset is None:
                raise UserError(
                    f"{self.file}: takes images of any size; name an experiment that has images by "
                    "--dataset-of"
                )
            model = at_size(model, self.dataset.input_shape)
        if self.dataset is not None and self.dataset.permute_pixels is not None:
            from cnnlab.analyses.permuted_pixels import permuting_first
            from cnnlab.datasets.permuting import pixel_order

            order = pixel_order(self.dataset.permute_pixels, *self.dataset.image_shape[:2])
            model = permuting_first(model, order, data_format=self.dataset.data_format)
        return model

    @property
    def permutes_pixels(self) -> bool:
        """Whether the network was trained on permuted pixels: its maps do not lie as its images do."""
        return self.dataset is not None and self.dataset.permute_pixels is not None

    def unpermuted(self, maps: np.ndarray) -> np.ndarray:
        """Maps on the pixels that the network sees, (N, H, W), as the pixels lie in the image."""
        from cnnlab.datasets.permuting import unpermuted

        return maps if self.dataset is None else unpermuted(maps, self.dataset)

    def _check_fit(self, model: keras.Model, dataset: DatasetConfig) -> None:
        wanted, classes = model.input.shape[1:], model.output.shape[-1]
        fits = all(size in (None, given) for size, given in zip(wanted, dataset.input_shape, strict=True))
        if not fits or classes != dataset.num_classes:
            shown = [" × ".join(str(size) for size in shape) for shape in (wanted, dataset.input_shape)]
            raise UserError(
                f"{self.file}: takes images of {shown[0]} and has {classes} classes; {dataset.title} has "
                f"images of {shown[1]} and {dataset.num_classes} classes"
            )

    def start(self) -> None:
        """Start the backend, before anything imports Keras."""
        from cnnlab.backend import start_backend

        backend = start_backend(self.runtime)
        self.reporter.note(str(backend.host or backend))

    @cached_property
    def data(self) -> Dataset:
        """The dataset, loaded once, its pixels where they are in the source: `model` permutes them.

        The user is told if it is not the one that the run was trained on.

        Raises:
            UserError: the model is a file, and nobody said what its images are.
        """
        from cnnlab.trainer import load_reported

        if self.dataset is None:
            raise UserError(
                f"{self.file}: this needs test images, and a .keras file has none; name an experiment with "
                "the same images by --dataset-of, such as cnn, or give its run's folder"
            )
        if self.record is None:
            _ = self.model  # whether it fits is known before anything is downloaded
        plain = self.dataset.model_copy(update={"permute_pixels": None})
        data = load_reported(plain, self.data_paths, self.reporter)
        if self.record and self.record.environment["dataset"]["digest"] != data.provenance.digest:
            self.reporter.warn(f"{self.name}: its dataset has changed since it was trained")
        return data

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers where nobody said them."""
        if self.dataset is not None:
            return tuple(map(one_line, self.dataset.class_names))
        return tuple(str(index) for index in range(self.model.output.shape[-1]))

    @property
    def channels_first(self) -> bool:
        """Whether the network's images are (C, H, W)."""
        if self.dataset is not None:
            return self.dataset.data_format == "channels_first"
        from cnnlab.analyses.network import image_channel_axis

        return image_channel_axis(self.model) == 1

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        one, two, three = self.model.input.shape[1:]
        return (two, three, one) if self.channels_first else (one, two, three)

    @cached_property
    def pixels(self) -> PixelScale:
        """How raw pixels become what the network takes.

        A .keras file does not say. It is taken to want [0, 255] where it begins by making these values small
        itself, else what its dataset's config says, else [0, 1].
        """
        if self.record is not None:
            return self.data.pixels
        import numpy as np

        from cnnlab.analyses.network import takes_raw_pixels
        from cnnlab.datasets.content import PixelScale

        raw = takes_raw_pixels(self.model)
        if self.dataset is not None and self.black_and_white is None and not raw:
            return self.data.pixels
        usual = (0.0, 255.0 if raw else 1.0)
        black, white = np.array(self.black_and_white or usual, np.float32).reshape(2, 1, 1, 1)
        return PixelScale(white - black, black)

    @property
    def appearance(self) -> Appearance:
        """How its images are drawn."""
        return PLAIN if self.dataset is None else self.dataset.appearance

    @property
    def diagram(self) -> Appearance:
        """How numbers are drawn that lie as its images do, but are no images, such as kernels."""
        return Appearance(axes=self.appearance.axes)

    @property
    def brightest(self) -> int:
        """The raw pixel value that stands for full brightness: 255, but on a board, say, 2."""
        return self.appearance.brightest

    def to_inputs(self, raw: np.ndarray) -> np.ndarray:
        """Raw pixels, uint8, as the network takes them."""
        return self.pixels.apply(raw)

    def to_display(self, raw: np.ndarray) -> np.ndarray:
        """Raw pixels in numbers that can be drawn: (N, H, W, C) float32 in [0, 1]."""
        return displayed(raw, channels_first=self.channels_first, brightest=self.brightest)

    def gray(self, brightness: float) -> np.ndarray:
        """One pixel of that brightness, in [0, 1], as the network takes it; broadcasts to an image."""
        import numpy as np

        return np.asarray(brightness * self._contrast + self.pixels.offset, np.float32)

    def display_to_inputs(self, pictures: np.ndarray) -> np.ndarray:
        """From what is drawn to what the network takes: (N, H, W, C) in [0, 1] → (N, C, H, W) where it is so.

        Of any size. `inputs_to_display` is the way back.
        """
        import numpy as np

        ordered = np.moveaxis(pictures, -1, 1) if self.channels_first else pictures
        return np.asarray(ordered * self._contrast + self.pixels.offset, np.float32)

    @property
    def _contrast(self) -> np.ndarray:
        """From black to white, as the network takes them."""
        return self.pixels.factor * (self.brightest / 255)

    def inputs_to_display(self, images: np.ndarray) -> np.ndarray:
        """From what the network takes back to what is drawn: (N, *input_shape) → (N, H, W, C) in [0, 1]."""
        import numpy as np

        images = (images - self.pixels.offset) / self._contrast
        last = np.moveaxis(images, 1, -1) if self.channels_first else images
        return np.asarray(np.clip(last, 0, 1))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The network's outputs for the test images: (N, num_classes) float32."""
        from cnnlab.analyses.network import predict, probabilities_of

        return predict(probabilities_of(self.model), self.to_inputs(self.data.test.images))

    def choose(
        self,
        indices: Sequence[int],
        pictures: Sequence[Path],
        *,
        default: Sequence[int] | None = None,
        instead: str = "--picture",
    ) -> Chosen:
        """Test images by index, and pictures from files; the first of each class where none is named.

        Args:
            instead: how pictures are given where there are no test images.

        Raises:
            UserError: there is no such image, or a file is no picture.
        """
        import numpy as np

        parts, names, labels = [], [], []
        notes: list[list[str]] = []
        if self.dataset is None and (indices or not pictures):
            raise UserError(
                f"{self.file}: a .keras file has no test images; give pictures with {instead}, name an "
                "experiment with the same images by --dataset-of, such as cnn, or give its run's folder"
            )
        if not indices and not pictures:
            indices = self.one_of_each() if default is None else default
        if indices:
            test = self.data.test
            if max(indices) >= len(test):
                raise OptionError(
                    "image",
                    f"expected 0 to {len(test) - 1}, the test images of {self.name}",
                    value=max(indices),
                )
            chosen = np.array(indices)
            parts.append(test.images[chosen])
            labels += test.labels[chosen].tolist()
            names += [f"test image {index}" for index in indices]
            notes += [[] for _ in indices]
        for path in pictures:
            prepared = self._prepared(path)
            picture = prepared.pixels[None]
            notes.append(list(prepared.notes))
            parts.append(np.moveaxis(picture, -1, 1) if self.channels_first else picture)
            labels.append(-1)
            names.append(path.name)
        raw = np.ascontiguousarray(np.concatenate(parts))
        return Chosen(names, notes, self.to_display(raw), self.to_inputs(raw), np.array(labels))

    def _prepared(self, path: Path) -> Prepared:
        """A picture file as `cnnlab predict` takes it, and what was done to it, which the user is told.

        Where nobody said what the network's images are, the middle is cut out and scaled.

        Raises:
            UserError: it is not there or cannot be used.
        """
        from cnnlab.datasets.reading.preprocessing import prepare
        from cnnlab.explanations.picture_files import read_picture, usable

        if self.dataset is None:
            prepared = read_picture(path, self.image_shape)
        else:
            with usable(path):
                prepared = prepare(path, self.dataset)
        if prepared.notes:
            self.reporter.note(f"{path}: {'; '.join(prepared.notes)}")
        return prepared

    def one_of_each(self) -> list[int]:
        """The first test image of each class, of the first MOST_CLASSES."""
        import numpy as np

        _, first = np.unique(self.data.test.labels, return_index=True)
        return [int(index) for index in first[:MOST_CLASSES]]

    def class_index(self, name: str | None) -> int | None:
        """A class by name or number.

        Raises:
            UserError: there is none of that name.
        """
        if name is None:
            return None
        for spelling in (name, composed(name), one_line(name)):
            if spelling in self.class_names:
                return self.class_names.index(spelling)
        if name.isdecimal() and int(name) < len(self.class_names):
            return int(name)
        raise OptionError("class", f"unknown class {name!r}; {suggestion(name, self.class_names)}")
