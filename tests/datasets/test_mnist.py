import gzip
import io
import shutil
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnlab.datasets import DATASETS, DataPaths, load_dataset
from cnnlab.datasets.catalog import list_datasets
from cnnlab.datasets.content import digest
from cnnlab.errors import UserError

MNIST = DATASETS["mnist"](validation_size=0)
FASHION = DATASETS["fashion_mnist"](validation_size=0)

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def assert_holds(data, arrays):
    np.testing.assert_array_equal(data.train.images, arrays[0][..., None])
    np.testing.assert_array_equal(data.train.labels, arrays[1])
    np.testing.assert_array_equal(data.test.images, arrays[2][..., None])
    np.testing.assert_array_equal(data.test.labels, arrays[3])


def refused(data_paths, config=MNIST):
    with pytest.raises(UserError) as caught:
        load_dataset(config, data_paths)
    assert caught.value.exit_code == 2
    assert "\n   " in str(caught.value)
    return str(caught.value).splitlines()[0]


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def keras_npz(arrays):
    return npz(x_train=arrays[0], y_train=arrays[1], x_test=arrays[2], y_test=arrays[3])


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_official_content_is_recognised(real_data, name):
    data_paths = real_data(name)
    data = load_dataset(DATASETS[name](validation_size=5000), data_paths)
    assert data.provenance.status == "official"
    assert data.provenance.warning is None
    assert data.provenance.origin == str(data_paths.data_dir / name)
    assert (len(data.train), len(data.validation), len(data.test)) == (55_000, 5_000, 10_000)
    assert np.bincount(data.validation.labels).tolist() == pytest.approx([500] * 10, abs=70)
    assert data.train.images.flags.writeable  # PyTorch warns about arrays that it could not write to


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_official_files_are_listed_as_such_without_decoding_them(real_data, name, monkeypatch):
    data_paths = real_data(name)
    monkeypatch.setattr(DATASETS[name], "read", None)  # would fail
    (facts,) = [each for each in list_datasets(data_paths) if each.name == name]
    assert (facts.status, facts.path) == ("official", str(data_paths.data_dir / name))


def test_the_first_digit_of_mnist_is_the_famous_five(real_data):
    data_paths = real_data("mnist")
    data = load_dataset(DATASETS["mnist"](train_size=1), data_paths)
    assert data.train.labels.tolist() == [5]
    assert data.train.images[0, 5, 12:16, 0].tolist() == [3, 18, 18, 18]


@pytest.mark.parametrize("folder", ["mnist", "mnist/raw", "MNIST/raw", "."])
@pytest.mark.parametrize("style", [{}, {"zipped": True}, {"dot": True}])
def test_idx_files_are_found_where_people_keep_them(data_paths, tiny, write_idx, folder, style):
    write_idx(data_paths.data_dir / folder, tiny, **style)
    assert_holds(load_dataset(MNIST, data_paths), tiny)


@pytest.mark.parametrize("place", ["data_dir", "cache", "keras_cache"])
@pytest.mark.parametrize("labels", [np.uint8, np.int64])
def test_a_keras_npz_is_found_in_every_place(data_paths, tiny, place, labels):
    folder = getattr(data_paths, place)
    folder.mkdir(exist_ok=True)
    tiny = (tiny[0], tiny[1].astype(labels), tiny[2], tiny[3].astype(labels))
    (folder / "mnist.npz").write_bytes(keras_npz(tiny))
    data = load_dataset(MNIST, data_paths)
    assert_holds(data, tiny)
    assert data.train.labels.dtype == np.int64
    assert data.provenance.origin == str(folder / "mnist.npz")


def test_keras_own_folder_of_fashion_mnist_is_found(data_paths, tiny, write_idx):
    write_idx(data_paths.keras_cache / "fashion-mnist", tiny, zipped=True)
    assert_holds(load_dataset(FASHION, data_paths), tiny)


def test_the_users_folder_comes_before_the_caches(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir / "mnist", tiny)
    write_idx(data_paths.cache / "mnist", tuple(array[::-1] for array in tiny))
    assert_holds(load_dataset(MNIST, data_paths), tiny)


def test_a_set_of_its_own_folder_is_preferred_to_nameless_files(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir, tuple(array[::-1] for array in tiny))
    write_idx(data_paths.data_dir / "fashion_mnist", tiny)
    assert_holds(load_dataset(FASHION, data_paths), tiny)


