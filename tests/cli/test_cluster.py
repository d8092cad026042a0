"""--on ray: a real cluster of several machines on this one, of which one is lost; needs Ray."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

import cnnlab as package

pytestmark = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install 'cnnlab[ray]'"
)

SOURCES = Path(package.__file__).parent.parent

# In a process of its own: Ray's threads and signal handlers are nothing for this one.
CLUSTER = """\
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
print("address", cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(nodes.pop(), allow_graceful=False)
    nodes.append(cluster.add_node(num_cpus=1))
cluster.shutdown()
"""


class RunningCluster(NamedTuple):
    """Two machines with a CPU each."""

    address: str
    process: subprocess.Popen[str]

    def lose_a_machine(self) -> None:
        """Kill one; another one joins."""
        self.process.stdin.write("lose\n")
        self.process.stdin.flush()


@pytest.fixture(scope="module", autouse=True)
def ray_environment() -> Iterator[None]:
    """No token in the home folder; processes of Ray find the cnnlab under test, and no data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(SOURCES), prepend=os.pathsep)
        patch.delenv("CNNLAB_DATA_DIR", raising=False)
        yield


@pytest.fixture(scope="module")
def cluster(ray_environment) -> Iterator[RunningCluster]:
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        for line in process.stdout:
            if line.startswith("address "):
                break
        else:
            pytest.fail("the cluster does not start")
        yield RunningCluster(f"ray://{line.split()[1]}", process)
        process.stdin.close()


@pytest.fixture(scope="module")
def trained(cluster, start, configs, data_dir: Path, tmp_path_factory) -> tuple[str, Path]:
    """What a command has said that lost a machine, and where its runs are."""
    out, here = tmp_path_factory.mktemp("on-ray"), tmp_path_factory.mktemp("cwd")
    command = start(
        "train", configs["stateful"], "--seeds", "0-2", "--set", "training.epochs=60",
        "--on", cluster.address, "--data-dir", data_dir, "--out", out, cwd=here,
    )  # fmt: skip
    said = []
    for line in command.stderr:
        said.append(line)
        if "epoch 10/60" in line and "lost" not in said:
            said.append("lost")
            cluster.lose_a_machine()
    assert command.wait(60) == 0, said
    assert list(here.iterdir()) == []
    return "".join(said), out


def test_a_lost_machine_costs_no_run_and_no_bit(
    trained, process, configs, data_dir, folder_of, tmp_path
) -> None:
    said, out = trained
    assert re.search(
        r"seed \d: .* is lost; the run goes on elsewhere, from its checkpoint after epoch \d+\n", said
    )
    assert "(raylet)" not in said
    local = ("--workers", "2", "--threads", "1", "--data-dir", data_dir, "--out", tmp_path)
    settings = ("--seeds", "0-2", "--set", "training.epochs=60")
    assert process("train", configs["stateful"], *settings, *local).code == 0
    for seed in range(3):
        there, here = folder_of(out, seed=seed), folder_of(tmp_path, seed=seed)
        there.assert_same_training(here)
        assert there.json("environment.json")["threads"] == 1
        assert there.json("run.json")["state"] == "finished"
        assert {each.name for each in there.path.iterdir()} == {each.name for each in here.path.iterdir()}


def test_finished_runs_are_found_without_a_cluster(trained, cnnlab, configs, data_dir: Path) -> None:
    _, out = trained
    settings = ("--seeds", "0-2", "--set", "training.epochs=60", "--data-dir", data_dir, "--out", out)
    done = cnnlab("train", configs["stateful"], *settings, "--on", "ray://127.0.0.1:1", "--json")
    assert done.code == 0, done.stderr
    assert len(json.loads(done.stdout)) == 3


PRUNING = """\
import sys
from pathlib import Path

from cnnlab.cluster.address import Address
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths
from cnnlab.errors import Pruned
from cnnlab.jobs import Jobs
from cnnlab.reporting import Reporter

class Pruning(Reporter):
    def epoch_ended(self, config, row):
        if config.seed == 1 and row["epoch"] == 2:
            raise Pruned(2)

class Source:
    seeds = [0, 1]
    def next(self):
        return config.with_seed(self.seeds.pop(0)) if self.seeds else None
    def ended(self, config, outcome):
        print(config.seed, type(outcome).__name__, flush=True)

config = load_config(sys.argv[1])
paths = DataPaths.from_environment(Path(sys.argv[2]))
jobs = Jobs(Path(sys.argv[3]), paths, Pruning(), workers="auto", on=Address.parse(sys.argv[4]))
jobs.feed(Source(), most=2)
"""


