"""This process's connection to a Ray cluster: made within bounded time, told apart from an earlier one, looked at."""

from __future__ import annotations

import os
import socket
from typing import Any

from veritune.plugins.errors import MissingExtraError, RunError

_REACH_S = 10.0


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
    _check_reachable(address, purpose)
    own = {} if address else {"include_dashboard": False}
    try:
        ray.init(ignore_reinit_error=True, log_to_driver=False, **own)
    except Exception as error:
        where = f"RAY_ADDRESS={address}" if address else "a cluster on this machine"
        text = str(error).strip() or type(error).__name__
        raise ClusterUnavailable(f"{purpose}: Ray could not connect to {where}: {text}") from error


def _check_reachable(address: str, purpose: str) -> None:
    """Ray itself tries an address where nobody listens for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except OSError as error:
        raise ClusterUnavailable(
            f"{purpose}: no Ray cluster answers at RAY_ADDRESS={address} ({error.strerror or error}). Start one there "
            "(ray start --head), or unset RAY_ADDRESS for one on this machine"
        ) from error


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


def room(ray: Any, cpus: float, gpus: float) -> int:
    """How many actors of this size the machines could hold if nobody else used them."""
    found = 0
    for node in alive_nodes(ray).values():
        have = node["Resources"]
        each = [int(have.get(name, 0.0) / need + 1e-9) for name, need in (("CPU", cpus), ("GPU", gpus)) if need]
        found += min(each, default=1_000_000)
    return found


def describe(ray: Any, cpus: float, gpus: float) -> str:
    """``the cluster has 2 machines with 4 CPUs, 0 of them free``."""
    name, need = ("GPU", gpus) if gpus else ("CPU", cpus)
    nodes = alive_nodes(ray)
    total = sum(node["Resources"].get(name, 0.0) for node in nodes.values())
    free = ray.available_resources().get(name, 0.0)
    machines = f"{len(nodes)} machine{'' if len(nodes) == 1 else 's'}"
    text = f"the cluster has {machines} with {total:g} {name}s, {free:g} of them free"
    if need and not room(ray, cpus, gpus):
        text += f"; no machine has the {need:g} {name}s that one actor asks for"
    return text
