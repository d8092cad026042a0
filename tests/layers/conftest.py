import pytest
from hypothesis import strategies as st

from tests.layer_examples import EXAMPLES, Example


class Examples(dict[str, st.SearchStrategy[Example]]):
    def __repr__(self) -> str:  # hypothesis shows the arguments of a test that failed
        return "examples"


@pytest.fixture(scope="session")
def examples() -> Examples:
    return Examples(EXAMPLES)
