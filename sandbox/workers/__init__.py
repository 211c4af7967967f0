"""Computations that may never end, run where they can be ended: a pool of killable workers."""

from veritune.sandbox.workers.machine import available_cpus
from veritune.sandbox.workers.outcome import Outcome, Status
from veritune.sandbox.workers.pool import WorkerPool

__all__ = ["Outcome", "Status", "WorkerPool", "available_cpus"]
