"""--format, --aspect, --font-scale and -o: the same for all commands that draw, and for Python."""

import re
import shutil
import struct

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import UserError


def size_of(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def test_draw_in_all_formats_for_a_slide(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["draw", "cnn", "--aspect", "16:9", "--format", "png,svg,pdf", "-o", "slide"]) == 0
    assert capsys.readouterr().out.split() == ["slide.png", "slide.svg", "slide.pdf"]
    width, height = size_of(tmp_path / "slide.png")
    assert width / height == pytest.approx(16 / 9, rel=0.01)
    assert (tmp_path / "slide.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "slide.svg").read_text()


def test_drawings_that_are_too_deep_for_a_slide_say_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["draw", "resnet50", "--aspect", "16:9", "-o", "deep.svg"]) == 0
    said = capsys.readouterr()
    assert said.out == "deep.svg\n"
    share = r"note: the smallest text is [01]\.\d% of a slide's height, hard to read"
    assert re.fullmatch(f"{share}; --block NAME draws one block\n", said.err)
    for asked in (["resnet50"], ["cnn", "--aspect", "16:9"]):
        assert run(["draw", *asked, "-o", "fine.svg"]) == 0
        assert capsys.readouterr().err == ""


def test_the_same_drawing_twice_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        assert run(["draw", "cnn", "--format", "pdf", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@pytest.fixture(scope="module")
def compared(tmp_path_factory, make_run):
    out = tmp_path_factory.mktemp("experiments")
    for name in ("colors_dnn", "colors_cnn"):
        make_run(out, name, accuracy=0.8)
    return out


def test_a_comparison_for_slides(compared, tmp_path):
    asked = ["--aspect", "4:3", "--format", "png,pdf", "--font-scale", "1.2"]
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(compared), "--quiet", *asked]) == 0
    folder = compared / "comparisons" / "colors_dnn-vs-colors_cnn"
    for name in ("curves", "accuracy", "parameters", "confusion", "images", "only_one_right"):
        width, height = size_of(folder / f"{name}.png")
        assert width / height == pytest.approx(4 / 3, rel=0.01)
        assert (folder / f"{name}.pdf").exists()
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(compared), "--quiet"]) == 0
    assert not list(folder.glob("*.pdf"))  # those of the earlier call
    named = tmp_path / "mine"
    asked = ["--out", str(compared), "--quiet", "-o", str(named)]
    assert run(["compare", "colors_dnn", "colors_cnn", *asked]) == 0
    assert (tmp_path / "mine-curves.png").exists()
    assert (folder / "curves.png").exists()


