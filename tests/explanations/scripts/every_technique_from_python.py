"""Every technique of a run, without the command line: every_technique_from_python.py RUN FOLDER

Prints the techniques that have pictures to draw, the files of one of them, and what of the command line was
imported on the way.
"""

import json
import sys
from pathlib import Path

from cnnlab.datasets import DataPaths
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.explaining import explain

QUICK = {
    "maximize": {"steps": 2, "unit": 0, "classes": False}, "saliency": {"image": 0, "method": "gradient"},
    "occlusion": {"image": [0]},
    "dream": {"steps": 1, "side": 20}, "style": {"steps": 1, "side": 20}, "invariance": {"images": 10},
    "examples": {"count": 2}, "deconvnet": {"unit": range(2)}, "embedding": {"images": 20},
    "equivalence": {"images": 5},
}  # fmt: skip

if __name__ == "__main__":
    run, folder = map(Path, sys.argv[1:])
    made, saved = [], []
    for name, technique in TECHNIQUES.items():
        if technique.takes_network == "never":
            continue
        found = explain(name, run, out=folder, data_paths=DataPaths.from_environment(), **QUICK.get(name, {}))
        if found.sentence and len(found.figures):
            made.append(name)
        if name == "filters":
            found.save(folder / name)
            saved = sorted(path.name for path in (folder / name).iterdir())
    commands = [name for name in sys.modules if name == "click" or name.startswith("cnnlab.commands")]
    sys.stdout.write(json.dumps({"made": made, "saved": saved, "commands": commands}))
