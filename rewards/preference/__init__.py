"""Neural preference models as rewards: views, encoding, scoring here or elsewhere, and statistics of scores."""

from __future__ import annotations

from veritune.rewards.preference.reward import Preference, preference

__all__ = ["Preference", "preference"]