def test_python_has_the_same_options(compared, tmp_path):
    comparison = cnnlab.compare(["colors_dnn", "colors_cnn"], out=compared)
    comparison.save(format=["svg"], aspect="16:9", output=tmp_path / "python")
    assert "<svg" in (tmp_path / "python-curves.svg").read_text()
    with pytest.raises(UserError, match=r"aspect: expected auto or 16:9 or 4:3, found '1:1'"):
        comparison.save(aspect="1:1")
    with pytest.raises(UserError, match="format: expected png, svg, pdf, found 'gif'"):
        comparison.save(format="gif")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--format", "png,gif"], "--format: expected png, svg, pdf, found 'gif'"),
        (["--format", ""], "--format: expected png, svg, pdf, found ''"),
        (["--aspect", "16:10"], "--aspect: expected auto or 16:9 or 4:3, found '16:10'"),
        (["--font-scale", "9"], "--font-scale: expected 0.5 to 2, found 9"),
        (["--font-scale", "nan"], "--font-scale: expected 0.5 to 2, found nan"),
        (["-o", "."], "--output: expected the name of pictures, found the folder ."),
        (["-o", "nowhere/it"], "nowhere/it: cannot be written: there is no folder nowhere"),
        (["-o", "it.png", "--format", "svg"], "--output: ends in .png, but format is svg; leave one out"),
        (["-o", ""], "--output: expected a name, found ''"),
        (["--out", "it.png", "--format", "svg"], "--out names one file; leave out --format and -o, or --out"),
    ],
    ids=["format", "no format", "aspect", "scale", "nan", "folder", "nowhere", "ending", "no name", "both"],
)
def test_mistakes(tmp_path, monkeypatch, capsys, asked, message):
    monkeypatch.chdir(tmp_path)
    assert run(["draw", "cnn", *asked]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_the_curves_of_runs(compared, tmp_path):
    both = ["train", "colors_dnn", "colors_cnn", "--out", str(compared), "--quiet"]
    assert run([*both, "--aspect", "16:9", "--format", "png,svg"]) == 0
    for run_of in cnnlab.runs(out=compared):
        width, height = size_of(run_of.folder / "curves.png")
        assert width / height == pytest.approx(16 / 9, rel=0.01)
        assert "<svg" in (run_of.folder / "curves.svg").read_text()
    assert run([*both, "-o", str(tmp_path / "slide.pdf")]) == 0
    names = sorted(each.name.rsplit("-", 3)[0] for each in tmp_path.glob("slide-*.pdf"))
    assert names == ["slide-colors_cnn", "slide-colors_dnn"]
    assert run([*both, "--format", "png"]) == 0  # as they were
    assert (width, height) not in {size_of(each.folder / "curves.png") for each in cnnlab.runs(out=compared)}
    one = cnnlab.runs(out=compared, where="name = colors_cnn")[0]
    assert one.save_figures(output=tmp_path / "one", format="svg") == [tmp_path / "one.svg"]
    assert one.figures["curves"].axes


def test_runs_that_are_called_the_same(compared, tmp_path):
    shutil.copytree(compared, tmp_path / "copy")
    runs = cnnlab.runs(out=compared) + cnnlab.runs(out=tmp_path / "copy")
    kept = tmp_path / "copy" / runs[0].folder.parent.name / "seed-0-2"  # as a run is kept aside
    shutil.copytree(runs[0].folder, kept)
    runs.insert(0, cnnlab.Run(kept))
    files = runs.save_figures(output=tmp_path / "all.png")
    assert len({each for each in files if each.is_file()}) == len(runs) == 5


def test_a_run_without_epochs_has_no_curves(compared, tmp_path):
    folder = tmp_path / "colors_cnn-12345678" / "seed-0"
    shutil.copytree(cnnlab.runs(out=compared)[0].folder, folder)
    begun = cnnlab.Run(folder)
    (folder / "history.csv").unlink()
    with pytest.raises(UserError, match="this run has no epoch yet"):
        begun.save_figures()
    whole = cnnlab.runs(out=compared)[0]
    with pytest.raises(UserError, match="this run has no epoch yet"):
        type(cnnlab.runs(out=compared))([whole, begun]).save_figures(output=tmp_path / "both")
    assert not list(tmp_path.glob("both*"))
    shutil.rmtree(folder)
    with pytest.raises(UserError):
        begun.save_figures()
    assert not folder.exists()


def test_endings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["draw", "cnn", "--out", "as typed.PNG"]) == 0
    assert run(["draw", "cnn", "-o", "cnn.v2"]) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["as typed.PNG", "cnn.v2.png"]
    capsys.readouterr()
    assert run(["data", "show", "xo", "-o", "sheet.jpg"]) == 2
    assert "--output: ends in .jpg; expected .png, .svg or .pdf" in capsys.readouterr().err
    assert run(["data", "show", "xo", "-o", "x" * 300]) == 2
    assert "--output: expected a name, found a name that is too long" in capsys.readouterr().err


def test_options_of_pictures_that_nobody_draws(compared, capsys):
    assert run(["train", "colors_dnn", "--out", str(compared), "--check", "--aspect", "4:3"]) == 2
    assert "--aspect: --check only runs a few steps" in capsys.readouterr().err
    assert run(["bench", "convolution", "--aspect", "4:3"]) == 2
    assert "--aspect: without -o or --out, nothing is drawn" in capsys.readouterr().err
