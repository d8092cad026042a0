"""What every dataset is in a config: the fields of its `dataset:` section, and the facts known unread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cnnlab.datasets.appearance import Appearance
from cnnlab.datasets.distortion import Distortion
from cnnlab.datasets.fold import Fold
from cnnlab.datasets.label_noise import LabelNoiseField
from cnnlab.datasets.permutation import PermutationField
from cnnlab.errors import suggestion
from cnnlab.foreign_text import composed, one_line
from cnnlab.language.fields import (
    AsRange,
    AsTuple,
    DataFormat,
    NonNegative,
    Positive,
    Settings,
    Shape,
    as_written,
    problem,
    problems,
)

if TYPE_CHECKING:
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.data_paths import DataPaths, RemoteFile

ResizeMode = Literal["crop", "pad", "stretch"]
ImageKind = Literal["photograph", "figure", "digit", "other"]

DownloadProgress = Callable[[str, int, int | None], None]
"""Told while something loads: the file's name, "reading …" or "decoding …"; bytes so far; all, if known."""

UNIT_SCALE = (0.0, 1.0)
"""What networks see by default: uint8 / 255."""


def _in_utf8(name: str) -> str:
    """Folders may be called anything, but runs record the names of their classes in JSON and YAML."""
    try:
        name.encode()
    except UnicodeEncodeError:
        problem = "expected names in UTF-8; rename the folder"
        raise ValueError(f"{problem} {one_line(name)}") from None
    return composed(name)


ClassName = Annotated[str, AfterValidator(_in_utf8)]
"""In Unicode's composed form (NFC), as the classes of a folder are."""


