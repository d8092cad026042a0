"""What a cluster has room for, and which machines are refused; without a cluster."""

import socket
import sys
import threading

import pytest

from cnnlab.cluster import probe
from cnnlab.cluster.address import Address
from cnnlab.cluster.connection import ray_module, reach
from cnnlab.cluster.costs import kinds
from cnnlab.cluster.nodes import Need, Node, check_room, check_versions, room
from cnnlab.errors import CnnlabError, OptionError, UserError


def node(cpus: float, gpus: float = 0, name: str = "a", **more: float) -> Node:
    resources = {"CPU": cpus, "memory": 1e9, "node:10.0.0.1": 1.0, **({"GPU": gpus} if gpus else {}), **more}
    return Node.from_ray({"NodeID": name * 4, "NodeManagerHostname": name, "Resources": resources})


SMALL, LARGE, GPUS = node(2), node(9, name="b"), node(8, 2, "c", **{"accelerator_type:A100": 1.0})


def test_nodes_are_read_from_what_ray_says() -> None:
    assert Node("cccc", "c", 8, 2, "A100") == GPUS
    assert Node("aaaa", "a", 2, 0, None) == SMALL


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        (Need(1), 19),
        (Need(2), 9),
        (Need(4), 4),
        (Need(1, gpu=True), 2),
        (Need(5, gpu=True), 1),
        (Need(10), 0),
    ],
    ids=str,
)
def test_room(need: Need, expected: int) -> None:
    assert room([SMALL, LARGE, GPUS], need) == expected


def test_a_run_that_nobody_has_room_for() -> None:
    check_room([SMALL, LARGE], Need(9))
    with pytest.raises(CnnlabError) as refused:
        check_room([SMALL, GPUS], Need(9, gpu=True))
    assert str(refused.value) == (
        "the cluster has no room for a run that takes 9 CPUs and a GPU: found a with 2 CPUs, c with 8 CPUs "
        "and 2 GPUs\n   use fewer --threads, or let a larger machine join"
    )
    with pytest.raises(CnnlabError, match="found no machine that computes"):
        check_room([], Need(1))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"version": "0.1.0"}, "found 0.1.0 with arithmetic"),
        ({"arithmetic": 1}, "with arithmetic 1"),
        ({"sources": "0123456789"}, "found others, 01234567…"),
        (
            {"error": "ModuleNotFoundError: No module named 'cnnlab'"},
            "cnnlab cannot be imported there: Module",
        ),
    ],
)
def test_another_cnnlab(other, message: str) -> None:
    here = probe.facts()
    check_versions([here, here])
    with pytest.raises(CnnlabError) as refused:
        check_versions([here, {**here, "machine": "b", **other}])
    lines = str(refused.value).splitlines()
    assert lines[0].startswith("b: ")
    assert message in lines[0]
    assert lines[1:] == ["   install the same version of cnnlab on all machines of the cluster"]


def test_kinds_of_machines() -> None:
    again = node(2, name="d")
    said = [{"cpu": "Xeon"}, {"cpu": "Xeon"}, {"cpu": "EPYC"}, {"cpu": "Xeon"}]
    assert kinds([SMALL, LARGE, GPUS, again], said) == {
        "Xeon, 2 CPUs": [SMALL, again],
        "Xeon, 9 CPUs": [LARGE],
        "2 GPUs (A100), EPYC, 8 CPUs": [GPUS],
    }


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ray", None, 6379),
        ("ray://10.0.0.1", "10.0.0.1", 6379),
        ("ray://head.lab:1234/", "head.lab", 1234),
        ("ray://[::1]:80", "[::1]", 80),
    ],
)
def test_addresses(text: str, host: str | None, port: int) -> None:
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", "Ray", "ray:", "ray://", "ray://a b", "ray://a:0", "ray://a:70000", 3, None]
)
def test_no_addresses(text: object) -> None:
    with pytest.raises(OptionError, match="expected ray, for this machine, or ray://HOST:PORT"):
        Address.parse(text)


def test_without_ray(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError) as refused:
        ray_module()
    assert str(refused.value) == ("--on ray: expected Ray, which is not installed: pip install 'cnnlab[ray]'")


def test_what_is_no_cluster_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answers = threading.Thread(target=lambda: server.accept()[0].close())
        answers.start()
        with pytest.raises(CnnlabError, match=r"what answers there is no cluster of Ray|reset"):
            reach(Address("127.0.0.1", server.getsockname()[1]))
        answers.join()
