"""Inputs that hang, crash or exhaust memory in naive checkers: here every one ends in time and executes nothing."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from veritune.sandbox.workers import Status, WorkerPool
from veritune.verifiers.math import MathVerifier
from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.judge import WARM_UP
from veritune.verifiers.math.options import DEFAULT

Rows = Callable[[str], list[dict[str, Any]]]

DEADLINE = 1.0
SLACK = 0.5

OWN = {
    "factorial": (r"\boxed{100000000!}", "42"),
    "nested factorials": (r"\boxed{((((3!)!)!)!)!}", "42"),
    "product": (r"\boxed{\prod_{k=1}^{10^9} k}", "42"),
    "binomial": (r"\boxed{\binom{10^{12}}{5\cdot 10^{11}}}", "42"),
    "gcd of towers": (r"\boxed{\gcd(2^{10^9}-1, 2^{10^8}-1)}", "42"),
    "expansion": (r"\boxed{(a+b+c+d+e+f)^{60}}", "a+b"),
    "nested expansion": (r"\boxed{((((x+1)^{9}+1)^{9}+1)^{9}+1)^{9}}", "x"),
    "radicals": (r"\boxed{" + r"\sqrt{2+" * 40 + "2" + "}" * 40 + "}", "2"),
    "determinant": (r"\boxed{\begin{vmatrix}" + r"\\".join(["a&b&c&d&e&f&g&h"] * 8) + r"\end{vmatrix}}", "0"),
    "matrix power": (r"\boxed{\begin{pmatrix}x&1\\1&y\end{pmatrix}^{999}}", "1"),
    "long set": (r"\boxed{\{" + ",".join(f"x^{n}" for n in range(300)) + r"\}}", r"\{1\}"),
    "sets in other order": (
        r"\boxed{\{" + ",".join(f"\\sqrt{{{n}}}+1" for n in range(80)) + r"\}}",
        r"\{" + ",".join(f"1+\\sqrt{{{n}}}" for n in range(79, -1, -1)) + r"\}",
    ),
    "plus-minus": (r"\boxed{" + r"\pm".join("abcdefghijklmnopqrstuvw") + "}", "1"),
    "absolute values": (r"\boxed{" + "|" * 501 + "x" + "|" * 501 + "}", "x"),
    "subscripts": (r"\boxed{" + "x_{" * 300 + "1" + "}" * 300 + "}", "x"),
    "polynomial equation": (r"\boxed{x^{100}+x^{37}y^{21}+y^{99}=7}", "x=1"),
    "huge period": (r"\boxed{0.\overline{" + "12345678" * 200 + "}}", "0.5"),
    "digits of a base": (r"\boxed{" + "7" * 1500 + "_{36}}", "5"),
    "limit": (r"\boxed{\lim_{n\to\infty}\left(1+\frac{1}{n}\right)^{n^{n}}}", "e"),
    "comparison chain": (r"\boxed{" + "<".join("abcdefghij" * 20) + "}", "a<b"),
}


@pytest.fixture(scope="module")
def verifier() -> MathVerifier:
    verifier = MathVerifier(deadline=DEADLINE, cache=0)
    verifier.verify(r"\boxed{x^2+x}", "x(x+1)")
    return verifier


def _timed(verifier: MathVerifier, prediction: str, gold: str) -> tuple[float, bool | None]:
    """Seconds in deadlines that the check was given: one, and four more where a busy machine starved the first."""
    start = time.monotonic()
    verdict = verifier.verify(prediction, gold)
    seconds = time.monotonic() - start
    return (seconds / 5 if verdict.evidence.get("starved") else seconds), verdict.correct


def _hostile(shared_rows: Rows) -> list[dict[str, Any]]:
    rows = shared_rows("math_hostile/hostile.jsonl")
    return rows + [{"id": k, "prediction": p, "gold": g, "expected": "any"} for k, (p, g) in OWN.items()]


def test_every_hostile_answer_ends_in_time_with_its_verdict(shared_rows: Rows, verifier: MathVerifier) -> None:
    for row in _hostile(shared_rows):
        seconds, correct = _timed(verifier, row["prediction"], row["gold"])
        assert seconds < DEADLINE + SLACK, row["id"]
        if row["expected"] != "any":
            assert correct is row["expected"], row["id"]


def test_eight_threads_of_hostile_answers_end_within_their_share_of_the_queue(
    shared_rows: Rows, verifier: MathVerifier
) -> None:
    rows = _hostile(shared_rows)
    workers = verifier.workers or 1
    with ThreadPoolExecutor(8) as threads:
        timed = list(threads.map(lambda row: _timed(verifier, row["prediction"], row["gold"]), rows))
    assert max(seconds for seconds, _ in timed) < 8 / workers * DEADLINE + SLACK


@pytest.fixture(scope="module")
def algebra() -> Iterator[WorkerPool]:
    """sympy without the cascade before it: here the hostile answers really reach it."""
    function = "veritune.verifiers.math.symbolic:compare"
    with WorkerPool(function, workers=2, deadline=0.5, memory_mb=512, preload=[WARM_UP], recursion=3000) as pool:
        pool.run([("1", "2")] * 2)
        yield pool


def test_algebra_that_cannot_end_is_ended(algebra: WorkerPool) -> None:
    answers = [
        "100000000!",
        "9^{9^{9^9}}",
        r"\sum_{i=1}^{1000}\sum_{j=1}^{1000}\sum_{k=1}^{1000} \frac{1}{i+j+k}",
        r"\binom{10^{12}}{5\cdot 10^{11}}",
        "(a+b+c+d+e+f)^{60}+1",
        r"x^{17}+3x^{11}y^{5}+\sin(xy)=e^{x+y}",
    ]
    start = time.monotonic()
    outcomes = algebra.run([(answer, "x=42") for answer in answers], cpu=0.4, deadline=2.0)
    assert time.monotonic() - start < len(answers) / 2 * (2.0 + SLACK)
    assert sum(o.status is not Status.OK for o in outcomes) >= 2, "some of these do hang sympy"
    assert all(o.seconds < 2.0 + SLACK for o in outcomes)


def test_big_integers_of_gmpy2_are_ended_too(algebra: WorkerPool) -> None:
    pytest.importorskip(
        "gmpy2"
    )  # sympy computes with it where it is installed, inside C code that no signal interrupts
    outcomes = algebra.run([("100000000!", "42"), ("10^{10^9}", "42")], cpu=0.4, deadline=2.0)
    assert [o.status for o in outcomes] == [Status.CPU] * 2


def test_ordinary_answers_pass_at_once_after_hostile_ones(algebra: WorkerPool) -> None:
    algebra.run([("100000000!", "42")] * 4, cpu=0.2, deadline=2.0)
    outcomes = algebra.run([(f"(x+{n})^2", f"x^2+{2 * n}x+{n * n}") for n in range(1, 30)], deadline=5.0)
    assert [o.value.outcome.value for o in outcomes] == ["right"] * 29
    assert sorted(o.seconds for o in outcomes)[15] < 1.5  # far from the deadline, on a loaded machine too


def test_nothing_in_an_answer_is_executed(algebra: WorkerPool, verifier: MathVerifier, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    payloads = [
        f"__import__('os').system('touch {canary}')",
        f"open('{canary}', 'w')",
        f"exec(\"open('{canary}','w')\")",
        f"(lambda: open('{canary}', 'w'))()",
        f"\\write18{{touch {canary}}}",
        f"sympify(\"open('{canary}','w')\")",
        f"\\text{{__import__('os').system('touch {canary}')}}",
    ]
    algebra.run([(payload, payload + "+1") for payload in payloads], deadline=5.0)
    for payload in payloads:
        assert verifier.verify(f"\\boxed{{{payload}}}", "42").correct is not True
        verifier.verify("42", payload)
        verifier.verify(payload, payload + "+1")
    assert not canary.exists()


MEMORY = """
import json, resource, sys
from veritune.verifiers.math import MathVerifier
rows = [json.loads(line) for line in sys.stdin]
verifier = MathVerifier(deadline=1.0)
verifier.verify("\\\\boxed{x^2+x}", "x(x+1)")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for n in range(1000):
    row = rows[n % len(rows)]
    verifier.verify(row["prediction"] + " " * (n // len(rows)), row["gold"])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_a_thousand_hostile_calls_cost_the_parent_little_memory(shared_rows: Rows) -> None:
    rows = "\n".join(json.dumps(row) for row in _hostile(shared_rows))
    out = subprocess.run([sys.executable, "-c", MEMORY], input=rows, capture_output=True, text=True, check=True)
    assert float(out.stdout) < 200


@pytest.mark.parametrize(
    "unit",
    [
        r"\boxed{1}",
        r"\boxed{",
        "answer: ",
        "The answer is ",
        "**x** ",
        "$1$ and ",
        "#### ",
        "<think>",
        "</think>",
        "<answer>",
        "答案是",
        '{"answer": ',
        "(1[",
        "= 1 ",
        "\n",
        "A: \n",
    ],
)
def test_extraction_takes_linear_time(unit: str) -> None:
    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        extract(text, DEFAULT)
        return resource.getrusage(resource.RUSAGE_SELF).ru_utime - start

    assert cost(50_000) < 0.25
    assert cost(800_000) < 4.0
