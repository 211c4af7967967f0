"""The verifier ``code``: a completion's program against the tests of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.errors import ConfigError, ParameterError, did_you_mean
from veritune.plugins.types import Verdict
from veritune.sandbox.interface import Limits, Sandbox
from veritune.verifiers.code.extraction import NoFence, extract_code
from veritune.verifiers.code.judge import Isolation, SandboxSpec, judge_batch, shared_sandbox
from veritune.verifiers.code.problem import InvalidProblem, Problem
from veritune.verifiers.code.rows import read_row

DEFAULT_LIMITS = Limits(cpu_s=10, wall_s=30, memory_mb=512)


class CodeVerifier:
    """Right where the completion's program passes every test of its gold, which is a row (see :func:`read_row`).

    - ``language``: of the program; ``auto`` takes the row's, Python where it names none.
    - ``all_tests``: run every test, so that ``score`` is the fraction passed; else stop at the first failure.
    - ``sandbox``: a back-end's name, or ``{name: …, option: …}``; ``limits``: fields of ``Limits`` for one run.
    - ``isolation``: ``split`` keeps tests and program apart; ``same-process`` does not, and marks its verdicts
      ``tamperable``: for tests that patch or subclass the program. ``pytest`` is the same with the real pytest as the
      runner of test code, which must be among the sandbox's packages.
    - ``deadline_s``: for a whole batch; programs that had no turn by then are undecided.
    - ``no_fence``: what to do with a text without a code fence; ``thinking``: look for code in the thinking, too.
    """

    def __init__(
        self,
        *,
        language: str = "auto",
        all_tests: bool = True,
        sandbox: SandboxSpec | Sandbox = None,
        limits: Limits | Mapping[str, Any] | None = None,
        isolation: Isolation = "split",
        deadline_s: float | None = None,
        no_fence: NoFence = "run",
        thinking: bool = False,
    ) -> None:
        if isolation not in ("split", "same-process", "pytest"):
            raise ConfigError(f"isolation must be 'split', 'same-process' or 'pytest', got {isolation!r}")
        self.language = language
        self.all_tests = all_tests
        self.sandbox = sandbox
        self.limits = make_limits(limits)
        self.isolation = isolation
        self.deadline_s = deadline_s
        self.no_fence: NoFence = no_fence
        self.thinking = thinking

    def verify(self, completion: str, gold: Any) -> Verdict:
        """The verdict on one completion."""
        return self.verify_batch([(completion, gold)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a (completion, row), in order. Equal pairs are judged once."""
        problems = [self.problem(gold) for _, gold in pairs]
        programs = [(self.program(text, problem), problem) for (text, _), problem in zip(pairs, problems, strict=True)]
        return judge_batch(
            programs,
            shared_sandbox(self.sandbox),
            self.limits,
            stop_early=not self.all_tests,
            deadline_s=self.deadline_s,
            isolation=self.isolation,
        )

    def problem(self, gold: Any) -> Problem | InvalidProblem:
        """A row's problem, or what is wrong with it."""
        if isinstance(gold, Problem | InvalidProblem):
            return gold
        try:
            return read_row(gold)
        except InvalidProblem as error:
            return error

    def program(self, completion: str, problem: Problem | InvalidProblem) -> str | None:
        """The completion's program in the problem's language."""
        language = "python" if isinstance(problem, InvalidProblem) else problem.language
        if self.language != "auto":
            language = self.language
        return extract_code(completion, language, no_fence=self.no_fence, thinking=self.thinking)


def make_limits(given: Limits | Mapping[str, Any] | None) -> Limits:
    """Limits from their fields by name; ParameterError names the nearest right one."""
    if isinstance(given, Limits):
        return given
    defaults = {name: getattr(DEFAULT_LIMITS, name) for name in Limits.__dataclass_fields__}
    for name in given or ():
        if name not in defaults:
            raise ParameterError(
                f"limits has no field {name!r}.{did_you_mean(name, defaults)} Fields: {', '.join(defaults)}."
            )
    values = {**defaults, **(given or {})}
    if given and "cpu_s" in given and "wall_s" not in given:
        values["wall_s"] = max(3 * float(values["cpu_s"]), 2.0)
    return Limits(**values)
