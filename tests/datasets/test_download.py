import contextlib
import errno
import hashlib
import http.server
import io
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cnnlab.datasets import DATASETS, DataPaths, load_dataset
from cnnlab.datasets.data_paths import RemoteFile
from cnnlab.datasets.reading import download
from cnnlab.datasets.reading.download import DownloadError
from cnnlab.datasets.sources.mnist import Mnist

CONTENT = np.random.default_rng(0).bytes(1_000_000)


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT in whatever way a test wants, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.resumes = True
        self.cut_after: list[int] = []
        self.status: int | None = None
        self.declares_length = True
        self.shifts_ranges = 0
        self.redirects: str | None = None
        self.pieces = 1
        self.pauses: list[float] = []  # between pieces, one number for each request
        self.asked: list[str | None] = []

    def remote(self, *, content: bytes = CONTENT, algorithm: str = "sha256") -> RemoteFile:
        checksum = hashlib.new(algorithm, content).hexdigest()
        return RemoteFile(f"http://127.0.0.1:{self.server_port}/folder/set.gz", checksum, algorithm)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        wanted = self.headers["Range"]
        self.server.asked.append(wanted)
        if self.server.redirects and self.path != "/real":
            self.send_response(302)
            self.send_header("Location", self.server.redirects)
            self.end_headers()
            return
        if self.server.status:
            self.send_error(self.server.status)
            return
        start = 0
        if wanted and self.server.resumes:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.server.content):
                self.send_error(416)
                return
            start += self.server.shifts_ranges
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if self.server.declares_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cut_after:
            body = body[: self.server.cut_after.pop(0)]
        step = max(1, len(body) // self.server.pieces)
        pause = self.server.pauses.pop(0) if self.server.pauses else 0.0
        with contextlib.suppress(ConnectionError):  # the other side may have had enough
            for begin in range(0, len(body), step):
                self.wfile.write(body[begin : begin + step])
                time.sleep(pause)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "set"


def failure(remote, folder, **options):
    with pytest.raises(DownloadError) as caught:
        download.download(remote, folder, **options)
    assert caught.value.exit_code == 1
    return str(caught.value)


def names(folder):
    return {path.name for path in folder.iterdir()} - {"set.gz.lock"}


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_arrives_whole_and_under_its_name(server, folder, algorithm):
    told = []
    path = download.download(
        server.remote(algorithm=algorithm), folder, progress=lambda *arguments: told.append(arguments)
    )
    assert path == folder / "set.gz"
    assert path.read_bytes() == CONTENT
    assert names(folder) == {"set.gz"}
    assert {name for name, _, _ in told} == {"set.gz"}
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert told[-1] == ("set.gz", len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_asked_for(server, folder):
    download.download(server.remote(), folder)
    download.download(server.remote(), folder)
    assert server.asked == [None]


def test_a_length_that_is_not_declared_is_unknown_to_progress(server, folder):
    server.declares_length = False
    told = []
    download.download(server.remote(), folder, progress=lambda *arguments: told.append(arguments))
    assert told[-1] == ("set.gz", len(CONTENT), None)


def test_a_wrong_file_is_discarded_and_never_takes_the_name(server, folder):
    server.content = b"something else"
    found = hashlib.sha256(b"something else").hexdigest()
    remote = server.remote()
    assert failure(remote, folder) == (
        f"{remote.url}: expected sha256 {remote.checksum}, found {found}; the file was discarded"
    )
    assert names(folder) == set()
    assert server.asked == [None]


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "Not Found"), (403, "Forbidden"), (500, "Internal Server Error")]
)
def test_a_refusal_is_told(server, folder, status, reason):
    server.status = status
    remote = server.remote()
    assert failure(remote, folder) == f"{remote.url}: {status} {reason}"
    assert server.asked == [None]


def test_a_transfer_that_is_cut_off_goes_on_where_it_was(server, folder):
    server.cut_after = [300_000, 200_000]
    path = download.download(server.remote(), folder)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_transfer_that_is_cut_off_again_and_again_is_kept_for_the_next_time(server, folder):
    server.cut_after = [100_000, 100_000, 100_000]
    remote = server.remote()
    assert failure(remote, folder) == (
        f"{remote.url}: the connection broke after 300000 of 1000000 bytes; the part received is kept"
    )
    assert names(folder) == {"set.gz.partial"}
    assert download.download(remote, folder).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=300000-"
    assert names(folder) == {"set.gz"}


