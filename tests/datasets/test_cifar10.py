import gzip
import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from cnnlab.datasets import DATASETS, DataPaths, load_dataset
from cnnlab.datasets.reading import archive, cifar10_files
from cnnlab.datasets.reading.cifar10_files import BATCHES
from cnnlab.errors import UserError

CIFAR10 = DATASETS["cifar10"](validation_size=0)
COUNT = 4
"""Images per batch in these tests."""


@pytest.fixture(autouse=True)
def small_batches(request, monkeypatch):
    if "real_data" not in request.fixturenames:
        monkeypatch.setattr(cifar10_files, "BATCH_COUNT", COUNT)


@pytest.fixture
def arrays():
    """Images (24, 32, 32, 3) and labels (24,): five batches to train and one to test."""
    rng = np.random.default_rng(3)
    return rng.integers(256, size=(6 * COUNT, 32, 32, 3), dtype=np.uint8), np.arange(6 * COUNT) % 10


def binary(images, labels):
    """One label byte, then the red, green and blue planes: the official description."""
    return b"".join(
        bytes([label]) + image[..., 0].tobytes() + image[..., 1].tobytes() + image[..., 2].tobytes()
        for image, label in zip(images, labels, strict=True)
    )


def pickled(images, labels, protocol=2):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), 3072)
    names = [f"{label}.png" for label in labels]
    return pickle.dumps({"data": planes, "labels": labels.tolist(), "filenames": names}, protocol)


def files(arrays, encode):
    suffix = ".bin" if encode is binary else ""
    images, labels = arrays
    parts = [slice(start, start + COUNT) for start in range(0, 6 * COUNT, COUNT)]
    return {
        f"{name}{suffix}": encode(images[part], labels[part])
        for name, part in zip(BATCHES, parts, strict=True)
    }


def write_folder(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def write_archive(path, contents, *, folder="cifar-10-batches-py", mode="w:gz"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def assert_holds(data, arrays):
    images, labels = arrays
    np.testing.assert_array_equal(data.train.images, images[:-COUNT])
    np.testing.assert_array_equal(data.train.labels, labels[:-COUNT])
    np.testing.assert_array_equal(data.test.images, images[-COUNT:])
    np.testing.assert_array_equal(data.test.labels, labels[-COUNT:])


def refused(data_paths):
    with pytest.raises(UserError) as caught:
        load_dataset(CIFAR10, data_paths)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize("folder", [".", "cifar10"])
@pytest.mark.parametrize(
    ("layout", "encode"),
    [("cifar-10-batches-bin", binary), ("cifar-10-batches-py", pickled), (".", binary), (".", pickled)],
)
def test_both_layouts_are_found_as_folders(data_paths, arrays, folder, layout, encode):
    write_folder(data_paths.data_dir / folder / layout, files(arrays, encode))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)


@pytest.mark.parametrize("folder", [".", "cifar10"])
@pytest.mark.parametrize(
    ("name", "encode"), [("cifar-10-binary.tar.gz", binary), ("cifar-10-python.tar.gz", pickled)]
)
def test_both_layouts_are_found_as_archives(data_paths, arrays, folder, name, encode):
    write_archive(data_paths.data_dir / folder / name, files(arrays, encode))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)


@pytest.mark.parametrize("layout", ["cifar-10-batches-py", "cifar-10-batches-py-target/cifar-10-batches-py"])
def test_keras_folders_are_found(data_paths, arrays, layout):
    write_folder(data_paths.keras_cache / layout, files(arrays, pickled))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)


@pytest.mark.parametrize("name", ["cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target_archive"])
def test_keras_archives_are_found(data_paths, arrays, name):
    write_archive(data_paths.keras_cache / name, files(arrays, pickled))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickles_of_every_protocol_are_read(data_paths, arrays, protocol):
    def encode(images, labels):
        return pickled(images, labels, protocol)

    write_folder(data_paths.data_dir / "cifar-10-batches-py", files(arrays, encode))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)


