"""The datasets that go by a name, what is on this machine of them, and any dataset by its name or path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from cnnlab.datasets import DATASETS, OWN_DATA, DataPaths, DatasetConfig, DownloadProgress
from cnnlab.datasets.loading import load_content
from cnnlab.datasets.reading.image_formats import is_archive
from cnnlab.errors import UserError, unknown
from cnnlab.files import name_problem
from cnnlab.language.fields import Shape

if TYPE_CHECKING:
    from cnnlab.datasets.content import Provenance
    from cnnlab.datasets.inspection import Inspection
    from cnnlab.datasets.left_out import LeftOut

FileStatus = Literal["official", "unverified", "missing", "broken", "generated"]
"""official: the checksums of the files match the published ones. unverified: they do not, or none is
published for such files. missing: on this machine there are none. broken: files are incomplete or damaged.
generated: there are none, cnnlab draws the set."""


@dataclass(frozen=True)
class DatasetListing:
    """A dataset with its default settings, and what is on this machine of it."""

    name: str
    title: str
    image_shape: Shape
    num_classes: int
    train_count: int
    test_count: int
    source: Literal["published", "drawn"]
    urls: tuple[str, ...]
    status: FileStatus
    path: str | None
    """Where the files are; None where there are none, or broken ones."""

    problem: str | None
    """What is wrong with broken files."""


@dataclass(frozen=True)
class DatasetOrigin:
    """A dataset that was found or downloaded, and read."""

    name: str
    title: str
    provenance: Provenance

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, **self.provenance.as_dict()}


@dataclass(frozen=True)
class CheckedDataset(DatasetOrigin):
    """A dataset whose images were all looked at."""

    inspection: Inspection
    left_out: tuple[LeftOut, ...]
    """Files that are not read."""

    notes: tuple[str, ...]
    """How the files were understood, in sentences."""

    def as_dict(self) -> dict[str, Any]:
        return {
            **super().as_dict(),
            **self.inspection.as_dict(),
            "left_out": [asdict(each) for each in self.left_out],
            "notes": self.notes,
        }


def dataset_named(name: str) -> DatasetConfig:
    """A dataset of the table with all its defaults.

    Raises:
        UserError: there is none of this name.
    """
    if name not in DATASETS:
        raise unknown("dataset", name, DATASETS)
    return DATASETS[name].model_validate({"name": name})


def dataset_at(source: str, *, size: tuple[int, int] | None = None) -> DatasetConfig | None:
    """The dataset behind a name, or the path of a folder of images or an .npz file; None where it is neither.

    Args:
        size: (height, width) of a folder's images; None: that of the first.

    Raises:
        UserError: the folder or file cannot be used.
    """
    if source in DATASETS:
        return dataset_named(source)
    path = Path(source)
    if problem := name_problem(path):
        raise UserError(f"{source}: expected a path, found {problem}")
    if is_archive(path.name) and path.is_file():
        raise UserError(f"{source}: expected a folder, found an archive\n   unpack it, and give the folder")
    try:
        if path.is_dir():
            return OWN_DATA["folder"].model_validate(
                {"folder": source} | ({"size": list(size)} if size else {})
            )
        if path.suffix == ".npz":
            return OWN_DATA["npz"].model_validate({"npz": source})
    except ValidationError as error:
        said = [str(each["ctx"]["message"]) for each in error.errors()]
        # What is wrong with a file is said with its name already.
        named = [each if each.startswith(source) else f"{source}: {each}" for each in said]
        raise UserError("\n".join(named)) from None
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {error.strerror}") from None
    return None


def list_datasets(data_paths: DataPaths) -> list[DatasetListing]:
    """Every dataset that goes by a name. Files are told by their checksums: no image is decoded."""
    return [_facts(dataset_named(name), data_paths) for name in DATASETS]


def _facts(config: DatasetConfig, data_paths: DataPaths) -> DatasetListing:
    path, problem = None, None
    try:
        path = config.locate(data_paths)
        status: FileStatus = "missing" if config.remote_files else "generated"
        if path is not None:
            status = "official" if config.matches_checksums(data_paths) else "unverified"
    except UserError as error:
        status, problem = "broken", str(error)
    return DatasetListing(
        name=config.name,
        title=config.title,
        image_shape=config.image_shape,
        num_classes=config.num_classes,
        train_count=config.train_count,
        test_count=config.test_count,
        source="published" if config.remote_files else "drawn",
        urls=tuple(remote.url for remote in config.remote_files),
        status=status,
        path=None if path is None else str(path),
        problem=problem,
    )


def fetch_datasets(
    names: Sequence[str], data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Iterator[DatasetOrigin]:
    """Find or download datasets, and verify them; all published ones where none is named.

    Raises:
        UserError: a name is unknown, or files are broken; nothing is fetched if a name is unknown.
        DownloadError: a download failed.
    """
    configs = [dataset_named(name) for name in names or DATASETS]
    for config in configs:
        if names or config.remote_files:
            content = config.read(data_paths, progress=progress)
            yield DatasetOrigin(config.name, config.title, content.provenance)


def check_dataset(
    config: DatasetConfig, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> CheckedDataset:
    """Read a dataset and look at all images of its chosen classes.

    Raises:
        UserError: files are broken, or a chosen class has no images.
        DownloadError: the files are nowhere and cannot be downloaded.
    """
    content = load_content(config, data_paths, progress=progress)
    from cnnlab.datasets.inspection import find_duplicates, inspect_content

    plain = content
    if config.distort is not None:  # no two distorted images are equal
        plain = load_content(config.model_copy(update={"distort": None}), data_paths, progress=progress)
    inspection = inspect_content(content, config.class_names, find_duplicates(plain))
    return CheckedDataset(
        config.name, config.full_title, content.provenance, inspection, content.left_out, content.notes
    )
