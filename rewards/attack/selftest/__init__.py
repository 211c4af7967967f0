"""How well the attack itself does: broken rewards that it must expose, and sound ones that it must pass."""

from veritune.rewards.attack.selftest.run import Case, Checked, selftest

__all__ = ["Case", "Checked", "selftest"]
