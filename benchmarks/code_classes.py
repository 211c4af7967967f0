"""Verdicts on right and wrong programs, by kind of row: which share is judged, and which is undecided.

    python benchmarks/code_classes.py [--data DATA] [NAME …]

Class-level problems are those of tests/verifiers/code/data/classes.txt, in each style of test code. With ``--data`` (a
folder with humaneval.jsonl and mbpp.jsonl) these sets are added, and MBPP in the forms of KodCode and BigCodeBench.
Exit status 1 where a right program is judged wrong, or a wrong one right.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from veritune.verifiers.code import CodeVerifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.verifiers.code.class_rows import STYLES, ClassProblem, problems


class Case(NamedTuple):
    """One program: its set, its name, whether it is right, its source and its row."""

    group: str
    name: str
    right: bool
    code: str
    row: dict[str, Any]


def classes(names: list[str]) -> Iterator[Case]:
    for problem in problems():
        if not names or problem.name in names:
            for style in STYLES:
                for right, code in ((True, problem.right), (False, problem.wrong)):
                    yield Case("class-level", f"{problem.name}, {style}", right, code, problem.row(style))


def known(folder: Path) -> Iterator[Case]:
    """HumanEval and MBPP as they are, and every third of MBPP as KodCode and BigCodeBench write tests."""
    for row in _read(folder / "humaneval.jsonl"):
        yield Case("HumanEval", row["id"], True, row["canonical_solution"], row)
        yield Case("HumanEval", row["id"], False, "    return None", row)
    for index, row in enumerate(_read(folder / "mbpp.jsonl")):
        yield Case("MBPP", row["id"], True, row["code"], row)
        if index % 3 == 0:
            tests = "\n".join([row.get("test_setup_code") or "", *row["test_list"]]).strip() + "\n"
            problem = ClassProblem(str(row["id"]), row["code"], "", tests)
            yield Case("KodCode-like", row["id"], True, row["code"], problem.row("functions"))
            yield Case("BigCodeBench-like", row["id"], True, row["code"], problem.row("unittest"))


ARRAYS = (
    ("x - x.mean()", "[[1., 2.], [3., 5.]]"), ("np.where(x > 2, x, 0)", "[1, 2, 3]"), ("x.T @ x", "[[1, 2], [3, 4]]"),
    ("np.cumsum(x, axis=0)", "[[1, 2], [3, 4]]"), ("x[::-1]", "[1, 2, 3]"), ("np.unique(x)", "[3, 1, 1]"),
    ("np.argmax(x, axis=1)", "[[1, 9], [7, 2]]"), ("x.reshape(-1, 1)", "[1, 2]"), ("np.diff(x)", "[1, 4, 9]"),
    ("np.linalg.norm(x)", "[3., 4.]"), ("x.astype(str)", "[1, 2]"), ("x[x % 2 == 0]", "[1, 2, 4]"),
)  # fmt: skip


def arrays() -> Iterator[Case]:
    """As DS-1000 asks: a test function that is handed the candidate and compares arrays."""
    for expression, data in ARRAYS:
        code = f"import numpy as np\n\ndef solve(x):\n    return {expression}\n"
        test = (
            "import numpy as np\n\ndef test_execution(candidate):\n"
            f"    x = np.array({data})\n    want = {expression}\n    got = candidate(np.array({data}))\n"
            "    np.testing.assert_array_equal(got, want)\n    assert np.shape(got) == np.shape(want)\n"
        )
        row = {"entry_point": "solve", "test": test}
        yield Case("DS-1000-like", expression, True, code, row)
        yield Case("DS-1000-like", expression, False, "def solve(x):\n    return x * 7\n", row)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    cases = list(classes(given.names))
    if given.data is not None:
        cases += [*known(given.data), *arrays()]
    began = time.monotonic()
    verifier = CodeVerifier(limits={"cpu_s": 5, "wall_s": 40})
    verdicts = verifier.verify_batch([(case.code, case.row) for case in cases])
    seconds = time.monotonic() - began
    counts: Counter[tuple[str, bool, bool | None]] = Counter()
    odd = []
    for case, verdict in zip(cases, verdicts, strict=True):
        counts[case.group, case.right, verdict.correct] += 1
        if verdict.correct is not case.right:
            said = "undecided" if verdict.correct is None else "passed" if verdict.correct else "failed"
            kind = "right" if case.right else "wrong"
            odd.append(f"  {case.group}, {case.name}, {kind}: {said}: {verdict.reason[:200]}")
    print(f"{'rows':20} {'programs':10} {'passed':>8} {'failed':>8} {'undecided':>10}")
    for group in dict.fromkeys(case.group for case in cases):
        for right in (True, False):
            passed, failed, undecided = (counts[group, right, correct] for correct in (True, False, None))
            if passed + failed + undecided:
                print(f"{group:20} {'right' if right else 'wrong':10} {passed:8} {failed:8} {undecided:10}")
    print(f"{len(cases)} programs in {seconds:.0f} s")
    print(*odd, sep="\n")
    wrong = (verdict.correct is (not case.right) for case, verdict in zip(cases, verdicts, strict=True))
    return int(any(wrong))


if __name__ == "__main__":
    sys.exit(main())
