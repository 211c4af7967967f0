"""How many CPUs this process may use, and how many workers that makes."""

from __future__ import annotations

import math
import os
from pathlib import Path


def available_cpus() -> int:
    """CPUs by affinity and cgroup quota (v1 and v2), shared fairly by the ranks of one node; at least 1."""
    cpus = float(_affinity())
    quota = _cgroup_quota()
    if quota is not None:
        cpus = min(cpus, max(1.0, math.ceil(quota)))
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    if ranks.isdigit() and int(ranks) > 1:
        cpus /= int(ranks)
    return max(1, int(cpus))


def _affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def _cgroup_quota(root: str = "/sys/fs/cgroup") -> float | None:
    try:
        quota, period = Path(root, "cpu.max").read_text().split()[:2]
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota_us = int(Path(root, "cpu/cpu.cfs_quota_us").read_text())
        period_us = int(Path(root, "cpu/cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota_us / period_us if quota_us > 0 and period_us > 0 else None
