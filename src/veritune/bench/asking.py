"""A grader in a process of its own: one that raises, hangs or dies costs its own row, and never the others."""

from __future__ import annotations

import dataclasses
from types import TracebackType

from veritune.bench.graders import Choice
from veritune.bench.loading import Finding, function_of
from veritune.bench.rows import Row
from veritune.plugins.errors import PluginError
from veritune.sandbox.workers import Outcome, Status, WorkerPool

WARM_UP = (("The answer is \\boxed{2}.", "2"), (r"\boxed{\frac{1}{2}}", "0.5"), (r"\boxed{1+x}", "x+1"))
"""Asked before anything is timed: what a grader imports with its first questions is not its speed."""
WARM_UP_SECONDS = 120.0
PATIENCE = 3.0
"""Wall clock for each second of CPU: a busy machine makes no grader hang."""
MEMORY_MB = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What became of one row."""

    found: bool | None
    said: str
    """The cause where it did not decide, raised or hung."""
    seconds: float = 0.0
    end: str = "answered"
    """Or ``error``, or ``timeout``."""


class AskedGrader:
    """One grader, ready to be asked. `deadline` is the CPU seconds that a row may take."""

    def __init__(self, choice: Choice, deadline: float = 10.0) -> None:
        self.name = choice.label
        self._deadline = deadline
        self._cold = True
        self._pool = WorkerPool(
            function_of(choice.module, choice.folders, choice.argument),
            workers=1,
            deadline=deadline,
            memory_mb=MEMORY_MB,
            recycle=10**9,
            startup_seconds=WARM_UP_SECONDS,
        )

    def start(self) -> str | None:
        """Import it and ask the first questions; why it cannot be asked, or None."""
        try:
            self._warm_up()
        except PluginError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            return lines[-1].strip() if lines else "it does not import"
        return None

    def ask(self, row: Row) -> Reply:
        """Its reply to one row."""
        if self._cold:
            self._warm_up()
        outcome = self._run(row.completion, row.gold, row.prompt, self._deadline)
        if outcome.status is Status.OK:
            finding: Finding = outcome.value[0]
            return Reply(*finding, seconds=outcome.value[1])
        if outcome.status is Status.ERROR:
            return Reply(None, outcome.detail.partition(":")[0], end="error")
        self._cold = True
        if outcome.status in (Status.CPU, Status.WALL):
            return Reply(None, f"no answer within {self._deadline:g} s", end="timeout")
        return Reply(None, "memory" if outcome.status is Status.MEMORY else f"died: {outcome.detail}", end="error")

    def close(self) -> None:
        """End its process."""
        self._pool.close()

    def _warm_up(self) -> None:
        for completion, gold in WARM_UP:
            self._run(completion, gold, "", WARM_UP_SECONDS)
        self._cold = False

    def _run(self, completion: str, gold: str, prompt: str, cpu: float) -> Outcome:
        return self._pool.run([(completion, gold, prompt)], cpu=cpu, deadline=PATIENCE * cpu)[0]

    def __enter__(self) -> AskedGrader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