def test_other_content_is_used_with_a_warning_and_its_digests(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir / "mnist", tiny)
    provenance = load_dataset(MNIST, data_paths).provenance
    images, labels = tiny[2][..., None], tiny[3].astype(np.int64)
    assert provenance.status == "different"
    assert provenance.test_digest == digest(images, labels)
    assert provenance.digest == digest(tiny[0][..., None], tiny[1].astype(np.int64), images, labels)
    assert provenance.warning == (
        f"MNIST in {data_paths.data_dir / 'mnist'} is not the official content (20 training and 10 test "
        "images); accuracies will differ from published ones"
    )


def test_the_layout_does_not_change_the_digest(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir / "mnist", tiny, zipped=True)
    data_paths.cache.mkdir()
    (data_paths.cache / "mnist.npz").write_bytes(keras_npz(tiny))
    from_idx = load_dataset(MNIST, data_paths).provenance
    from_npz = load_dataset(MNIST, DataPaths(None, data_paths.cache, data_paths.keras_cache)).provenance
    assert from_idx.digest == from_npz.digest
    assert from_idx.test_digest == from_npz.test_digest


def test_the_other_of_the_two_sets_is_refused(real_data, tmp_path):
    folder = real_data("mnist").data_dir / "mnist"
    assert refused(DataPaths(folder, tmp_path, tmp_path), FASHION) == (
        f"{folder}: expected Fashion-MNIST, found MNIST"
    )


def test_a_part_of_a_set_in_the_users_folder_is_refused(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir / "mnist", tiny)
    (data_paths.data_dir / "mnist" / NAMES[3]).unlink()
    assert refused(data_paths) == (
        f"{data_paths.data_dir / 'mnist'}: expected {NAMES[3]} beside {', '.join(NAMES[:3])}, "
        "found no such file"
    )


def test_a_part_of_a_set_in_a_cache_is_passed_over(data_paths, tiny, write_idx):
    write_idx(data_paths.cache / "mnist", tiny)
    (data_paths.cache / "mnist" / NAMES[0]).unlink()
    write_idx(data_paths.keras_cache / "mnist", tiny)
    assert load_dataset(MNIST, data_paths).provenance.origin == str(data_paths.keras_cache / "mnist")


def test_more_training_images_than_the_files_hold_are_refused(data_paths, tiny, write_idx):
    write_idx(data_paths.data_dir / "mnist", tiny)
    assert refused(data_paths, DATASETS["mnist"](train_size=21)) == (
        "dataset.train_size: expected at most 20 training images, found 21"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NAMES[0], b"", "expected an IDX file, found an empty file"),
        (NAMES[0], b"\0\0\x08", "expected an IDX file, found 3 bytes"),
        (NAMES[0], b"\0\0\x08\x03\0\0", "expected an IDX file, found one that ends in its header"),
        (NAMES[0], b"PK\x03\x04" + bytes(60), "expected an IDX file starting with 00000803, found 504b0304"),
        (
            NAMES[0],
            b"\0\0\x08\x01" + bytes(20),
            "expected an IDX file starting with 00000803, found 00000801",
        ),
        (
            NAMES[0],
            struct.pack(">4I", 0x803, 1, 32, 32) + bytes(1024),
            "expected images of 28×28 pixels, found 32×32",
        ),
        (NAMES[0], struct.pack(">4I", 0x803, 0, 28, 28), "expected 1 to 60000 items, found 0"),
        (
            NAMES[0],
            struct.pack(">4I", 0x803, 2**32 - 1, 28, 28),
            "expected 1 to 60000 items, found 4294967295",
        ),
        (
            NAMES[0],
            struct.pack(">4I", 0x803, 2, 28, 28) + bytes(1567),
            "expected 1568 bytes after the header, found 1567",
        ),
        (
            NAMES[0],
            struct.pack(">4I", 0x803, 2, 28, 28) + bytes(1569),
            "expected 1568 bytes after the header, found more",
        ),
        (
            NAMES[1],
            struct.pack(">2I", 0x801, 19) + bytes(19),
            "expected 20 labels, one per image, found 19 labels",
        ),
        (NAMES[3], struct.pack(">2I", 0x801, 10) + b"\x0a" * 10, "expected labels from 0 to 9, found 10"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_broken_idx_file_is_named_with_what_is_wrong(
    data_paths, tiny, write_idx, name, content, message, zipped
):
    folder = data_paths.data_dir / "mnist"
    write_idx(folder, tiny)
    (folder / name).write_bytes(gzip.compress(content) if zipped else content)
    assert refused(data_paths) == f"{folder / name}: {message}"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 0.9999), zipped=st.booleans(), name=st.sampled_from(NAMES))
