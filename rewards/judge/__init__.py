"""A generative model as judge: compare with the gold, grade by a rubric, or pick the better of two."""

from __future__ import annotations

from veritune.rewards.judge.reward import Judge, judge

__all__ = ["Judge", "judge"]
