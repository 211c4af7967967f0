"""This process's connection to a Ray cluster: made within bounded time, told apart from an earlier one, looked at."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

from veritune.plugins.errors import MissingExtraError, RunError

_REACH_S = 10.0
_HEAD_REACH_S = 2.0


class ClusterUnavailable(RunError):
    """No Ray cluster can be reached, or it has no actor for us within the time that we wait for one."""


def import_ray(purpose: str) -> Any:
    """The module ``ray``. Raises MissingExtraError."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", purpose) from error
    return ray


def connect(ray: Any, purpose: str) -> None:
    """Use the Ray that is started; else the cluster of ``RAY_ADDRESS``, or the one ``ray start`` began on this machine;
    else start one here. Raises ClusterUnavailable."""
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS", "")
    refusal = _refusal(address)
    if refusal:
        raise ClusterUnavailable(
            f"{purpose}: no Ray cluster answers at RAY_ADDRESS={address} ({refusal}). Start one there (ray start "
            "--head), or unset RAY_ADDRESS for one on this machine"
        )
    own: dict[str, Any] = {} if address else {"include_dashboard": False}
    if not address and _refusal(_started_here(ray)):
        own["address"] = "local"  # what was started on this machine has ended without a word
    try:
        ray.init(ignore_reinit_error=True, log_to_driver=False, **own)
    except Exception as error:
        where = f"RAY_ADDRESS={address}" if address else "a cluster on this machine"
        text = str(error).strip() or type(error).__name__
        raise ClusterUnavailable(f"{purpose}: Ray could not connect to {where}: {text}") from error


def _refusal(address: str, timeout_s: float = _REACH_S) -> str:
    """Why nobody answers at ``host:port``, or nothing. Ray itself tries such an address for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return ""
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _started_here(ray: Any) -> str:
    """The address of the cluster that ``ray start`` says it began here, where it has said so."""
    with contextlib.suppress(Exception):  # not part of Ray's public interface
        return ray._private.utils.read_ray_address(None) or ""
    return ""


class Head:
    """The machine that keeps a cluster together. Calls that need one that has gone wait in Ray's own code for a minute,
    deaf to signals, and then Ray ends this process: it is asked whether it is there before each of them."""

    def __init__(self, ray: Any) -> None:
        self.address = ""
        with contextlib.suppress(Exception):  # a client of Ray's has no such address
            self.address = str(ray.get_runtime_context().gcs_address)
        if _refusal(self.address, _HEAD_REACH_S):
            self.address = ""  # never to be reached from here: a tunnel, a proxy

    def answers(self) -> bool:
        return not _refusal(self.address, _HEAD_REACH_S)


def identity(ray: Any) -> str | None:
    """What tells this connection from an earlier one, also on the same address; None where there is none."""
    if not ray.is_initialized():
        return None
    try:
        context = ray.get_runtime_context()
        return f"{context.get_node_id()} {context.get_job_id()}"
    except Exception:  # it is being shut down this moment
        return None


def alive_nodes(ray: Any) -> dict[str, dict[str, Any]]:
    """Node id → what Ray says of it, of the machines that are there."""
    return {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}


def room(nodes: Mapping[str, Any], cpus: float, gpus: float) -> int:
    """How many actors of this size the machines could hold if nobody else used them."""
    found = 0
    for node in nodes.values():
        have = node["Resources"]
        each = [int(have.get(name, 0.0) / need + 1e-9) for name, need in (("CPU", cpus), ("GPU", gpus)) if need]
        found += min(each, default=1_000_000)
    return found


def describe(ray: Any, nodes: Mapping[str, Any], cpus: float, gpus: float) -> str:
    """``the cluster has 2 machines with 4 CPUs, 0 of them free``."""
    name, need = ("GPU", gpus) if gpus else ("CPU", cpus)
    total = sum(node["Resources"].get(name, 0.0) for node in nodes.values())
    free = ray.available_resources().get(name, 0.0)
    machines = f"{len(nodes)} machine{'' if len(nodes) == 1 else 's'}"
    text = f"the cluster has {machines} with {total:g} {name}s, {free:g} of them free"
    if need and not room(nodes, cpus, gpus):
        text += f"; no machine has the {need:g} {name}s that one actor asks for"
    return text
