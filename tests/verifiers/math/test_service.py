"""The math verifier as a service: what a verdict carries, what is asked once, and on whom a deadline is blamed."""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from veritune import Cause, get_verifier
from veritune.plugins import ConfigError, ParameterError
from veritune.sandbox.workers import Outcome, Status
from veritune.verifiers.math import MathVerifier, shared_verifier
from veritune.verifiers.math.decision import Decision
from veritune.verifiers.math.decision import Outcome as Found
from veritune.verifiers.math.finding import BoundedCache
from veritune.verifiers.math.gold import read_golds
from veritune.verifiers.math.judge import Judgement, Task
from veritune.verifiers.math.options import DEFAULT
from veritune.verifiers.math.plain import is_plain

Rows = Callable[[str], list[dict[str, Any]]]

PAIRS = [
    (r"so \boxed{\frac{x^2-1}{x-1}}", "x+1"),
    (r"\boxed{\sin^2 x}", r"1-\cos^2 x"),
    (r"\boxed{2^{10}}", "1024"),
    (r"\boxed{2^{11}}", "1024"),
    (r"#### 1,234", "1234"),
    ("no idea at all, sorry", "7"),
]
EXPECTED = [True, True, True, False, True, False]


class Recorder:
    """An executor that notes what it is asked and answers as told."""

    def __init__(self, answer: Callable[[Task], Outcome]) -> None:
        self.answer = answer
        self.asked: list[Task] = []

    def start(self) -> None:
        pass

    def run(self, tasks: Sequence[Task], *, cpu: float, deadline: float) -> list[Outcome]:
        assert 0 < cpu <= deadline
        self.asked += tasks
        return [self.answer(task) for task in tasks]

    async def arun(self, tasks: Sequence[Task], *, cpu: float, deadline: float) -> list[Outcome]:
        return self.run(tasks, cpu=cpu, deadline=deadline)


def recorded(answer: Callable[[Task], Outcome], **options: Any) -> tuple[MathVerifier, Recorder]:
    verifier, recorder = MathVerifier(**options), Recorder(answer)
    verifier.executor = recorder
    return verifier, recorder


def right(task: Task) -> Outcome:
    return Outcome(Status.OK, Judgement(Found.RIGHT, "structure", "the same mathematics"))


@pytest.fixture(scope="module")
def verifier() -> MathVerifier:
    return MathVerifier(deadline=10.0)


def test_a_verdict_says_what_was_found_what_was_expected_and_how(verifier: MathVerifier) -> None:
    verdict = verifier.verify(r"Therefore $\boxed{\frac{x^2-1}{x-1}}$.", "x+1")
    assert verdict.correct is True
    assert verdict.score == 1.0
    assert verdict.extracted == r"\frac{x^2-1}{x-1}"
    assert verdict.expected == "x+1"
    assert verdict.reason
    assert {"stage", "extraction", "seconds"} <= verdict.evidence.keys()


def test_the_service_is_found_by_name_and_agrees_everywhere(verifier: MathVerifier) -> None:
    named = get_verifier("math", deadline=10.0)
    assert [v.correct for v in named.verify_batch(PAIRS)] == EXPECTED
    assert [named.verify(*pair).correct for pair in PAIRS] == EXPECTED
    assert [v.correct for v in asyncio.run(named.averify_batch(PAIRS))] == EXPECTED
    with ThreadPoolExecutor(8) as threads:
        for verdicts in threads.map(lambda _: verifier.verify_batch(PAIRS), range(8)):
            assert [v.correct for v in verdicts] == EXPECTED


def test_it_travels_by_pickle_and_works_in_a_forked_child(verifier: MathVerifier) -> None:
    copy = pickle.loads(pickle.dumps(verifier))
    assert [v.correct for v in copy.verify_batch(PAIRS)] == EXPECTED
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=lambda: theirs.send([v.correct for v in copy.verify_batch(PAIRS)]), daemon=True)
    child.start()
    assert ours.poll(60)
    assert ours.recv() == EXPECTED
    child.join(10)


def test_equal_questions_are_asked_once() -> None:
    verifier, recorder = recorded(right)
    pairs = [(f"{'so ' * n}\\boxed{{x^{{2}}+1}}", "1+x^{2}") for n in range(8)]
    assert [v.correct for v in verifier.verify_batch(pairs)] == [True] * 8
    assert len(recorder.asked) == 1
    verifier.verify_batch(pairs)
    assert len(recorder.asked) == 1, "remembered across calls"