def test_content_without_a_published_checksum_is_unverified(data_paths, arrays):
    folder = data_paths.data_dir / "cifar-10-batches-bin"
    write_folder(folder, files(arrays, binary))
    provenance = load_dataset(CIFAR10, data_paths).provenance
    assert provenance.status == "unverified"
    assert provenance.warning == (
        f"CIFAR-10 in {folder} is not known to be the official content (no published checksum matches); "
        "accuracies may differ from published ones"
    )


def test_a_folder_is_official_only_if_all_six_published_checksums_match(data_paths, arrays, monkeypatch):
    contents = files(arrays, pickled)
    write_folder(data_paths.data_dir / "cifar-10-batches-py", contents)
    published = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(cifar10_files, "OFFICIAL_MD5", published)
    assert load_dataset(CIFAR10, data_paths).provenance.status == "official"
    assert load_dataset(CIFAR10, data_paths).provenance.warning is None
    monkeypatch.setitem(published, "test_batch", "0" * 32)
    assert load_dataset(CIFAR10, data_paths).provenance.status == "unverified"


def test_an_archive_is_official_if_its_published_checksum_matches(data_paths, arrays, monkeypatch):
    path = data_paths.data_dir / "cifar-10-binary.tar.gz"
    write_archive(path, files(arrays, binary))
    monkeypatch.setattr(cifar10_files, "OFFICIAL_ARCHIVE_MD5", {hashlib.md5(path.read_bytes()).hexdigest()})
    assert load_dataset(CIFAR10, data_paths).provenance.status == "official"


def test_all_layouts_have_one_digest(data_paths, arrays):
    write_folder(data_paths.data_dir / "cifar-10-batches-bin", files(arrays, binary))
    write_archive(data_paths.cache / "cifar10" / "cifar-10-python.tar.gz", files(arrays, pickled))
    first = load_dataset(CIFAR10, data_paths).provenance
    second = load_dataset(CIFAR10, DataPaths(None, data_paths.cache, data_paths.keras_cache)).provenance
    assert (first.digest, first.test_digest) == (second.digest, second.test_digest)


@pytest.mark.parametrize("size", [0, 1, 3072, 3073, 3 * 3073, 4 * 3073 - 1, 4 * 3073 + 1])
def test_a_binary_batch_of_another_size_is_refused(data_paths, arrays, size):
    contents = files(arrays, binary)
    contents["data_batch_3.bin"] = bytes(size)
    folder = data_paths.data_dir / "cifar-10-batches-bin"
    write_folder(folder, contents)
    found = {0: "an empty file", 12293: "more than 12292 bytes"}.get(size, f"{size} bytes")
    assert refused(data_paths) == (
        f"{folder / 'data_batch_3.bin'}: expected 12292 bytes (4 images of 3073 bytes), found {found}"
    )


@pytest.mark.parametrize("encode", [binary, pickled])
def test_a_label_out_of_range_is_refused(data_paths, arrays, encode):
    images, labels = arrays
    labels = np.where(np.arange(len(labels)) == 5, 10, labels)
    folder = data_paths.data_dir / "cifar10"
    write_folder(folder, files((images, labels), encode))
    suffix = ".bin" if encode is binary else ""
    assert refused(data_paths) == f"{folder}/data_batch_2{suffix}: expected labels from 0 to 9, found 10"


@pytest.mark.parametrize("encode", [binary, pickled])
def test_a_missing_batch_in_the_users_folder_is_refused(data_paths, arrays, encode):
    contents = files(arrays, encode)
    del contents["test_batch.bin" if encode is binary else "test_batch"]
    folder = data_paths.data_dir / "cifar10" / "cifar-10-batches-bin"
    write_folder(folder, contents)
    missing = "test_batch.bin" if encode is binary else "test_batch"
    assert (
        refused(data_paths)
        == f"{folder}: expected {missing} beside {', '.join(contents)}, found no such file"
    )


