"""Every broken file of this folder is answered with its sentence, and soon."""

from pathlib import Path

import pytest

from cnnlab.errors import UserError
from cnnlab.language.source import read_yaml
from tests.corpus.bounds import bounded
from tests.corpus.readers import READERS

HERE = Path(__file__).parent
KINDS = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")
EXPECTED = [
    (kind, name, sentence)
    for kind in KINDS
    for name, sentence in read_yaml(HERE / f"{kind}.yaml").plain().items()
]


def test_each_kind_has_a_reader_and_each_file_a_sentence():
    assert sorted(READERS) == KINDS
    listed = {(kind, name) for kind, name, _ in EXPECTED}
    assert listed == {(kind, path.name) for kind in KINDS for path in (HERE / kind).iterdir()}
    assert len(listed) >= 150
    assert max(len(list((HERE / kind).iterdir())) for kind in KINDS) <= 10


@pytest.mark.parametrize(
    ("kind", "name", "sentence"), [pytest.param(*each, id="/".join(each[:2])) for each in EXPECTED]
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's, of what it is told to read
def test_a_broken_file_is_answered_with_one_sentence(kind, name, sentence, monkeypatch):
    monkeypatch.chdir(HERE / kind)
    with pytest.raises(UserError) as caught, bounded():
        READERS[kind](Path(name))
    assert caught.value.on_command_line() == sentence
    assert caught.value.exit_code == 2