def test_a_server_that_cannot_resume_sends_the_whole_file(server, folder):
    folder.mkdir(parents=True)
    (folder / "set.gz.partial").write_bytes(CONTENT[:400_000])
    server.resumes = False
    assert download.download(server.remote(), folder).read_bytes() == CONTENT
    assert server.asked == ["bytes=400000-"]


def test_a_partial_file_that_was_whole_is_taken(server, folder):
    folder.mkdir(parents=True)
    (folder / "set.gz.partial").write_bytes(CONTENT)
    assert download.download(server.remote(), folder).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000000-"]


@pytest.mark.parametrize("size", [400_000, 1_000_000, 1_000_001], ids=["part", "whole", "more"])
def test_a_wrong_partial_file_is_given_up_for_a_new_start(server, folder, size):
    folder.mkdir(parents=True)
    (folder / "set.gz.partial").write_bytes(bytes(size))
    assert download.download(server.remote(), folder).read_bytes() == CONTENT
    assert server.asked == [f"bytes={size}-", None]


def test_a_server_that_sends_another_range_is_not_believed(server, folder):
    folder.mkdir(parents=True)
    (folder / "set.gz.partial").write_bytes(CONTENT[:1000])
    server.shifts_ranges = 5
    remote = server.remote()
    assert (
        failure(remote, folder)
        == f"{remote.url}: requested the bytes from 1000 on, received those from 1005 on"
    )


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_without_end_is_stopped(server, folder, monkeypatch, declared):
    monkeypatch.setattr(download, "LARGEST", 500_000)
    server.declares_length = declared
    assert "expected at most 500000 bytes, found " in failure(server.remote(), folder)


