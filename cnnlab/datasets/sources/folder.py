"""Your own images: a folder with one folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import ModelWrapValidatorHandler, field_validator, model_validator

from cnnlab.datasets.base import DatasetConfig, DownloadProgress, ResizeMode
from cnnlab.datasets.reading.folder_layout import find_layout, image_files
from cnnlab.datasets.sources.inferred_settings import with_inferred
from cnnlab.errors import UserError, suggestion
from cnnlab.language.fields import Pair, Shape, as_written, problem, problems

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths


TEST_SIZE = 0.2


class ImageFolder(DatasetConfig):
    """FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, or FOLDER/CLASS/* alone: PNG, JPEG, BMP, GIF and WebP.

    What a config leaves out of `classes` and `size` is looked up when it is read, and written into a run's
    config.yaml: so a run can be read where the folder is gone. Images are brought to 8 bits a channel,
    transparent parts white, photographs upright, and kept as uint8 in the cache until a file changes.
    """

    name: Literal["folder"] = "folder"
    folder: str
    """A relative path starts at the current directory."""

    size: Pair | None = None
    """(height, width) that all images are brought to; None: that of the first image, which all must have."""

    color_mode: Literal["rgb", "grayscale"] = "rgb"
    resize: Literal["crop", "pad", "stretch", "exact"] = "crop"
    """crop: fill `size` and cut off the rest. pad: fit into `size`, black around. exact: refuse others."""

    on_error: Literal["stop", "skip"] = "stop"
    """What becomes of an image that cannot be read: an error, or a warning."""

    test_size: int | float = TEST_SIZE
    """A count or a fraction, split off with `seed`, stratified, where the folder has no test images."""

    @property
    def title(self) -> str:
        return Path(self.folder).expanduser().absolute().name

    @property
    def image_shape(self) -> Shape:
        if self.size is None:
            raise ValueError("without a size; _infer gives one")
        return (*self.size, 3 if self.color_mode == "rgb" else 1)

    @property
    def all_classes(self) -> tuple[str, ...]:
        if self.classes is None:
            raise ValueError("without classes; _infer gives them")
        return self.classes

    @property
    def resize_mode(self) -> ResizeMode:
        return "crop" if self.resize == "exact" else self.resize

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Decode the images, or map what an earlier start has decoded."""
        from cnnlab.datasets.reading.folder_files import FolderOptions, read_folder

        options = FolderOptions(
            image_shape=self.image_shape,
            class_names=self.all_classes,
            resize=self.resize,
            skips_bad_images=self.on_error == "skip",
            test_size=self.test_size,
            seed=self.seed,
        )
        return read_folder(self.folder, options, data_paths, progress=progress)

    @model_validator(mode="wrap")
    @classmethod
    def _inferred(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return with_inferred(data, cls._infer, handler)

    @staticmethod
    def _infer(data: Any) -> Any:
        """Fill in the classes, and the size of the first image."""
        if not isinstance(data, dict) or not isinstance(data.get("folder"), str):
            return data
        data = {"resize": "crop" if data.get("size") is not None else "exact", **data}
        given = data.get("classes")
        if given is not None and data.get("size") is not None and not Path(data["folder"]).is_dir():
            return data  # the config of a run whose images have gone
        try:
            layout = find_layout(data["folder"])
            if given is None:
                data["classes"] = list(layout.train)
            elif isinstance(given, list | tuple):
                for name in given:
                    if isinstance(name, str) and name not in layout.train:
                        message = f"unknown class {as_written(name)}; {suggestion(name, layout.train)}"
                        raise problems(problem(message, ("classes",)))
            if layout.test is not None and data.get("test_size", TEST_SIZE) != TEST_SIZE:
                message = "has no effect: the folder has test images of its own; leave it out"
                raise problems(problem(message, ("test_size",), kind="key"))
            if data.get("size") is None:
                data["size"] = _first_size(layout.train, data["classes"])
        except UserError as error:
            raise problems(problem(str(error), ("folder",))) from None
        return data

    @field_validator("test_size", mode="before")
    @classmethod
    def _test_count_or_fraction(cls, value: Any) -> Any:
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        is_fraction = isinstance(value, float) and 0 < value < 1
        if not (is_count or is_fraction):
            raise ValueError(
                f"expected a count (1 or more) or a fraction from 0 to 1, found {as_written(value)}"
            )
        return value


def _first_size(folders: dict[str, Path], classes: Any) -> list[int]:
    """Height and width of the first image that can be opened."""
    from cnnlab.datasets.reading.images import BadImage, size_of

    for name in classes if isinstance(classes, list | tuple) else ():
        for entry in image_files(folders[name])[:20]:
            try:
                return list(size_of(Path(entry.path)))
            except BadImage:
                continue
    raise UserError("no image can be opened to determine the size; set size: [height, width]")
