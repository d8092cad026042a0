"""The connection to a cluster of Ray, which keeps quiet: no dashboard, no statistics, no lines of its own."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import ModuleType

from cnnlab.cluster.address import Address
from cnnlab.errors import CnnlabError, UserError
from cnnlab.framework_errors import described
from cnnlab.process_environment import set_default

REACHED_WITHIN = 10.0
"""Seconds in which the head of a cluster accepts a connection."""

_EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""A frame of HTTP/2: of length 0 and of type 4."""

LONGEST_FOLDER = 40
"""Characters of a local Ray's folder: the names of its sockets have at most 107."""


def ray_module() -> ModuleType:
    """Ray itself.

    Raises:
        UserError: it is not installed.
    """
    set_default("RAY_USAGE_STATS_ENABLED", "0")  # before it is imported
    try:
        import ray
    except ImportError:
        raise UserError("--on ray: expected Ray, which is not installed: pip install 'cnnlab[ray]'") from None
    module: ModuleType = ray
    return module


@contextmanager
def connected(address: Address) -> Iterator[None]:
    """Be connected to a cluster in this block, or start Ray on this machine for as long as it lasts.

    A process that is connected already, such as a notebook, stays so.

    Raises:
        UserError: Ray is not installed.
        CnnlabError: the cluster cannot be reached, or Ray does not start.
    """
    ray = ray_module()
    if ray.is_initialized():
        yield
        return
    shown = os.environ.get("CNNLAB_TRACEBACK") == "1"
    level = logging.INFO if shown else logging.CRITICAL
    logging.getLogger("ray").setLevel(level)
    folder = None
    options = {"log_to_driver": shown, "logging_level": level}
    try:
        if address.host is None:
            folder = _folder()
            place = {"address": "local", "include_dashboard": False, "_temp_dir": str(folder)}
        else:
            reach(address)
            place = {"address": address.gcs}
        try:
            with _signals_kept():
                ray.init(**place, **options)
        except SystemExit:  # what Ray makes of SIGTERM
            signal.raise_signal(signal.SIGTERM)
            raise
        except Exception as error:
            raise _no_connection(address, error) from error
        try:
            with nullcontext() if shown else _news_hidden():
                yield
        finally:
            with _signals_kept():
                ray.shutdown()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def reach(address: Address) -> None:
    """Find out whether somebody listens there: Ray itself would try for a minute, then end the process.

    Raises:
        CnnlabError: nobody does.
    """
    host = str(address.host).strip("[]")
    try:
        with socket.create_connection((host, address.port), timeout=REACHED_WITHIN) as connection:
            if _speaks_http2(connection):
                return
        problem = "what answers there is no cluster of Ray"
    except OSError as error:
        problem = error.strerror or str(error)
    raise CnnlabError(
        f"{address}: the cluster cannot be reached: {problem}\n"
        f"   expected the address that ray start --head shows; port {address.port} must be open"
    )


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether it is a server of gRPC, as the head of a cluster is: it answers with settings (RFC 9113)."""
    if os.environ.get("RAY_USE_TLS") == "1":  # then this is not the beginning of what is said
        return True
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS)
    with connection.makefile("rb") as answer:
        return answer.read(len(_EMPTY_SETTINGS))[3:4] == _EMPTY_SETTINGS[3:4]


def _no_connection(address: Address, error: Exception) -> CnnlabError:
    if address.host is None:
        return CnnlabError(f"Ray does not start on this machine: {described(error)}")
    return CnnlabError(
        f"{address}: no connection to the cluster: {described(error)}\n"
        "   expected that this machine has joined it, with the same versions of Ray and Python; to join it "
        f"without computing for it: ray start --address={address.gcs} --num-cpus=0"
    )


@contextmanager
def _news_hidden() -> Iterator[None]:
    """Keep pages of what Ray has to say of lost machines off stdout; it has no setting for that."""
    import ray._private.worker as internals

    show = getattr(internals, "print_to_stdstream", None)
    if show is None:
        yield
        return
    internals.print_to_stdstream = lambda *args, **options: None
    try:
        yield
    finally:
        internals.print_to_stdstream = show


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself: afterwards, signals end the command as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)


def _folder() -> Path:
    """Where a Ray of this command's own keeps sockets and logs."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="cnnlab-"))
        if len(str(folder)) > LONGEST_FOLDER:
            with suppress(OSError):
                folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="cnnlab-", dir="/tmp"))
    except OSError as error:
        raise CnnlabError(f"no temporary folder can be made: {error.strerror or error}") from None
    return folder