def test_a_file_cut_anywhere_is_refused_by_name(data_paths, tiny, write_idx, share, zipped, name):
    folder = data_paths.data_dir / "mnist"
    shutil.rmtree(folder, ignore_errors=True)  # the example before this one
    write_idx(folder, tiny, zipped=zipped)
    path = folder / (f"{name}.gz" if zipped else name)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert refused(data_paths).startswith(f"{path}: expected ")


def test_damaged_gzip_is_refused_by_name(data_paths, tiny, write_idx):
    folder = data_paths.data_dir / "mnist"
    write_idx(folder, tiny, zipped=True)
    path = folder / f"{NAMES[0]}.gz"
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # the check sum of the last block
    path.write_bytes(data)
    assert refused(data_paths).startswith(
        f"{path}: expected a whole gzip file, found a damaged one (CRC check failed"
    )


def test_a_gzip_bomb_is_stopped_after_the_declared_bytes(data_paths, tiny, write_idx):
    folder = data_paths.data_dir / "mnist"
    write_idx(folder, tiny, zipped=True)
    path = folder / f"{NAMES[0]}.gz"
    header = struct.pack(">4I", 0x803, 1, 28, 28)
    path.write_bytes(gzip.compress(header + bytes(200_000_000), compresslevel=1))
    assert refused(data_paths) == f"{path}: expected 784 bytes after the header, found more"


def test_a_file_that_may_not_be_read_is_the_users_error(data_paths, tiny, write_idx, monkeypatch):
    folder = data_paths.data_dir / "mnist"
    write_idx(folder, tiny)

    def deny(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cnnlab.datasets.reading.files.open_regular", deny)
    assert refused(data_paths) == f"{folder / NAMES[0]}: expected a readable file, found: Permission denied"


def header_only_npz(shape):
    """An archive whose x_train declares a shape and has no bytes for it."""
    header = io.BytesIO()
    fields = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x_train.npy", header.getvalue())
    return buffer.getvalue()


def objects_npz():
    return npz(x_train=np.array([print, None], dtype=object))


IMAGES, LABELS = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a whole .npz file, found a damaged one (File is not a zip file)"),
        (b"no zip", "expected a whole .npz file, found a damaged one (File is not a zip file)"),
        (
            npz(x_train=IMAGES),
            "expected x_train, y_train, x_test, y_test, found no y_train",
        ),
        (
            header_only_npz((10**12, 28, 28)),
            "expected 784000000000000 bytes after the header, found 0",
        ),
        (header_only_npz((2, 28, 28)), "expected 1568 bytes after the header, found 0"),
        (objects_npz(), "expected x_train of uint8 pixels, found object"),
        (npz(x_train=IMAGES / 255), "expected x_train of uint8 pixels, found float64"),
        (
            npz(x_train=IMAGES[:, 1:]),
            "expected x_train of shape (N, 28, 28), found (2, 27, 28)",
        ),
        (
            npz(x_train=IMAGES, y_train=LABELS - 0.5),
            "expected y_train of integer labels, found float64",
        ),
        (
            npz(x_train=IMAGES, y_train=LABELS[:1], x_test=IMAGES, y_test=LABELS),
            "expected 2 labels, one per image, found 1 labels",
        ),
        (
            npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS.astype(int) - 1),
            "expected labels from 0 to 9, found -1",
        ),
    ],
)
def test_a_broken_npz_is_named_with_what_is_wrong(data_paths, content, message):
    path = data_paths.data_dir / "mnist.npz"
    path.write_bytes(content)
    assert refused(data_paths) == f"{path}: {message}"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 0.9999), cut=st.booleans(), flip=st.integers(1, 255))
def test_an_npz_cut_or_changed_anywhere_never_escapes_as_another_error(data_paths, tiny, place, cut, flip):
    data = bytearray(keras_npz(tiny))
    position = int(place * len(data))
    if cut:
        del data[position:]
    else:
        data[position] ^= flip
    path = data_paths.data_dir / "mnist.npz"
    path.write_bytes(data)
    outcome = "loaded"
    try:
        load_dataset(MNIST, data_paths)
    except UserError as error:
        outcome = str(error)
    assert outcome.startswith(f"{path}: expected ") or (outcome == "loaded" and not cut)
