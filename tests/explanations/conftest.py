import pytest


@pytest.fixture(autouse=True)
def started(backend):
    """Every test here runs on the session's backend, which is deterministic."""
