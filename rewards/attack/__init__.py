"""Attack a reward before a GPU-week is spent on it: what pays without the work, what hangs, what breaks."""

from veritune.rewards.attack.corpus import attacks
from veritune.rewards.attack.report import AttackReport, Finding, Result
from veritune.rewards.attack.run import attack, worker_pool
from veritune.rewards.attack.target import Attack, Target

__all__ = ["Attack", "AttackReport", "Finding", "Result", "Target", "attack", "attacks", "worker_pool"]
