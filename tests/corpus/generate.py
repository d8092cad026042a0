"""Writes the broken files of this folder, and what cnnlab says of each: `python tests/corpus/generate.py`.

What it says is to be read before it is committed: the tests hold cnnlab to it.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import pickle
import shutil
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from tests.corpus.readers import READERS  # noqa: E402

MODEL = "model: {layers: [Flatten, Dense: {units: 6, activation: softmax}]}\n"
GOOD = "dataset: colors\n" + MODEL
KINDS: dict[str, Callable[[], dict[str, bytes]]] = {}


def kind(function: Callable[[], dict[str, bytes]]) -> Callable[[], dict[str, bytes]]:
    KINDS[function.__name__.replace("_", "-")] = function
    return function


def texts(**lines: str) -> dict[str, bytes]:
    return {f"{name}.txt": text.encode("utf-8", "surrogateescape") for name, text in lines.items()}


@kind
def yaml() -> dict[str, bytes]:
    bomb = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
        f"a{step}: &a{step} [{', '.join([f'*a{step - 1}'] * 10)}]\n" for step in range(1, 10)
    )
    return {
        "empty.yaml": b"",
        "not-utf8.yaml": b"name: caf\xe9\n",
        "nul.yaml": b"name: a\x00b\n",
        "utf16.yaml": "name: a\n".encode("utf-16"),
        "unclosed.yaml": b"dataset: {name: colors\n",
        "deep.yaml": b"a: " + b"[" * 2000,
        "alias-bomb.yaml": bomb.encode(),
        "python-object.yaml": b"name: !!python/object/apply:os.system ['true']\n",
        "surrogate.yaml": b'name: "\\ud800"\n',
        "list.yaml": b"- 1\n- 2\n",
    }


@kind
def layers() -> dict[str, bytes]:
    def model(layers: str) -> bytes:
        return f"dataset: colors\nmodel:\n  layers: [{layers}]\n".encode()

    end = "Flatten, Dense: {units: 6, activation: softmax}"
    return {
        "huge-units.yaml": model(f"Flatten, Dense: {{units: {10**30}}}, {end}"),
        "negative.yaml": model(f"Conv2D: {{filters: -1, kernel_size: 3}}, {end}"),
        "infinite-rate.yaml": model(f"Flatten, Dropout: {{rate: .inf}}, {end}"),
        "nested-repeat.yaml": model(
            "Repeat: {times: 1000, layers: [Repeat: {times: 1000, layers: [Flatten]}]}"
        ),
        "unknown-layer.yaml": model(f"os.system, {end}"),
        "two-keys.yaml": model(f"{{Flatten: {{}}, Dense: {{units: 1}}}}, {end}"),
        "too-small.yaml": model(f"Conv2D: {{filters: 1, kernel_size: 99}}, {end}"),
        "number.yaml": model("7"),
        "null.yaml": model("null"),
        "nul-in-path.yaml": b'dataset: {npz: "a\\0b.npz"}\n' + MODEL.encode(),
    }


@kind
def keras_config() -> dict[str, bytes]:
    def model(keras: object) -> bytes:
        return json.dumps({"dataset": "colors", "model": {"keras": keras}}).encode()

    def layers(*some: object) -> bytes:
        return model({"class_name": "Sequential", "config": {"layers": list(some)}})

    flat = {"class_name": "Flatten", "config": {}}
    nested: object = flat
    for _ in range(70):
        nested = {"class_name": "Sequential", "config": {"layers": [nested]}}
    return {
        "text.yaml": model("{}"),
        "null.yaml": model(None),
        "lambda.yaml": layers({"class_name": "Lambda", "config": {"function": "x"}}),
        "own-class.yaml": layers({"class_name": "Evil", "module": "os", "config": {}}),
        "module.yaml": layers({"class_name": "Dense", "module": "os", "config": {"units": 6}}),
        "no-layers.yaml": model({"class_name": "Functional", "config": {}}),
        "deep.yaml": model(nested),
        "circle.yaml": model(
            {
                "class_name": "Functional",
                "config": {
                    "layers": [
                        {"class_name": "InputLayer", "config": {"name": "i", "shape": [28, 28, 3]}},
                        {**flat, "config": {"name": "f"}, "inbound_nodes": [{"args": ["f"], "kwargs": {}}]},
                    ],
                    "input_layers": ["i"],
                    "output_layers": ["f"],
                },
            }
        ),
        "class-number.yaml": model({"class_name": 7, "config": {}}),
        "kwargs.yaml": model({"class_name": "Sequential", "config": [1]}),
    }


@kind
def set() -> dict[str, bytes]:  # called as the option is
    return texts(
        no_value="training.epochs",
        no_key="=3",
        not_utf8="name=\udcff",
        bomb="training=" + "{a: " * 100,
        unknown="training.epoch=3",
        index="model.layers[99].filters=3",
        long_index="model.layers[99999999999].filters=3",
        tag="training.epochs=!!python/name:os.system",
        number=f"training.epochs={'9' * 500}",
        nul="name=a\0b",
    )


@kind
def where() -> dict[str, bytes]:
    return texts(
        empty=" ",
        open_bracket="(" * 3 + "seed = 1",
        many_brackets="(" * 5000 + "seed = 1" + ")" * 5000,
        many_nots="not " * 5000 + "seed = 1",
        call="__import__('os').system('true')",
        no_value="seed =",
        unknown="sead = 1",
        list_in_list="seed = [[[[1]]]]",
        tag="seed = [!!python/name:os.system]",
        not_utf8="name = \udcff",
    )


def idx_bytes(shape: tuple[int, ...] = (3, 4, 4), content: bytes | None = None, magic: int = 0x803) -> bytes:
    data = bytes(range(48)) if content is None else content
    return struct.pack(f">I{len(shape)}I", magic, *shape) + data


@kind
def idx() -> dict[str, bytes]:
    return {
        "empty": b"",
        "three-bytes": b"\0\0\x08",
        "labels": idx_bytes((3,), magic=0x801),
        "floats": idx_bytes(magic=0xD03),
        "header-cut": idx_bytes()[:9],
        "short": idx_bytes()[:-1],
        "long": idx_bytes() + b"\0",
        "claims-billions": idx_bytes((2**32 - 1, 4, 4)),
        "no-images": idx_bytes((0, 4, 4), b""),
        "other-size": idx_bytes((3, 2**32 - 1, 2**32 - 1)),
    }


@kind
def idx_gzip() -> dict[str, bytes]:
    whole = gzip.compress(idx_bytes(), mtime=0)
    flipped = bytearray(whole)
    flipped[-6] ^= 1
    return {
        "magic-only": b"\x1f\x8b",
        "cut": whole[: len(whole) // 2],
        "without-end": whole[:-8],
        "checksum": bytes(flipped),
        "method": whole[:2] + b"\x09" + whole[3:],
        "bomb": gzip.compress(idx_bytes((3, 4, 4), bytes(1 << 20)), mtime=0),
        "twice": gzip.compress(whole, mtime=0),
        "other-after": whole + b"more",
        "empty-inside": gzip.compress(b"", mtime=0),
        "zeros-inside": gzip.compress(bytes(64), mtime=0),
    }


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1")


def array(shape: object = (6, 4, 4), descr: str = "'|u1'", content: bytes | None = None) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"
    return header(text) + (bytes(96) if content is None else content)


def labels(*values: int) -> bytes:
    return array((len(values),), content=bytes(values))


def npz(compression: int = zipfile.ZIP_STORED, **changes: bytes | None) -> bytes:
    members = {
        "x_train": array(), "y_train": labels(0, 1, 2, 0, 1, 2),
        "x_test": array((3, 4, 4), content=bytes(48)), "y_test": labels(0, 1, 2), **changes,
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, compression)
    return buffer.getvalue()


@kind
def npz_archive() -> dict[str, bytes]:
    whole = npz()
    flipped = bytearray(npz())
    flipped[flipped.index(b"'shape': (6, 4, 4)") + 60] ^= 1
    twice = bytearray(whole.replace(b"x_test.npy", b"y_test.npy"))
    overlapping = bytearray(whole)
    second = overlapping.index(b"PK\x01\x02", overlapping.index(b"PK\x01\x02") + 1)
    overlapping[second + 42 : second + 46] = bytes(4)
    encrypted = bytearray(whole)
    place = encrypted.index(b"PK\x01\x02")
    encrypted[place + 8] |= 1
    directory = bytearray(whole)
    end = directory.index(b"PK\x05\x06")
    directory[end + 12 : end + 16] = struct.pack("<I", 1 << 30)
    return {
        "empty.npz": b"",
        "text.npz": b"no archive",
        "cut.npz": whole[: len(whole) // 2],
        "flipped.npz": bytes(flipped),
        "twice.npz": bytes(twice),
        "overlapping.npz": bytes(overlapping),
        "encrypted.npz": bytes(encrypted),
        "directory.npz": bytes(directory),
        "bzip2.npz": npz(zipfile.ZIP_BZIP2),
        "without-x.npz": npz(x_train=None),
    }


@kind
def npz_header() -> dict[str, bytes]:
    return {
        "version-3.npz": npz(x_train=array().replace(b"\x01\x00", b"\x03\x00", 1)),
        "brackets.npz": npz(x_train=header("(" * 3000)),
        "token-error.npz": npz(x_train=header("{'descr': '|u1\n")),
        "null-bytes.npz": npz(x_train=header("{\0\0\0}")),
        "negative.npz": npz(x_train=array((-6, 4, 4))),
        "booleans.npz": npz(x_train=array((True, 4, 4))),
        "overflow.npz": npz(x_train=array((6, 2**62, 2**62))),
        "claims-billions.npz": npz(x_train=array((10**9, 4, 4))),
        "call.npz": npz(x_train=array(descr="__import__('os')")),
        "records.npz": npz(x_train=array(descr="[('a', '|u1')]")),
    }


@kind
def npz_set() -> dict[str, bytes]:
    bomb = npz(
        zipfile.ZIP_DEFLATED,
        x_train=array((1 << 20, 1, 1), content=bytes(1 << 20)),
        y_train=array((1 << 19,), content=bytes(1 << 19)),
    )
    return {
        "other-counts.npz": npz(y_train=labels(0, 1)),
        "many-zeros.npz": bomb,
        "objects.npz": npz(x_train=array(descr="'|O'")),
        "floats.npz": npz(x_train=array((3, 4, 4), "'<f2'")),
        "no-such-type.npz": npz(x_train=array(descr="'|u3'")),
        "negative-label.npz": npz(y_train=array((6,), "'|i1'", b"\0\1\2\0\1\xff")),
        "large-label.npz": npz(y_train=array((6,), "'<u4'", b"\xff" * 24)),
        "no-images.npz": npz(x_train=array((0, 4, 4), content=b""), y_train=labels()),
        "other-test-size.npz": npz(x_test=array((3, 2, 8), content=bytes(48))),
        "class-missing.npz": npz(y_train=labels(0, 2, 2, 0, 0, 2)),
    }


@kind
def array_image() -> dict[str, bytes]:
    def floats(*values: float, shape: object = None) -> bytes:
        content = struct.pack(f"<{len(values)}d", *values)
        return array((1, len(values)) if shape is None else shape, "'<f8'", content)

    return {
        "pickle.npy": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]",
        "objects.npy": array(descr="'|O'"),
        "claims-billions.npy": array((10**9, 4, 4)),
        "volume.npy": array((2, 2, 2), content=bytes(8)),
        "empty.npy": array((0, 4), content=b""),
        "complex.npy": array((1, 2), "'<c16'", bytes(32)),
        "not-a-number.npy": floats(0, 0.5, math.nan, 1),
        "beyond.npy": floats(-3, 0, 7),
        "scale-backwards.npz": npz(
            x_train=None, y_train=None, x_test=None, y_test=None, image=floats(0, 1),
            scale=floats(1, -1, shape=(2,)),
        ),
        "several.npz": npz(),
    }  # fmt: skip


@kind
def kernels() -> dict[str, bytes]:
    return {
        "empty.yaml": b"{}\n",
        "number.yaml": b"good: [[1]]\nbad: 3\n",
        "no-rows.yaml": b"bad: []\n",
        "empty-row.yaml": b"bad: [[1, 2], []]\n",
        "ragged.yaml": b"bad:\n- [1, 2]\n- [3]\n",
        "flat.yaml": b"bad: [1, 2, 3]\n",
        "text.yaml": b"bad: [[1, one]]\n",
        "infinite.yaml": b"bad: [[1, 2], [.inf, 1e400]]\n",
        "same-array.yaml": b"a b: [[1]]\nA_b: [[1]]\n",
        "too-large.yaml": b"good: [[1]]\nbad: [[1, 2, 3, 4, 5]]\n",
    }


@kind
def cifar_archive() -> dict[str, bytes]:
    def tar(**members: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return gzip.compress(buffer.getvalue(), mtime=0)

    def linked() -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("data_batch_1")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
        return gzip.compress(buffer.getvalue(), mtime=0)

    whole = tar(data_batch_1=b"no pickle")
    plain = bytearray(gzip.decompress(whole))
    claims = bytearray(plain)
    claims[124:136] = b"77777777777\0"
    claims[148:156] = b"%06o\0 " % (sum(claims[:148]) + sum(claims[156:512]) + 8 * 32)
    plain[0:4] = b"\xff" * 4
    return {
        "empty.tar.gz": b"",
        "no-batches.tar.gz": tar(readme=b"hello"),
        "no-pickle.tar.gz": whole,
        "cut.tar.gz": whole[:60],
        "bad-header.tar.gz": gzip.compress(bytes(plain), mtime=0),
        "claims-gigabytes.tar.gz": gzip.compress(bytes(claims), mtime=0),
        "link.tar.gz": linked(),
        "zeros.tar.gz": gzip.compress(bytes(4096), mtime=0),
        "short-binary.tar.gz": tar(**{"data_batch_1.bin": bytes(3073)}),
        "text.tar": b"this is no archive" * 40,
    }


@kind
def pickle_program() -> dict[str, bytes]:
    return {
        "system.pickle": b"cos\nsystem\n(S'true'\ntR.",
        "eval.pickle": b"c__builtin__\neval\n(S'1'\ntR.",
        "instance.pickle": b"(ios\nsystem\n.",
        "new-object.pickle": b"\x80\x02cos\nsystem\n)\x81.",
        "extension.pickle": b"\x80\x02\x82\x01.",
        "persistent.pickle": b"Pid\n.",
        "build.pickle": b"\x80\x02cnumpy\nndarray\n}b.",
        "stack-global.pickle": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        "memo.pickle": b"\x80\x02]r\xff\xff\xff\x7f.",
        "codecs.pickle": b"\x80\x02c_codecs\ndecode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
    }


@kind
def pickle_data() -> dict[str, bytes]:
    def shaped(shape: bytes) -> bytes:
        head = pickle.dumps({"data": np.zeros((2, 3), np.uint8)}, 2)
        return head.replace(b"K\x02K\x03\x86", shape)

    whole = pickle.dumps({"data": np.zeros((2, 3), np.uint8), "labels": [0, 1]}, 2)
    return {
        "empty.pickle": b"",
        "cut.pickle": whole[: len(whole) // 2],
        "no-end.pickle": whole[:-1],
        "other-shape.pickle": shaped(b"K\x02K\x09\x86"),
        "huge-shape.pickle": shaped(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
        "negative-shape.pickle": shaped(b"J\xff\xff\xff\xffK\x03\x86"),
        "objects.pickle": pickle.dumps({"data": np.array([None])}, 2),
        "claims-bytes.pickle": b"\x80\x03B\xff\xff\xff\x7fabc.",
        "unhashable.pickle": b"\x80\x02}]K\x01s.",
        "deep.pickle": b"\x80\x02" + b"(" * 5000 + b".",
    }


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bytes(width: int = 4, height: int = 4, *, depth: int = 8, color: int = 0, rows: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = rows or bytes((width + 1) * height)
    end = chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + end


@kind
def png() -> dict[str, bytes]:
    whole = png_bytes()
    rows = b"\1"
    flipped = bytearray(whole)
    flipped[20] ^= 1
    return {
        "empty.png": b"",
        "text.png": b"no image",
        "cut.png": whole[: whole.index(b"IDAT") + 6],
        "header-flipped.png": bytes(flipped),
        "tall.png": png_bytes(1, 89_000_000, rows=rows),
        "wide.png": png_bytes(89_000_000, 1, rows=rows),
        "bomb.png": png_bytes(60_000, 60_000, rows=rows),
        "no-pixels.png": png_bytes(0, 4, rows=rows),
        "sixteen-bits.png": png_bytes(depth=16, rows=bytes(36)),
        "checksum.png": whole.replace(b"IEND", b"IENE").replace(b"IHDR", b"IHDQ"),
    }


def picture(format: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 90)).save(buffer, format)
    return buffer.getvalue()


@kind
def jpeg() -> dict[str, bytes]:
    whole = picture("JPEG")
    size = whole.index(b"\xff\xc0") + 5
    return {
        "magic-only.jpg": b"\xff\xd8\xff",
        "cut.jpg": whole[: len(whole) // 2],
        "no-end.jpg": whole[: whole.index(b"\xff\xda") + 4],
        "no-size.jpg": whole[:size] + bytes(4) + whole[size + 4 :],
        "large.jpg": whole[:size] + b"\xff" * 4 + whole[size + 4 :],
        "components.jpg": whole[: size + 4] + b"\x07" + whole[size + 5 :],
        "no-tables.jpg": whole.replace(b"\xff\xdb", b"\xff\xe9"),
        "cmyk-claimed.jpg": whole[: size + 4] + b"\x04" + whole[size + 5 :],
        "precision.jpg": whole[: size - 1] + b"\x0c" + whole[size:],
        "zeros.jpg": whole[:30] + bytes(len(whole) - 30),
    }


@kind
def other_images() -> dict[str, bytes]:
    gif, bmp, webp, tiff = (picture(each) for each in ("GIF", "BMP", "WEBP", "TIFF"))
    return {
        "cut.gif": gif[:20],
        "no-picture.gif": gif[:13] + b";",
        "large.gif": gif[:6] + b"\xff" * 4 + gif[10:],
        "cut.bmp": bmp[:40],
        "large.bmp": bmp[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + bmp[26:],
        "bits.bmp": bmp[:28] + b"\x63" + bmp[29:],
        "cut.webp": webp[:16],
        "zeros.webp": webp[:20] + bytes(len(webp) - 20),
        "cut.tif": tiff[:60],
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


def keras_parts() -> dict[str, bytes]:
    """What is in a .keras file, by name."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1), name="image"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(2, activation="softmax", use_bias=False, name="dense"),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        with zipfile.ZipFile(file) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def keras_file(parts: dict[str, bytes], **changes: bytes | None) -> bytes:
    """A .keras file of these parts, with another config or other weights, or without."""
    named = {"config": "config.json", "weights": "model.weights.h5"}
    members = parts | {named[key]: content for key, content in changes.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


@kind
def keras_names() -> dict[str, bytes]:
    parts = keras_parts()
    dense = b'"module": "keras.layers", "class_name": "Dense"'
    evil = b'"module": "keras_hub.x", "class_name": "__evil__"'
    function = (
        b'{"module": "keras_hub.x", "class_name": "function", "config": "evil", '
        b'"registered_name": "cnnlab>Grayscale"}'
    )

    def changed(*changes: tuple[bytes, bytes]) -> bytes:
        config = parts["config.json"]
        for old, new in changes:
            assert old in config
            config = config.replace(old, new)
        return keras_file(parts, config=config)

    return {
        "module-to-import.keras": changed((dense, evil)),
        "registered-as-another.keras": changed((b'"activation": "softmax"', b'"activation": ' + function)),
        "type-of-tensorflow.keras": changed((dense, evil.replace(b"evil", b"typespec"))),
        "list-for-a-class.keras": changed((b'"class_name": "Dense"', b'"class_name": ["a"]')),
        "lines-in-names.keras": changed(
            (b'"name": "dense"', b'"name": "den. \\nse"'), (dense, evil.replace(b"evil", b"e. \\nvil"))
        ),
    }


@kind
def keras_archive() -> dict[str, bytes]:
    parts = keras_parts()
    config = parts["config.json"]

    def archived(**changes: bytes | None) -> bytes:
        return keras_file(parts, **changes)

    return {
        "empty.keras": b"",
        "no-config.keras": archived(config=None),
        "no-weights.keras": archived(weights=None),
        "billions.keras": archived(config=config.replace(b'"units": 2', b'"units": 1000000000')),
        "not-json.keras": archived(config=b"{"),
        "deep-json.keras": archived(config=b"[" * 5000),
        "own-code.keras": archived(
            config=config.replace(b'"keras.layers", "class_name": "Dense"', b'"os", "class_name": "system"')
        ),
        "lambda.keras": archived(
            config=config.replace(b'"class_name": "Flatten"', b'"class_name": "Lambda"')
        ),
        "no-hdf5.keras": archived(weights=b"no weights"),
        "cut-hdf5.keras": archived(weights=parts["model.weights.h5"][:3000]),
    }


def said(folder: Path) -> Iterator[tuple[str, str]]:
    """What cnnlab says of each file."""
    from cnnlab.errors import CnnlabError

    os.chdir(folder)
    for path in sorted(Path().iterdir()):
        try:
            READERS[folder.name](path)
        except CnnlabError as error:
            yield path.name, error.on_command_line()
        else:
            sys.exit(f"{folder.name}/{path}: was read without a complaint")


def main() -> None:
    from cnnlab.language.source import write_yaml

    for name in sys.argv[1:] or KINDS:
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file, content in KINDS[name]().items():
            (folder / file).write_bytes(content)
        expected = dict(said(folder))
        (HERE / f"{name}.yaml").write_text(write_yaml(expected), encoding="utf-8")


if __name__ == "__main__":
    main()