def test_an_unreachable_server_is_told(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/set.gz"
        message = failure(RemoteFile(url, "0" * 64), folder)
    assert message == f"{url} cannot be reached ([Errno {errno.ECONNREFUSED}] Connection refused)"


def test_a_silent_server_is_given_up(folder, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/set.gz"
        message = failure(RemoteFile(url, "0" * 64), folder, timeout=0.1)
    assert message == f"{url}: the connection broke (timed out); the part received is kept"


def test_a_cache_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    folder = tmp_path / "cache" / "set"
    assert failure(server.remote(), folder) == f"cannot write to {folder}: Not a directory"


def test_a_full_disk_is_told(server, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_write", full)
    assert failure(server.remote(), folder) == f"cannot write to {folder}: No space left on device"


def test_a_disk_that_fills_up_leaves_a_part_that_the_next_attempt_goes_on_with(server, folder, monkeypatch):
    usual = Path.open

    class Full(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > 600_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def open_full(path, mode="r", *rest, **options):
        return Full(path, mode) if mode in ("wb", "ab") else usual(path, mode, *rest, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_full)
        assert failure(server.remote(), folder) == f"cannot write to {folder}: No space left on device"
    assert names(folder) == {"set.gz.partial"}
    size = (folder / "set.gz.partial").stat().st_size
    assert 0 < size <= 600_000
    assert download.download(server.remote(), folder).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={size}-"]


def test_a_slow_server_is_waited_for_as_long_as_bytes_come(server, folder):
    server.pieces, server.pauses = 20, [0.02]  # longer in all than the timeout, never in one piece
    assert download.download(server.remote(), folder, timeout=0.3).read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_server_that_stops_in_the_middle_is_asked_for_the_rest(server, folder):
    server.pieces, server.pauses = 2, [0.5]
    assert download.download(server.remote(), folder, timeout=0.1).read_bytes() == CONTENT
    assert server.asked[0] is None
    assert server.asked[1].startswith("bytes=")


def test_a_redirection_is_followed(server, folder):
    server.redirects = "/real"
    assert download.download(server.remote(), folder).read_bytes() == CONTENT


def test_a_redirection_endless_is_told(server, folder):
    server.redirects = "/folder/set.gz"
    remote = server.remote()
    assert failure(remote, folder) == f"{remote.url}: 302 endless redirects"
    assert len(server.asked) <= 12
    assert names(folder) == set()


def test_a_redirection_to_a_file_of_this_machine_is_refused(server, folder, tmp_path):
    (tmp_path / "secret").write_bytes(CONTENT)
    server.redirects = f"file://{tmp_path / 'secret'}"
    assert "is not allowed" in failure(server.remote(), folder)
    assert names(folder) == set()


def test_a_process_that_is_killed_leaves_a_part_and_no_lock(server, folder):
    server.pieces, server.pauses = 20, [0.05]
    remote = server.remote()
    program = (
        "from pathlib import Path; from cnnlab.datasets.reading.download import download;"
        "from cnnlab.datasets.data_paths import RemoteFile;"
        f"download(RemoteFile({remote.url!r}, {remote.checksum!r}), Path({str(folder)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as worker:
        partial = folder / "set.gz.partial"
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        worker.kill()
    assert names(folder) == {"set.gz.partial"}
    assert download.download(remote, folder).read_bytes() == CONTENT
    assert server.asked[-1].startswith("bytes=")


def test_two_processes_download_once(server, folder):
    remote = server.remote()
    program = (
        "from pathlib import Path; from cnnlab.datasets.reading.download import download;"
        "from cnnlab.datasets.data_paths import RemoteFile;"
        f"download(RemoteFile({remote.url!r}, {remote.checksum!r}), Path({str(folder)!r}))"
    )
    workers = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [worker.wait(timeout=30) for worker in workers] == [0, 0]
    assert (folder / "set.gz").read_bytes() == CONTENT
    assert server.asked == [None]


def mnist_from(remote: RemoteFile) -> Mnist:
    class Elsewhere(Mnist):
        remote_files = (remote,)

    return Elsewhere(validation_size=0)


def test_a_dataset_that_is_nowhere_is_downloaded_once_and_then_found(server, data_paths, tiny):
    buffer = io.BytesIO()
    np.savez(buffer, x_train=tiny[0], y_train=tiny[1], x_test=tiny[2], y_test=tiny[3])
    server.content = buffer.getvalue()
    remote = RemoteFile(
        f"http://127.0.0.1:{server.server_port}/mnist.npz", hashlib.sha256(server.content).hexdigest()
    )
    told = []
    config = mnist_from(remote)
    first = load_dataset(config, data_paths, progress=lambda *arguments: told.append(arguments))
    np.testing.assert_array_equal(first.train.images[..., 0], tiny[0])
    assert told[-1] == ("mnist.npz", len(server.content), len(server.content))
    assert load_dataset(config, data_paths).provenance == first.provenance
    assert first.provenance.origin == str(data_paths.cache / "mnist" / "mnist.npz")
    assert server.asked == [None]


def test_without_files_and_network_the_user_learns_what_to_put_where(server, data_paths):
    server.status = 404
    remote = server.remote()
    with pytest.raises(DownloadError) as caught:
        load_dataset(mnist_from(remote), data_paths)
    assert caught.value.exit_code == 1
    assert str(caught.value) == (
        f"MNIST is not on this machine, and its download failed: {remote.url}: 404 Not Found\n"
        f"   looked in {data_paths.data_dir}, {data_paths.cache}, {data_paths.keras_cache} for mnist.npz "
        "or the four IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
        "t10k-labels-idx1-ubyte; .gz or not)\n"
        "   with a network, run the command again; without one, put the files into a folder and give it as "
        "--data-dir FOLDER (or CNNLAB_DATA_DIR)"
    )


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_published_files_come_over_https_with_a_full_checksum(name):
    for remote in DATASETS[name].remote_files:
        assert remote.url.startswith("https://")
        assert len(remote.checksum) == hashlib.new(remote.algorithm).digest_size * 2


def test_places_without_a_data_folder_are_enough(server, tmp_path):
    server.status = 404
    with pytest.raises(DownloadError, match=r"looked in .*/cache, .*/keras for"):
        load_dataset(mnist_from(server.remote()), DataPaths(None, tmp_path / "cache", tmp_path / "keras"))