def test_the_memory_has_a_bound_and_can_be_switched_off() -> None:
    verifier, recorder = recorded(right, cache=0)
    for _ in range(2):
        verifier.verify(r"\boxed{x^{2}+1}", "1+x^{2}")
    assert len(recorder.asked) == 2
    cache: BoundedCache[int] = BoundedCache(3)
    for n in range(10):
        cache.put(n, "k" * 1000, str(n))
        cache.get("k" * 1000, "7")
    assert len(cache) == 3
    assert cache.get("k" * 1000, "7") == 7
    assert cache.get("k" * 1000, "0") is None


@pytest.mark.parametrize(
    ("answer", "gold_alone", "correct", "cause"),
    [
        (Outcome(Status.CPU), "fine", False, None),
        (Outcome(Status.MEMORY), "fine", False, None),
        (Outcome(Status.CRASHED, detail="the worker killed by SIGSEGV"), "fine", False, None),
        (Outcome(Status.ERROR, detail="RecursionError: deep"), "fine", False, None),
        (Outcome(Status.ERROR, detail="NameError: a bug of ours"), "fine", None, Cause.INTERNAL_ERROR),
        (Outcome(Status.CPU), "slow", None, Cause.TIMEOUT),
        (Outcome(Status.CPU), "unusable", None, Cause.INVALID_GOLD),
        (Outcome(Status.WALL), "fine", None, Cause.TIMEOUT),
        (Outcome(Status.QUEUE), "fine", None, Cause.TIMEOUT),
        (Outcome(Status.CRASHED, detail="the worker killed by SIGKILL"), "fine", None, Cause.INFRA_ERROR),
        (Outcome(Status.CRASHED, detail="the worker server was lost"), "fine", None, Cause.INFRA_ERROR),
    ],
)
def test_a_deadline_is_the_answers_fault_only_where_the_gold_alone_checks(
    answer: Outcome, gold_alone: str, correct: bool | None, cause: Cause | None
) -> None:
    alone = {
        "fine": Outcome(Status.OK, Judgement(Found.WRONG, "number", "another number")),
        "slow": Outcome(Status.CPU),
        "unusable": Outcome(Status.OK, Judgement(Found.INVALID_GOLD, "gold", "nothing")),
    }
    verifier, recorder = recorded(lambda task: alone[gold_alone] if task[0] == "gold" else answer)
    verdict = verifier.verify(r"\boxed{x^{2}+1}", "y^{7}")
    assert verdict.correct is correct
    assert verdict.cause is cause
    assert "limit" in verdict.evidence or cause in (Cause.INFRA_ERROR, Cause.INTERNAL_ERROR)
    asked = len(recorder.asked)
    verifier.verify(r"\boxed{x^{2}+1}", "y^{7}")
    decided = correct is not None or gold_alone != "fine"
    assert (len(recorder.asked) == asked) is decided, "what was only starved is asked again"


@pytest.mark.parametrize("status", [Status.WALL, Status.QUEUE])
def test_a_starved_check_is_tried_once_more_with_more_clock_and_the_same_cpu(status: Status) -> None:
    right = Outcome(Status.OK, Judgement(Found.RIGHT, "structure", "the same mathematics"))
    answers = [Outcome(status), right]
    verifier, recorder = recorded(lambda task: answers.pop(0))
    verdict = verifier.verify(r"\boxed{x^{2}+1}", "1+x^{2}")
    assert verdict.correct is True
    assert verdict.evidence["starved"] is True
    assert len(recorder.asked) == 2


def test_any_of_several_golds_will_do(verifier: MathVerifier) -> None:
    assert verifier.verify(r"\boxed{1/2}", ["7", r"\frac12"]).correct is True
    assert verifier.verify(r"\boxed{1/2}", ["7", "8"]).correct is False
    assert verifier.verify(r"\boxed{4}", 4).correct is True
    assert verifier.verify(r"\boxed{0.5}", 0.5).correct is True
    assert verifier.verify(r"\boxed{12}", 12.0).correct is True


@pytest.mark.parametrize("gold", [None, "", "  ", [], math.nan, {"a": None}, "He runs.\n#### 72", r"\frac{1}}{2}"])
def test_no_gold_is_never_a_zero(verifier: MathVerifier, gold: Any) -> None:
    verdict = verifier.verify(r"\boxed{72}", gold)
    assert verdict.cause is Cause.INVALID_GOLD
    assert "gold" in verdict.reason


