"""veritune: rewards you can trust, and the shortest path from them to a trained policy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veritune.plugins import (
        Cause,
        Reward,
        Sample,
        Score,
        Verdict,
        VerituneError,
        get_reward,
        get_sandbox,
        get_verifier,
        hookimpl,
        reward,
    )
    from veritune.rewards.composition import RewardSet, compose

__version__ = "0.1.0"

__all__ = [
    "Cause",
    "Reward",
    "RewardSet",
    "Sample",
    "Score",
    "Verdict",
    "VerituneError",
    "__version__",
    "compose",
    "get_reward",
    "get_sandbox",
    "get_verifier",
    "hookimpl",
    "reward",
]

_HOME = {
    **dict.fromkeys(set(__all__) - {"__version__"}, "veritune.plugins"),
    **dict.fromkeys(("RewardSet", "compose"), "veritune.rewards.composition"),
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'veritune' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
