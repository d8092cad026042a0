"""Your own images: a folder with one folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from cnnlab.datasets.base import DatasetConfig, DownloadProgress, ResizeMode
from cnnlab.datasets.reading.folder_layout import find_layout, image_files
from cnnlab.datasets.sources.inferred_settings import with_inferred
from cnnlab.errors import UserError, suggestion
from cnnlab.files import can_be_path, expanded
from cnnlab.language.fields import Pair, Shape, as_written, problem, problems

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths


TEST_SIZE = 0.2


class ImageFolder(DatasetConfig):
    """A folder of image files. Whatever the config leaves out is inferred when it is read."""

    about: ClassVar[str] = (
        "FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, or FOLDER/CLASS/* alone: PNG, JPEG, BMP, GIF and "
        "WebP.\n\n"
        "If classes or size are left out, they are read from the folder and written to a run's "
        "config.yaml, so a run can be read when the folder is gone. Images are converted to 8 bits per "
        "channel, transparent parts to white, photographs rotated upright. The decoded images are cached; "
        "each start reads all files, since their contents decide whether the cache is up to date."
    )

    name: Literal["folder"] = "folder"
    folder: str = Field(description="The folder; a relative path is relative to the current directory.")
    size: Pair | None = Field(
        None,
        description="(height, width) that all images are resized to; null: that of the first, which all must "
        "have.",
    )
    color_mode: Literal["rgb", "grayscale"] = Field("rgb", description="Color, or gray values.")
    resize: Literal["crop", "pad", "stretch", "exact"] = Field(
        "crop",
        description="crop: fill size and cut off the rest. pad: fit into size, black around. "
        "stretch: change the proportions. exact: refuse other sizes.",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="An image that cannot be read is an error, or is skipped with a warning."
    )
    test_size: int | float = Field(
        TEST_SIZE,
        description="A count or a fraction of images to test with, drawn with seed, if the folder has no "
        "test images.",
    )

    @property
    def title(self) -> str:
        return expanded(self.folder).absolute().name

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
        if given is not None and data.get("size") is not None and not _is_folder(data["folder"]):
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


def _is_folder(folder: str) -> bool:
    path = expanded(folder)
    return can_be_path(path) and path.is_dir()


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