def test_delimiters_around_a_gold_are_notation() -> None:
    for gold in ("$x+1$", r"\(x+1\)", "$$x+1$$", r"\[x+1\]", " x+1 "):
        assert read_golds(gold, DEFAULT).answers == ("x+1",)
    assert read_golds("$1$ and $2$", DEFAULT).answers == ("$1$ and $2$",)


def test_worked_solutions_are_searched_where_the_config_says_so(shared_rows: Rows) -> None:
    rows = shared_rows("math/math_test.jsonl")[:600]
    verifier = MathVerifier(gold_format="solution", deadline=10.0)
    verdicts = verifier.verify_batch([(f"\\boxed{{{row['answer']}}}", row["solution"]) for row in rows])
    wrong = [row["id"] for row, verdict in zip(rows, verdicts, strict=True) if verdict.correct is not True]
    assert len(wrong) <= 2, wrong


def test_every_answer_equals_itself_as_a_bare_gold(shared: Path, verifier: MathVerifier) -> None:
    checked = 0
    for path in sorted((shared / "data").glob("math*/*.jsonl")):
        if path.parent.name in ("math_hostile", "math_equivalence"):
            continue
        with path.open(encoding="utf-8") as lines:
            golds = [answer for line in lines for answer in _list(json.loads(line)["answer"])]
        golds = [gold for gold in golds if read_golds(gold, DEFAULT).answers]
        verdicts = verifier.verify_batch([(f"The answer is \\boxed{{{gold}}}", gold) for gold in golds])
        wrong = [gold for gold, verdict in zip(golds, verdicts, strict=True) if verdict.correct is not True]
        assert not wrong, (path.name, wrong[:3])
        checked += len(golds)
    assert checked > 14_000


def _list(answer: Any) -> list[str]:
    return answer if isinstance(answer, list) else [answer]


def test_real_completions_get_their_label(shared_rows: Rows, verifier: MathVerifier) -> None:
    rows = shared_rows("labelled_responses/gsm8k_model_solutions.jsonl")
    verdicts = verifier.verify_batch([(row["response"], row["answer"]) for row in rows])
    assert [v.correct for v in verdicts] == [row["is_correct"] for row in rows]


def test_plain_means_that_nothing_can_grow() -> None:
    for text in ("42", "-3.5", r"\frac{1}{2}", "(1, 2)", "1,234", r"50\%", "B", "blue whale", r"5\pi", r"2\sqrt{3}"):
        assert is_plain(text), text
    for text in ("2^3", "5!", "10**9", "exp(9)", r"\sum 1", r"\binom{9}{3}", "9e9", "x" * 60 + "1", "1" * 26, "١"):
        assert not is_plain(text), text


def test_a_bug_in_the_comparison_is_never_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("a bug of ours")

    monkeypatch.setattr("veritune.verifiers.math.batch.decide", broken)
    verifier, _ = recorded(lambda task: Outcome(Status.ERROR, detail="KeyError: 'a bug of ours'"))
    assert verifier.verify(r"\boxed{\frac{1}{3}}", "7").cause is Cause.INTERNAL_ERROR


def test_algebra_never_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    undecided = Decision(Found.NEEDS_SYMBOLIC, "structure", "not decided")
    monkeypatch.setattr("veritune.verifiers.math.batch.decide", lambda *_: undecided)
    verifier, recorder = recorded(right)
    assert verifier.verify(r"\boxed{\frac{1}{3}}", "7").correct is True
    assert len(recorder.asked) == 1


def test_wrong_configuration_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ParameterError, match="strict_operators"):
        MathVerifier(strict_operator=True)
    with pytest.raises(ConfigError, match="local"):
        MathVerifier(executor="locl")
    with pytest.raises(ParameterError, match="deadline"):
        MathVerifier(deadline=0)


def test_equal_requests_share_a_verifier_and_its_workers() -> None:
    assert shared_verifier(deadline=2.0) is shared_verifier(deadline=2.0)
    assert shared_verifier(deadline=2.0).executor is MathVerifier(deadline=9.0).executor


def test_importing_the_verifier_imports_nothing_heavy() -> None:
    code = (
        "import sys, veritune.verifiers.math as m; m.MathVerifier().verify('#### 7', '7');"
        "print([n for n in ('sympy', 'math_verify', 'latex2sympy2_extended', 'torch', 'ray', 'mpmath') "
        "if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert out.stderr == ""
