"""Downloading published files: resumed where broken off, checked before they count, one process at a time."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import filelock

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.data_paths import DataPaths, RemoteFile
from cnnlab.errors import CnnlabError

CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds without an answer, or without a further byte, until a server counts as unreachable."""

ATTEMPTS = 3
"""A transfer that is cut off goes on where it was, this many times in all."""

LARGEST = 1 << 28
"""Bytes; nothing that is published here is larger than 170 MB."""


class DownloadError(CnnlabError):
    """Files are nowhere on this machine and could not be downloaded."""


class CutOff(Exception):
    """The connection broke during a transfer; what has come so far is kept."""


def download_all(
    remotes: Sequence[RemoteFile],
    data_paths: DataPaths,
    *,
    folder: str,
    title: str,
    looked_for: str,
    progress: DownloadProgress | None = None,
) -> list[Path]:
    """Download the files of a set into the cache.

    Args:
        remotes: the published files.
        data_paths: where they were looked for; the cache takes them.
        folder: the set's folder in the cache.
        title: the set's name, for messages.
        looked_for: what a user without a network should put into a folder, for messages.

    Raises:
        DownloadError: says where was looked, what failed, and how to do without the network.
    """
    try:
        return [download(remote, data_paths.cache / folder, progress=progress) for remote in remotes]
    except DownloadError as error:
        searched = ", ".join(str(place) for place in data_paths.searched)
        raise DownloadError(
            f"{title} is not on this machine, and its download failed: {error}\n"
            f"   looked in {searched} for {looked_for}\n"
            "   with a network, run the command again; without one, put the files into a folder and give it "
            "as --data-dir FOLDER (or CNNLAB_DATA_DIR)"
        ) from error


def download(
    remote: RemoteFile, folder: Path, *, progress: DownloadProgress | None = None, timeout: float = TIMEOUT
) -> Path:
    """Bring one file into a folder, unless it is there.

    It grows as NAME.partial and takes its name only once its checksum is right, so the folder never
    holds a wrong file. A partial file from an earlier attempt is continued where the server can.

    Raises:
        DownloadError: unreachable, refused, cut off for good, wrong content, or no room on the disk.
    """
    path = folder / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f"{remote.name}.lock"):
            # Another process may have brought it while this one waited for the lock.
            if not path.exists():
                partial = folder / f"{remote.name}.partial"
                _transfer(remote, partial, progress, timeout)
                partial.replace(path)
    except OSError as error:
        raise DownloadError(f"cannot write to {folder}: {error.strerror or error}") from error
    return path


def _transfer(remote: RemoteFile, partial: Path, progress: DownloadProgress | None, timeout: float) -> None:
    """Fill the partial file and verify it; a wrong one is removed."""
    resumed = partial.exists()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(remote, partial, progress, timeout)
        except CutOff as error:
            if attempt == ATTEMPTS:
                raise DownloadError(f"{remote.url}: {error}") from error
            continue
        found = _checksum(partial, remote.algorithm)
        if found == remote.checksum:
            return
        partial.unlink()
        if not resumed:
            raise DownloadError(
                f"{remote.url}: expected {remote.algorithm} {remote.checksum}, found {found}; "
                "the file was discarded"
            )
        resumed = False  # the old part may be to blame: once more, from the start
    raise DownloadError(f"{remote.url}: incomplete after {ATTEMPTS} attempts")


def _receive(remote: RemoteFile, partial: Path, progress: DownloadProgress | None, timeout: float) -> None:
    """One request, from the end of the partial file on."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(remote.url, headers={"User-Agent": "cnnlab"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            _write(response, remote, partial, have, progress)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                # Whole already, or longer than the file: the checksum tells which.
                return
            endless = "infinite loop" in str(error.reason)  # urllib says it in three lines
            reason = "endless redirects" if endless else error.reason
            raise DownloadError(f"{remote.url}: {error.code} {reason}") from error
    except urllib.error.URLError as error:
        raise DownloadError(f"{remote.url} cannot be reached ({error.reason})") from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise CutOff(f"the connection broke ({error}); the part received is kept") from error


def _write(
    response: http.client.HTTPResponse,
    remote: RemoteFile,
    partial: Path,
    have: int,
    progress: DownloadProgress | None,
) -> None:
    """Append to the partial file, or start it anew where the server sends the whole file."""
    start = _start(response) if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
    if start not in (0, have):
        raise DownloadError(
            f"{remote.url}: requested the bytes from {have} on, received those from {start} on"
        )
    declared = response.headers.get("Content-Length", "")
    total = start + int(declared) if declared.isdigit() else None
    if total is not None and total > LARGEST:
        raise DownloadError(f"{remote.url}: expected at most {LARGEST} bytes, found {total}")
    done = start
    with partial.open("ab" if start else "wb") as file:
        while chunk := response.read(CHUNK):
            done += len(chunk)
            if done > LARGEST:
                raise DownloadError(f"{remote.url}: expected at most {LARGEST} bytes, found more")
            file.write(chunk)
            if progress is not None:
                progress(remote.name, done, total)
    # A closed connection looks like the end of the file; only the declared length tells them apart.
    if total is not None and done < total:
        raise CutOff(f"the connection broke after {done} of {total} bytes; the part received is kept")


def _start(response: http.client.HTTPResponse) -> int:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else 0


def _checksum(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