class Attack:
    def __reduce__(self):
        return os.system, ("touch hacked",)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (pickle.dumps(Attack()), "a call of posix.system"),
        (pickle.dumps({"data": Attack(), "labels": []}), "a call of posix.system"),
        (pickle.dumps([1, 2]), "another object"),
        (pickle.dumps({"labels": [1] * COUNT}), "a dict without an array 'data' and a list 'labels'"),
        (pickle.dumps({"data": np.array([None]), "labels": []}), "an array of type 'O8'"),
    ],
    ids=["empty", "attack", "attack inside", "list", "no data", "objects"],
)
def test_a_pickle_that_is_no_batch_is_refused_by_name(
    data_paths, arrays, content, found, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    contents = files(arrays, pickled)
    contents["data_batch_1"] = content
    folder = data_paths.data_dir / "cifar-10-batches-py"
    write_folder(folder, contents)
    assert (
        refused(data_paths) == f"{folder / 'data_batch_1'}: expected a pickled CIFAR-10 batch, found {found}"
    )
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (3, 4, "expected data of shape (4, 3072) uint8, found (3, 3072) uint8"),
        (4, 3, "expected 4 labels from 0 to 9, found other labels"),
    ],
)
def test_a_pickled_batch_of_another_size_is_refused(data_paths, arrays, images, labels, message):
    contents = files(arrays, pickled)
    contents["test_batch"] = pickled(arrays[0][:images], arrays[1][:labels])
    folder = data_paths.data_dir / "cifar-10-batches-py"
    write_folder(folder, contents)
    assert refused(data_paths) == f"{folder / 'test_batch'}: {message}"


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("encode", [binary, pickled])
def test_an_archive_cut_anywhere_is_refused_by_name(data_paths, arrays, share, encode):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    write_archive(path, files(arrays, encode))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    if share < 0.999:  # the last bytes are padding and check sum
        assert refused(data_paths).startswith(f"{path}: expected ")


def test_an_archive_without_a_batch_is_refused(data_paths, arrays):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    contents = files(arrays, pickled)
    del contents["data_batch_4"]
    write_archive(path, contents)
    assert refused(data_paths) == f"{path}: expected six CIFAR-10 batches, found none named data_batch_4"


def test_nothing_in_an_archive_reaches_the_disk(data_paths, arrays, tmp_path):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    write_archive(path, {"evil": b"x", **files(arrays, pickled)}, folder="../../../" + str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    assert_holds(load_dataset(CIFAR10, data_paths), arrays)
    assert sorted(tmp_path.rglob("*")) == before


def test_links_in_an_archive_are_not_followed(data_paths, arrays):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    contents = files(arrays, pickled)
    with tarfile.open(path, "w:gz") as tar:
        for name in contents:
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    assert refused(data_paths).startswith(f"{path}: expected six CIFAR-10 batches, found none named ")


def test_an_archive_that_unzips_to_too_much_is_stopped(data_paths, arrays, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_ARCHIVE", 3_000_000)
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    write_archive(path, {"filler": bytes(4_000_000), **files(arrays, pickled)})
    assert refused(data_paths) == f"{path}: expected at most 3000000 bytes unzipped, found more"


def test_a_tar_header_cannot_make_the_reader_swallow_the_machine(data_paths):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**32
    path.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)))
    assert refused(data_paths).startswith(f"{path}: expected ")


def test_a_member_that_declares_too_much_is_refused(data_paths, arrays):
    path = data_paths.data_dir / "cifar-10-python.tar.gz"
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = 2**33
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)))
    assert (
        refused(data_paths) == f"{path / 'data_batch_1'}: expected at most 67108864 bytes, found 8589934592"
    )


def test_a_real_binary_folder_is_taken_with_a_warning(real_data):
    data_paths = real_data("cifar10")
    data = load_dataset(DATASETS["cifar10"](validation_size=5000), data_paths)
    assert data.train.images.shape == (45_000, 32, 32, 3)
    assert np.bincount(data.validation.labels).tolist() == pytest.approx([500] * 10, abs=10)
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert (data.provenance.warning is None) == (data.provenance.status == "official")