class DatasetConfig(Settings):
    """The `dataset:` section of a config: which images, how many, and as which numbers.

    A subclass is one source. It gives `name` (a `Literal`), the facts below as class variables (or as
    properties, where they depend on its own fields) and `read`. All facts are known without reading a
    file, except where a property says otherwise.
    """

    name: str = Field(description="Which dataset.")
    train_size: Positive | None = Field(
        None, description="Number of training images, the first of the set; null: all of them."
    )
    validation_size: int | float = Field(
        0.1, description="A count, or a fraction of the training images used; 0: no validation."
    )
    seed: NonNegative = Field(
        0,
        description="Draws the validation images if they are split off the training images; not the run's "
        "seed.",
    )
    data_format: DataFormat = Field("channels_last", description="channels_first: images are (C, H, W).")
    scale: Annotated[tuple[float, float], AsRange] = Field(
        UNIT_SCALE, description="The values of black and full brightness."
    )
    standardize: bool = Field(
        False,
        description="Mean 0 and standard deviation 1 for each channel over the training images used; "
        "replaces scale.",
    )
    classes: Annotated[tuple[ClassName, ...] | None, AsTuple] = Field(
        None,
        description="Only images of these classes, which are numbered in this order; null: of all classes.",
    )
    stratified: bool = Field(
        False,
        description="Draw the train_size images with seed, each class in proportion, instead of taking the "
        "first.",
    )
    distort: Distortion | None = Field(
        None, description="Turn, scale and shift all images, test images included; null: none."
    )

    permute_pixels: PermutationField = Field(
        None,
        description="Let the pixels of all images change places, by one permutation: a seed, or "
        "{seed: 0, block: 4} for blocks of pixels; null: none.",
    )
    label_noise: LabelNoiseField = Field(
        None,
        description="The fraction of training labels that are replaced by another class, or "
        "{share: 0.1, seed: 0}; null or 0: none.",
    )
    fold: Fold | None = Field(
        None,
        description="{of: 5, index: 0}: test on this fold of the training images, train on the others; null: "
        "test on the test images.",
    )

    brightest: ClassVar[int] = 255
    """The pixel value that a picture of the image shows as white."""

    @property
    def appearance(self) -> Appearance:
        """How the images are drawn, wherever they are drawn."""
        return Appearance(self.brightest)

    image_kind: ClassVar[ImageKind] = "photograph"
    """What the images show: figures and digits are bright on black, digits besides centred as MNIST's are."""

    remote_files: ClassVar[tuple[RemoteFile, ...]] = ()
    """What is downloaded where the files are nowhere; none where the set is drawn, or the user's own."""

    @property
    def title(self) -> str:
        """The name as people write it, such as Fashion-MNIST."""
        self._missing("title")

    @property
    def full_title(self) -> str:
        """The title, with what was done to the images or their labels: MNIST, distorted."""
        done = [self.title]
        if self.distort is not None:
            done.append("distorted")
        if self.permute_pixels is not None:
            side = self.permute_pixels.block
            done.append("pixels permuted" if side == 1 else f"{side}×{side} blocks permuted")
        if self.label_noise is not None:
            done.append(f"{100 * self.label_noise.share:g}% label noise")
        if self.fold is not None:
            done.append(str(self.fold))
        return ", ".join(done)

    @property
    def image_shape(self) -> Shape:
        """(height, width, channels) of one image, whatever the data format."""
        self._missing("image_shape")

    @property
    def all_classes(self) -> tuple[str, ...]:
        """The classes of the source: label k of its files is called all_classes[k]."""
        self._missing("all_classes")

    if TYPE_CHECKING:
        # Class variables where a source has a fixed number of images, fields where it draws as many as it is
        # told to: pydantic lets a field hide nothing that exists.

        @property
        def train_count(self) -> int:
            """How many training images the source has, validation images included."""

        @property
        def test_count(self) -> int: ...

    @property
    def input_shape(self) -> Shape:
        """The shape of one image as the network sees it."""
        height, width, channels = self.image_shape
        return (channels, height, width) if self.data_format == "channels_first" else self.image_shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """The chosen classes, else all: what output k of a network, and label k after loading, is called."""
        return self.all_classes if self.classes is None else self.classes

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def locate(self, data_paths: DataPaths) -> Path | None:
        """Where the files are; None where there are none, or the set is drawn."""
        return None

    def matches_checksums(self, data_paths: DataPaths) -> bool:
        """Whether the files that `locate` finds are the official ones, told without decoding an image.

        Raises:
            UserError: a file is broken.
        """
        return False

    @property
    def resize_mode(self) -> ResizeMode:
        """How an image that is not of the set is brought to `image_shape`."""
        return "crop"

    def read(self, data_paths: DataPaths, *, progress: DownloadProgress | None = None) -> Content:
        """Find or make the images and decode them.

        Raises:
            UserError: a file is broken or not what it should be.
            DownloadError: the files are nowhere and cannot be downloaded.
        """
        self._missing("read")

    def _missing(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{what}")

    @model_validator(mode="after")
    def _whole_blocks(self) -> Self:
        if self.permute_pixels is None:
            return self
        try:
            height, width, _ = self.image_shape
        except ValueError:  # a size that could not be read from the user's files, which is said already
            return self
        side = self.permute_pixels.block
        if height % side or width % side:
            message = f"blocks of {side}×{side} do not divide images of {height}×{width}"
        elif (height, width) == (side, side):
            message = f"one block of {side}×{side} is the whole image, and nothing changes places"
        else:
            return self
        common = [each for each in range(1, min(height, width) + 1) if not (height % each or width % each)]
        fitting = ", ".join(str(each) for each in common if (each, each) != (height, width))
        raise problems(problem(f"{message}; expected one of {fitting}", ("permute_pixels", "block")))

    @field_validator("train_size", mode="after")
    @classmethod
    def _enough_images(cls, value: int | None) -> int | None:
        # The validator sits on the field, so that the error points at its line. Where train_count is a
        # property or a field, the subclass checks, or `split_sizes` when the set is loaded.
        known = getattr(cls, "train_count", None)
        if value is not None and isinstance(known, int) and value > known:
            raise ValueError(f"expected at most {known} training images, found {value}")
        return value

    @field_validator("validation_size", mode="before")
    @classmethod
    def _count_or_fraction(cls, value: Any) -> Any:
        return check_validation_size(value)

    @field_validator("validation_size", mode="after")
    @classmethod
    def _some_left_for_training(cls, value: int | float, info: ValidationInfo) -> int | float:
        known = getattr(cls, "train_count", None)
        if isinstance(known, int) and isinstance(value, int) and "train_size" in info.data:
            used = info.data["train_size"] or known
            if used + value > known and value >= used:
                raise ValueError(f"expected fewer than the {used} training images used, found {value}")
        return value

    @field_validator("scale", mode="after")
    @classmethod
    def _ascending(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError(f"expected two ascending numbers, found {list(value)}")
        return value

    @field_validator("standardize", mode="after")
    @classmethod
    def _one_scaling(cls, value: bool, info: ValidationInfo) -> bool:
        default = cls.model_fields["scale"].default
        if value and info.data.get("scale", default) != default:
            raise ValueError("standardize and scale exclude each other; remove one of them")
        return value

    @field_validator("classes", mode="after")
    @classmethod
    def _known_classes(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        if len(value) < 2:
            raise ValueError(f"expected two classes or more, found {len(value)}")
        if len(set(value)) < len(value):
            twice = next(name for name in value if value.count(name) > 1)
            raise ValueError(f"class {as_written(twice)} is given twice")
        known: Any = cls.all_classes  # a property where they depend on other fields
        for name in value:
            if isinstance(known, tuple) and name not in known:
                raise ValueError(f"unknown class {as_written(name)}; {suggestion(name, known)}")
        return value


def check_validation_size(value: Any) -> Any:
    """A count or a fraction, as it is.

    Raises:
        ValueError: it is neither.
    """
    # One check instead of a union of two types: a union reports one error per member.
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    is_fraction = isinstance(value, float) and 0 <= value < 1
    if not (is_count or is_fraction):
        raise ValueError(f"expected a count (0 or more) or a fraction below 1, found {as_written(value)}")
    return value
