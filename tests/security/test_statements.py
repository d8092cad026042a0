"""docs/security.md, statement by statement: each test has the name of what it holds cnnlab to."""

import ast
import gzip
import io
import json
import os
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DATASETS
from cnnlab.datasets.reading.decoded_cache import Decoded, Part, cached
from cnnlab.datasets.reading.download import DownloadError, download
from cnnlab.errors import CnnlabWarning, UserError
from cnnlab.language.source import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse_yaml
from cnnlab.npz import NpzError, read_npy, read_npz
from tests.corpus.readers import READERS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
CORPUS = ROOT / "tests" / "corpus"
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "cnnlab").rglob("*.py"))}
LAYERS = "model: {layers: [Flatten, Dense: {units: 6, activation: softmax}]}"


def refused(kind: str, name: str) -> str:
    """What is said of a file of the corpus."""
    with pytest.raises(UserError) as caught:
        READERS[kind](CORPUS / kind / name)
    return str(caught.value)


def test_each_statement_has_a_test():
    stated = re.findall(r"^- \*\*([a-z-]+)\*\*: ", DOCUMENT, re.MULTILINE)
    tested = [name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")]
    assert sorted(stated) == sorted(set(tested) - {"each-statement-has-a-test"})


def test_plug_ins_are_installed_code():
    message = "unknown layer 'os:system'"
    with pytest.raises(UserError, match=message):
        parse_and_load('dataset: colors\nmodel: {layers: ["os:system"]}\n')
    importing = {path.name for path, text in SOURCES.items() if "entry_points(" in text}
    assert importing == {"plugins.py"}


def parse_and_load(text: str) -> None:
    from cnnlab.config.experiment import parse_config

    parse_config(parse_yaml(text, "it.yaml"), "it")


def test_variables_are_listed():
    used = {name for text in SOURCES.values() for name in re.findall(r'"(CNNLAB_[A-Z_]+)"', text)}
    assert used == set(re.findall(r"`(CNNLAB_[A-Z_]+)`", DOCUMENT))


def test_no_evaluation():
    forbidden = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "pickle.load",
        "pickle.loads",
    }
    for path, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                between_processes = called == "pickle.load" and "workers" in path.parts
                assert called not in forbidden or between_processes, path
                assert all(keyword.arg != "shell" for keyword in node.keywords), path


def test_configs_are_data():
    with pytest.raises(
        UserError, match=r"tag tag:yaml\.org,2002:python/object/apply:os\.mkdir is not allowed"
    ):
        parse_yaml("name: !!python/object/apply:os.mkdir [called]", "it.yaml")
    assert not Path("called").exists()


def test_conditions_are_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, text in (("where", "__import__('os').mkdir('called')"), ("set", "name=!!python/name:os.mkdir")):
        (tmp_path / "text").write_text(text, encoding="utf-8")
        with pytest.raises(UserError):
            READERS[kind](tmp_path / "text")
    assert not (tmp_path / "called").exists()


def test_keras_configs_name_known_classes():
    assert "it holds Python code" in refused("keras-config", "lambda.yaml")
    assert "is not one of the layers that Keras ships" in refused("keras-config", "own-class.yaml")
    assert "Dense comes from os.Dense" in refused("keras-config", "module.yaml")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's
def test_models_name_known_classes(backend):
    assert "layer 'dense': 'os.system' is neither Keras's nor cnnlab's" in refused(
        "keras-archive", "own-code.keras"
    )


