"""Where dataset files come from: folders that are searched, and files that are published."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cnnlab.errors import UserError
from cnnlab.files import can_be_path, expanded


@dataclass(frozen=True)
class DataPaths:
    """The folders a source looks into, in this order, before it downloads into `cache`."""

    data_dir: Path | None
    """The user's own folder (`--data-dir`, `CNNLAB_DATA_DIR`)."""

    cache: Path
    keras_cache: Path

    by_option: bool = False
    """Whether `data_dir` was given for this call, not by the environment."""

    @classmethod
    def from_environment(cls, data_dir: Path | None = None) -> DataPaths:
        """The folders as options and environment variables say.

        Args:
            data_dir: the option `--data-dir`; it beats `CNNLAB_DATA_DIR`.

        Raises:
            UserError: the data folder is not a folder, or there is no home folder for the caches.
        """
        import platformdirs

        cache = os.environ.get("CNNLAB_CACHE")
        keras_home = os.environ.get("KERAS_HOME")
        try:
            return cls(
                data_dir=_data_dir(data_dir),
                cache=expanded(cache) if cache else platformdirs.user_cache_path("cnnlab") / "datasets",
                keras_cache=(Path(keras_home) if keras_home else Path.home() / ".keras") / "datasets",
                by_option=data_dir is not None,
            )
        except RuntimeError as error:  # of a user whom the system does not know, where HOME is not set
            raise UserError(
                "there is no home folder for the cache: set HOME, or both CNNLAB_CACHE and KERAS_HOME"
            ) from error

    @property
    def searched(self) -> tuple[Path, ...]:
        """All folders, in the order in which they are searched."""
        own = () if self.data_dir is None else (self.data_dir,)
        return (*own, self.cache, self.keras_cache)


@dataclass(frozen=True)
class RemoteFile:
    """A published file and the checksum that tells it from a damaged or exchanged one."""

    url: str
    checksum: str
    """Lower-case hex."""

    algorithm: str = "sha256"

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def _data_dir(option: Path | None) -> Path | None:
    variable = os.environ.get("CNNLAB_DATA_DIR")
    if option is not None:
        folder, given_by = Path(option), "--data-dir"
    elif variable:
        folder, given_by = Path(variable), "CNNLAB_DATA_DIR"
    else:
        return None
    folder = expanded(folder)
    if not can_be_path(folder) or not folder.is_dir():
        found = "a file" if can_be_path(folder) and folder.exists() else "nothing"
        raise UserError(
            f"{given_by}: expected a folder, found {found} at {folder}\n"
            f"   create it, or leave {given_by} out to use the cache and the network"
        )
    return folder
