"""Attack a reward before a GPU-week is spent on it: what pays without the work, what hangs, what breaks."""

from veritune.rewards.attack.corpus import Attack, attacks, honest
from veritune.rewards.attack.report import AttackReport, Result
from veritune.rewards.attack.run import attack

__all__ = ["Attack", "AttackReport", "Result", "attack", "attacks", "honest"]