class Calls:
    def __reduce__(self):
        return os.mkdir, ("called",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_call_nothing(protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").write_bytes(pickle.dumps({"data": Calls()}, protocol))
    with pytest.raises(UserError, match=r"a call of (posix|nt)\.mkdir"):
        READERS["pickle-data"](tmp_path / "batch")
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("driver", ["evil", "ev=il.x", "caf\udce9"])
def test_repositories_start_nothing(driver, tmp_path, monkeypatch):
    from cnnlab.run_folders.environment import _git_dirty

    def git(*arguments):
        identity = ["-c", "user.name=it", "-c", "user.email=it@example.org"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("code.py").write_text("one\n", encoding="utf-8")
    git("add", "code.py")
    git("commit", "--quiet", "--message", "one")
    calls = 'sh -c "touch called; cat"'
    settings = f'[core]\nfsmonitor = touch called\n[filter "{driver}"]\nrequired = true\n'
    for setting in ("clean", "process", "smudge"):
        settings += f"{setting} = {json.dumps(calls)}\n"
    with Path(".git/config").open("a", encoding="utf-8", errors="surrogateescape") as config:
        config.write(settings)
    attributes = f"* filter={driver}\n"
    Path(".gitattributes").write_text(attributes, encoding="utf-8", errors="surrogateescape")
    os.utime("code.py", (1, 1))  # so that git has to read the file
    assert _git_dirty() is False
    Path("code.py").write_text("two\n", encoding="utf-8")
    assert _git_dirty() is True
    assert not Path("called").exists()
    subprocess.run(["git", "status"], check=False, capture_output=True)
    assert Path("called").exists()


def test_arrays_hold_numbers(tmp_path):
    np.savez(tmp_path / "it.npz", x_train=np.array([Calls()], dtype=object))
    with pytest.raises(NpzError, match="expected x_train to hold plain numbers"):
        read_npz(tmp_path / "it.npz")
    np.save(tmp_path / "it.npy", np.array([Calls()], dtype=object))
    with pytest.raises(NpzError, match="expected an array of plain numbers, found Python objects"):
        read_npy(tmp_path / "it.npy", most=1000)
    assert not Path("called").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize(
    ("kind", "name"), [("yaml", "a.yaml"), ("npz-set", "a.npz"), ("idx", "a"), ("png", "a.png")]
)
def test_regular_files_only(kind, name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="Not a regular file"):
        READERS[kind](tmp_path / name)


def test_configs_are_bounded():
    assert f"at most {MAX_BYTES:,} bytes, {MAX_NODES:,} values once" in DOCUMENT
    assert f"and {MAX_DEPTH} levels" in DOCUMENT
    assert "more than 20,000 values" in refused("yaml", "alias-bomb.yaml")
    assert "nested more than 60 levels deep" in refused("yaml", "deep.yaml")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_arrays_are_bounded(method, tmp_path):
    assert "expected 16000000000 bytes after the header" in refused("npz-header", "claims-billions.npz")
    assert "one behind the other" in refused("npz-archive", "overlapping.npz")
    assert "expected each array once" in refused("npz-archive", "twice.npz")
    from tests.corpus.generate import npz

    whole = npz(method)
    begin, end = whole.index(b"x_train.npy") + 11, whole.index(b"PK\x03\x04", 40)
    for position in range(begin, end):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        (tmp_path / "it.npz").write_bytes(changed)
        try:
            found = read_npz(tmp_path / "it.npz")["x_train"]
        except NpzError:
            continue
        assert method == zipfile.ZIP_DEFLATED  # whose last byte has bits that mean nothing
        np.testing.assert_array_equal(found, np.zeros((6, 4, 4), np.uint8), strict=True)


def test_pictures_are_bounded(tmp_path):
    from cnnlab.datasets.reading.images import LARGEST_FILE, LONGEST_SIDE, MOST_PIXELS

    assert f"{MOST_PIXELS:,} pixels, {LONGEST_SIDE:,} on a side, and {LARGEST_FILE:,} bytes" in DOCUMENT
    assert "3,600,000,000 pixels; the limit is 89,478,485" in refused("png", "bomb.png")
    assert "the limit for a side is 65,535" in refused("png", "tall.png")
    with (tmp_path / "large.png").open("wb") as file:
        file.write((CORPUS / "png" / "sixteen-bits.png").read_bytes())
        file.truncate(LARGEST_FILE + 1)  # takes no room on the disk
    with pytest.raises(
        UserError, match=f"a file of {LARGEST_FILE + 1:,} bytes; the limit is {LARGEST_FILE:,}"
    ):
        READERS["png"](tmp_path / "large.png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's
def test_models_are_bounded(backend):
    assert "describes 16,000,000,000 parameters" in refused("keras-archive", "billions.keras")


def test_cached_images_are_compared(tmp_path):
    def written(file):
        file.write(bytes(range(16)))
        return Decoded(np.array([0, 1]), [])

    part = Part(["a/0.png", "a/1.png"], ["0.png", "1.png"], written)

    def content():
        return cached(
            tmp_path / "it", origin="it", image_shape=(4, 2, 1), parts={"train": part, "test": part}
        )

    first = content().provenance
    pixels = tmp_path / "it" / "test_images.u8"
    pixels.write_bytes(bytes([*range(15), 99]))
    with pytest.warns(CnnlabWarning, match="does not match its digest.*decoded again"):
        assert content().provenance == first
    assert pixels.read_bytes() == bytes(range(16))


def test_cached_images_belong_to_their_files(tmp_path):
    """The files of the second set have the names, sizes and times of the first."""
    from cnnlab.datasets import DataPaths
    from cnnlab.datasets.sources.folder import ImageFolder

    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (2, 2), (index, 0, 0)).save(tmp_path / "pets" / name / f"{index}.bmp")
    config, data_paths = ImageFolder(folder=str(tmp_path / "pets")), DataPaths(None, tmp_path, tmp_path)
    assert config.read(data_paths).train_images[..., 2].max() == 0
    for path in (tmp_path / "pets").glob("*/*.bmp"):
        before = path.stat()
        Image.new("RGB", (2, 2), (0, 0, 255)).save(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
    assert config.read(data_paths).train_images[..., 2].min() == 255


def test_archives_stay_packed(tmp_path, monkeypatch):
    from cnnlab.datasets.reading.archive import LARGEST_ARCHIVE, members

    assert f"no more than {LARGEST_ARCHIVE:,} bytes are unzipped" in DOCUMENT
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("../outside", tarfile.REGTYPE), ("data_batch_1", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/passwd", 3 * (kind == tarfile.REGTYPE)
            archive.addfile(info, io.BytesIO(b"abc"))
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    Path("it.tar.gz").write_bytes(gzip.compress(buffer.getvalue()))
    assert list(members(Path("it.tar.gz"), ["outside", "data_batch_1"], largest=10)) == [("outside", b"abc")]
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "it.tar.gz"]


@pytest.mark.parametrize("name", ["run.json", ".partial-run.json"])
def test_runs_write_nowhere_else(name, tmp_path):
    from cnnlab.run_folders.folders import Folder

    outside, run = tmp_path / "outside", tmp_path / "run"
    outside.write_text("as it is", encoding="utf-8")
    run.mkdir()
    (run / name).symlink_to(outside)
    Folder(run).write_json("run.json", {"state": "finished"})
    assert outside.read_text(encoding="utf-8") == "as it is"
    assert json.loads((run / "run.json").read_text(encoding="utf-8")) == {"state": "finished"}
    assert not (run / "run.json").is_symlink()


def test_downloads_are_checked(tmp_path, monkeypatch):
    from cnnlab.analyses.imagenet import WEIGHTS

    named = [DATASETS[name].model_validate({"name": name}).remote_files for name in DATASETS]
    remote = [*(each for files in named for each in files), *WEIGHTS.values()]
    assert len(remote) >= 5
    for each in remote:
        assert each.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", each.checksum)
    assert {path.name for path, text in SOURCES.items() if "urlopen" in text} == {"download.py"}
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Response(b"something else"))
    with pytest.raises(DownloadError, match="the file was discarded"):
        download(remote[0], tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == []


class Response(io.BytesIO):
    """What a server answers."""

    status = 200

    @property
    def headers(self):
        return {"Content-Length": str(len(self.getvalue()))}


QUOTING = r"""
import warnings
from cnnlab.cli import show_warning
from cnnlab.commands.progress import BarReporter, LineReporter, SilentReporter
from cnnlab.errors import CnnlabWarning

warnings.showwarning = show_warning
warnings.warn(CnnlabWarning("red \x1b[31m"))
SilentReporter().warn("green \x1b[32m")
LineReporter().note("blue \x1b[34m")
BarReporter().warn("cyan \x1b[36m")
"""


def test_messages_are_text(tmp_path):
    (tmp_path / "it.yaml").write_text('dataset: "\\e[31m"\n' + LAYERS, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_config(str(tmp_path / "it.yaml"))
    assert "\x1b" not in str(caught.value)
    assert "x1b[31m" in str(caught.value)
    terminal, its_end = os.openpty()  # where there is none, click takes colours out by itself
    subprocess.run([sys.executable, "-c", QUOTING], stderr=its_end, check=True)
    os.close(its_end)
    said = os.read(terminal, 4096).decode()
    os.close(terminal)
    codes = [line.split()[-1] for line in said.splitlines()]
    assert codes == [r"\x1b[31m", r"\x1b[32m", r"\x1b[34m", r"\x1b[36m"]


UNESCAPED = {
    '{{ resource("style.css") | safe }}',
    '{{ resource("theme.js") | safe }}',
    '{{ resource("script.js") | safe }}',
    '{{ resource("sorting.js") | safe }}',
    "{{ chart.svg | safe }}",
    "{{ why.svg | safe }}",
    "{{ each.svg | safe }}",
    "{{ difference | safe }}",
    '{{ resource("live.css") | safe }}',
    "{{ resource(name) | safe }}",
}
"""What templates write as it is: cnnlab's own files, and drawings that escape their own texts."""


def test_pages_escape_names(tmp_path, make_run, monkeypatch):
    rooms = [ROOT / "cnnlab" / room for room in ("report", "live_page")]
    templates = [path.read_text(encoding="utf-8") for room in rooms for path in room.glob("*.html")]
    assert {
        each for text in templates for each in re.findall(r"\{\{.*?\}\}", text) if "safe" in each
    } == UNESCAPED
    assert not any(re.search(r"autoescape|\{%[^%]*\bsafe\b", text) for text in templates)
    evil = "<script>alert(1)<b>"
    classes = [evil, "b", "c", "d", "e", "f"]
    for index, name in enumerate(classes):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(8):
            picture = Image.new("RGB", (28, 28), (40 * index, 9 * number, 0))
            picture.save(tmp_path / "set" / name / f"{number}.png")
    dataset = f"dataset: {{folder: {tmp_path / 'set'}, test_size: 0.5, validation_size: 0}}"
    for units in (3, 4):  # an experiment has a plain name: it is that of a folder
        layers = f"[Flatten, Dense: {{units: {units}}}, Dense: {{units: 6, activation: softmax}}]"
        text = f"{dataset}\nmodel: {{layers: {layers}}}\ntraining: {{epochs: 2}}\n"
        (tmp_path / f"{units}.yaml").write_text(text, encoding="utf-8")
        for seed in range(2):
            make_run(tmp_path / "out", str(tmp_path / str(units)), seed=seed)
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    files = [str(tmp_path / "3.yaml"), str(tmp_path / "4.yaml")]
    assert run(["report", *files, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    [page] = (tmp_path / "out" / "comparisons").rglob("report.html")
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "alert(1)<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;b&gt;" in text


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_valid(encoding):
    name = "caf\udce9 \U0001f600"
    program = f"from cnnlab.commands.output import print_json; print_json({{'name': {name!a}}})"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment)
    assert json.loads(done.stdout.decode(encoding)) == {"name": name}
