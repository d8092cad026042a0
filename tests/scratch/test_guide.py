"""docs/from-scratch.md: its Python blocks run in their order, and print what stands below them."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "from-scratch.md"

LOOPS = "for n in range(count):"


def blocks() -> list[tuple[str, str]]:
    """Each Python block, and the block of output that follows it; "" where none does."""
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", text, flags=re.MULTILINE | re.DOTALL)


def test_the_blocks_print_what_stands_below_them(capsys) -> None:
    names: dict = {}
    run = [(code, printed) for code, printed in blocks() if not code.startswith(LOOPS)]
    for code, printed in run:
        exec(code, names)
        assert capsys.readouterr().out == printed, code
    assert len(run) == 8
    assert all(printed for _, printed in run)


def test_the_loops_are_those_of_the_engine() -> None:
    (shown,) = (code for code, _ in blocks() if code.startswith(LOOPS))
    source = (ROOT / "cnnlab" / "scratch" / "loops.py").read_text(encoding="utf-8")
    assert textwrap.indent(shown, "    ") in source