def test_runs_are_pruned_there(cluster, configs, data_dir: Path, tmp_path: Path, folder_of) -> None:
    arguments = map(str, (configs["stateful"], data_dir, tmp_path, cluster.address))
    done = subprocess.run(
        [sys.executable, "-c", PRUNING, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert sorted(done.stdout.split("\n")) == ["", "0 Record", "1 Pruned"], done.stderr
    assert folder_of(tmp_path, seed=1).json("run.json")["state"] == "pruned"
    assert len(folder_of(tmp_path, seed=1).history) == 2


def test_what_a_run_costs_on_each_kind_of_machine(cluster, process, configs, data_dir: Path) -> None:
    done = process(
        "train", configs["stateful"], "--check", "--on", cluster.address, "--json", "--data-dir", data_dir
    )
    assert done.code == 0, done.stderr
    cost = json.loads(done.stdout)
    assert (cost["name"], cost["machines"], cost["runs_at_once"]) == ("stateful", 2, 2)
    assert cost["device"].endswith("1 CPU")
    assert cost["seconds"] > 0


def test_no_machine_has_room(cluster, process, configs, data_dir: Path, tmp_path: Path) -> None:
    done = process(
        "train", configs["stateful"], "--on", cluster.address, "--threads", "8", "--data-dir", data_dir,
        "--out", tmp_path,
    )  # fmt: skip
    assert done.code == 1
    assert "the cluster has no room for a run that takes 8 CPUs: found " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_machines_with_another_cnnlab_are_refused(cluster, configs, data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(SOURCES / "cnnlab", tmp_path / "cnnlab", ignore=shutil.ignore_patterns("__pycache__"))
    (elsewhere := tmp_path / "elsewhere").mkdir()  # Ray looks for modules in this command's folder, too
    version = tmp_path / "cnnlab" / "version.py"
    version.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9"', version.read_text()))
    done = subprocess.run(
        [
            sys.executable, "-m", "cnnlab", "train", configs["stateful"], "--on", cluster.address,
            "--data-dir", data_dir, "--out", tmp_path / "out",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=elsewhere, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        f": expected cnnlab 9.9 with arithmetic 3, as here; found {package.__version__} with" in done.stderr
    )
    assert "install the same version of cnnlab on all machines" in done.stderr


def test_ctrl_c_leaves_nothing_running(
    start, process, configs, data_dir: Path, tmp_path: Path, folder_of
) -> None:
    """Ray is on this machine, for this command alone; the run is resumed without it."""
    options = ("--data-dir", data_dir, "--out", tmp_path)
    epochs = ("--set", "training.epochs=2000")
    command = start("train", configs["stateful"], *epochs, "--on", "ray", *options, start_new_session=True)
    for line in command.stderr:
        if "  loss " in line:
            break
    children = psutil.Process(command.pid).children(recursive=True)
    assert children
    os.killpg(command.pid, signal.SIGINT)
    assert command.wait(40) == 130
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    run = folder_of(tmp_path)
    assert run.json("run.json")["state"] == "interrupted"
    assert len(run.history) > 0
    assert (run.path / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--on", "rya"], 2, "--on: expected ray, for this machine, or ray://HOST:PORT"),
        (["--on", "ray://:6379"], 2, "found 'ray://:6379'"),
        (["--on", "ray://head:99999"], 2, "found 'ray://head:99999'"),
        (
            ["--on", "ray", "--together", "4", "--backend", "jax"],
            2,
            "--together 4: on a cluster, each run is",
        ),
        (
            ["--on", "ray://127.0.0.1:1"],
            1,
            "ray://127.0.0.1:1: the cluster cannot be reached: Connection ref",
        ),
    ],
    ids=["misspelt", "no-host", "no-port", "together", "unreachable"],
)
def test_mistakes_are_named_at_once(cnnlab, tmp_path: Path, options, code: int, message: str) -> None:
    done = cnnlab("train", "colors_dnn", *options, "--out", tmp_path)
    assert done.code == code
    assert message in done.stderr
