"""A Python interpreter for the policy: its programs run in the sandbox, what they print is the tool's message.

In a config for a model with a chat template:

    rollout: {use: "examples/python_env.py:interpreter", params: {max_runs: 3}, threads: 4}
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from veritune.sandbox import Limits, Outcome, Program, default_sandbox
from veritune.trainer.rollout.episodes import Turn

PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)
LONGEST = 2000
"""Characters of a program's output that the policy is shown."""


def interpreter(*, max_runs: int = 4, cpu_s: float = 2.0) -> Generator[dict[str, Any] | None, Turn, None]:
    """Runs the last program of every turn; a turn without a program ends the episode."""
    sandbox = default_sandbox()
    turn = yield
    for _ in range(max_runs):
        programs = PROGRAM.findall(turn.text)
        if not programs:
            return
        outcome = sandbox.run(Program("python", programs[-1]), limits=Limits(cpu_s=cpu_s))
        turn = yield {"role": "tool", "content": shown(outcome)}


def shown(outcome: Outcome) -> str:
    """What the policy reads: the output, and why the program failed if it did."""
    text = outcome.stdout_text[:LONGEST]
    return text if outcome.ok else f"{text}{outcome.stderr_text[-LONGEST:]}[{outcome.describe()}]"
