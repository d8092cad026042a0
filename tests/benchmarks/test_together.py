"""What several seeds in one program take is compared with what one takes."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "bench" / "together.py"


def test_one_seed_is_always_measured_first(monkeypatch, capsys) -> None:
    program = runpy.run_path(str(SCRIPT))
    main = program["main"]
    played = {
        "start_backend": lambda runtime: "nothing",
        "load_dataset": lambda dataset, paths: None,
        "seconds_of_epochs": lambda config, data, *, seeds, epochs: (
            epochs * [{1: 2.0, 2: 3.0, 4: 5.0}[seeds]]
        ),
    }
    for name, function in played.items():
        monkeypatch.setitem(main.__globals__, name, function)
    monkeypatch.setattr("sys.argv", ["together.py", "dnn", "--together", "2,4"])
    main()
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "| 1 | 2.0000 | 2.0000 | 1.00 |",
        "| 2 | 3.0000 | 1.5000 | 1.50 |",
        "| 4 | 5.0000 | 1.2500 | 2.50 |",
    ]
