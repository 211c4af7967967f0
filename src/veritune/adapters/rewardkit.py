"""For Harbor: a verifier's ``reward.json``, and a criterion for rewardkit.

In a task's ``tests/test.sh``::

    python -m veritune.adapters.rewardkit rewards.yaml --answer /app/answer.txt --row /tests/row.json

or in rewardkit's ``tests/checks.py``::

    from veritune.adapters.rewardkit import criterion
    criterion("rewards.yaml", answer="answer.txt", row="/tests/row.json")
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veritune.adapters.composed import Composed
from veritune.adapters.undecided import UndecidedError
from veritune.plugins import Score
from veritune.rewards.composition.compose import Source

REWARD = "/logs/verifier/reward.json"
"""Where Harbor looks for a verifier's rewards."""
LIMIT = 1_000_000
"""Characters of an answer file that are read."""


class AnswerFile(Composed):
    """A reward on what an agent left in a file, with a task's row as columns."""

    framework = "Harbor"

    def __init__(self, source: Source, *, answer: str, row: str | Path | Mapping[str, Any] | None = None) -> None:
        super().__init__(source)
        self.answer, self.row = answer, row

    def found(self, workspace: str | Path = ".") -> Score:
        """The score. No file is an empty answer; a row that cannot be read raises."""
        path = Path(workspace) / self.answer
        text = path.read_text(encoding="utf-8", errors="replace")[:LIMIT] if path.is_file() else ""
        row = self.row if isinstance(self.row, Mapping) or self.row is None else json.loads(Path(self.row).read_text())
        return self.score(text, None, dict(row or {}))

    def write(self, path: str | Path = REWARD, workspace: str | Path = ".") -> Score:
        """Write ``{"reward": …}`` for Harbor, and every component with its reason to ``reward-details.json`` beside it.

        An undecided sample writes no reward: Harbor takes a missing file for a failed verifier, not for a 0.
        """
        score, target = self.found(workspace), Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        details = {"value": score.value, "cause": score.cause and str(score.cause), "reason": score.reason}
        more = {"components": self.components(score), "reasons": self.reasons(score)}
        (target.parent / "reward-details.json").write_text(json.dumps({**details, **more}), encoding="utf-8")
        target.unlink(missing_ok=True)
        if score.value is not None:
            target.write_text(json.dumps({"reward": score.value}), encoding="utf-8")
        return score


def criterion(source: Source, *, answer: str, row: Any = None, weight: float = 1.0, name: str = "veritune") -> Any:
    """Register a rewardkit criterion. An undecided sample raises: rewardkit reports the criterion's error."""
    grader = AnswerFile(source, answer=answer, row=row)

    def check(workspace: Path) -> float:
        return grader.number(grader.found(workspace))

    check.__name__ = name
    kit = importlib.import_module("rewardkit.session")
    kit.criterion(check, shared=True)
    return kit._factory_registry[name](weight=weight)


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 where a reward was written, 3 where the sample is undecided."""
    parser = argparse.ArgumentParser(prog="veritune.adapters.rewardkit", description=__doc__)
    parser.add_argument("rewards")
    parser.add_argument("--answer", required=True)
    parser.add_argument("--row", default=None)
    parser.add_argument("--out", default=REWARD)
    parser.add_argument("--workspace", default=".")
    given = parser.parse_args(arguments)
    source: Any = given.rewards if given.rewards.endswith((".yaml", ".yml")) else given.rewards.split(",")
    score = AnswerFile(source, answer=given.answer, row=given.row).write(given.out, given.workspace)
    if score.value is None:
        print(f"undecided ({score.cause}): {score.reason}; no reward is written", file=sys.stderr)
        return 3
    return 0


__all__ = ["AnswerFile", "UndecidedError", "criterion", "main"]

if __name__ == "__main__":
    sys.exit(main())
