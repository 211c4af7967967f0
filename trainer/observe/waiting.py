"""What there is to say about a run whose completions were drawn ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def waiting(lines: Sequence[Mapping[str, Any]]) -> str:
    """How long the update and the drawing waited for each other, and how old completions were; "" without any."""
    steps = [r for r in lines if r["phase"] == "grpo" and r.get("rollout/age") is not None]
    if not steps:
        return ""
    mean = sum(r["rollout/age"] for r in steps) / len(steps)
    most = max(r["rollout/age_max"] for r in steps)
    ages = f"completions were {mean:.1f} optimizer steps old on average, {most:.0f} at most"
    timed = [r for r in steps if r.get("seconds/wait") is not None]
    if not timed:
        return f"{ages}; drawing and update took turns"
    waited, idle, whole = (sum(r[f"seconds{name}"] for r in timed) for name in ("/wait", "/idle", ""))
    both = f"the update waited {waited:.0f} s for completions, the drawing {idle:.0f} s for the update"
    return f"of {whole:.0f} s {both}; {ages}"


def in_a_line(metrics: Mapping[str, float]) -> str:
    """The same of one step."""
    if "seconds/wait" not in metrics:
        return ""
    return f"  waited {metrics['seconds/wait']:.2g} s, drawing idle {metrics['seconds/idle']:.2g} s"
